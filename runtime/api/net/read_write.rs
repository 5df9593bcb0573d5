//! `Read` and `Write` of what wraps a `Socket`, streams and ends of pipes, and of a reference to it: as macros,
//! since std has no trait for what both wrap.
#![forbid(unsafe_code)]

/// `Read`.
macro_rules! reads {
    ($name:ident) => {
        impl std::io::Read for &$name {
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                match buf {
                    [] => self.0.read(|mut std| std.read(&mut [])),
                    _ => self.0.receive(&mut [std::io::IoSliceMut::new(buf)]),
                }
            }

            fn read_vectored(
                &mut self,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                match bufs.iter().all(|buf| buf.is_empty()) {
                    true => self.0.read(|mut std| std.read_vectored(bufs)),
                    false => self.0.receive(bufs),
                }
            }
        }

        impl std::io::Read for $name {
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                (&*self).read(buf)
            }

            fn read_vectored(
                &mut self,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                (&*self).read_vectored(bufs)
            }
        }
    };
}
pub(crate) use reads;

/// `Write`.
macro_rules! writes {
    ($name:ident) => {
        impl std::io::Write for &$name {
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                self.0.write(|mut std| std.write(buf))
            }

            fn write_vectored(
                &mut self,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::io::Result<usize> {
                self.0.write(|mut std| std.write_vectored(bufs))
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        impl std::io::Write for $name {
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                (&*self).write(buf)
            }

            fn write_vectored(
                &mut self,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::io::Result<usize> {
                (&*self).write_vectored(bufs)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    };
}
pub(crate) use writes;
