//! The workloads of `bin/net` in plain blocking code, compiled three times: for gosched, may and std.

use std::time::Duration;

use crate::outcome::{Outcome, Workload};

macro_rules! sockets {
    ($name:ident, $($net:ident)::+, $($unix:ident)::+, $spawn:expr) => {
        mod $name {
            use std::io::{Read, Write};
            use std::net::{Ipv4Addr, SocketAddr};
            use std::sync::Arc;
            use std::sync::atomic::AtomicBool;
            use std::sync::atomic::Ordering::Relaxed;
            use std::time::Duration;

            use $($net)::+::{TcpListener, TcpStream, UdpSocket};
            use $($unix)::+::UnixStream;

            use crate::resident::resident;
            use crate::outcome::{AT_ONCE,
                Clock, Kind, Now, Outcome, SIZE, Times, Workload, announce, begin, compute_for,
            };

            const LIMIT: Duration = Duration::from_secs(60);

            fn serve<S: Read + Write>(mut stream: S) {
                let mut buf = [0; SIZE];
                while let Ok(n @ 1..) = stream.read(&mut buf) {
                    compute_for(&buf);
                    if stream.write_all(&buf[..n]).is_err() {
                        return;
                    }
                }
            }

            /// With the stream, which is closed when nothing is measured any more.
            fn ask<S: Read + Write>(mut stream: S) -> (Times, S) {
                let (request, mut answer) = ([AT_ONCE; SIZE], [0; SIZE]);
                let mut clock = Clock::new();
                loop {
                    stream.write_all(&request).expect("the server is there");
                    stream.read_exact(&mut answer).expect("the server answers");
                    assert_eq!(answer, request);
                    if !clock.tick() {
                        return (clock.times(), stream);
                    }
                }
            }

            /// Both ends of so many connections, which are served.
            fn tcp(count: usize, limit: bool) -> Vec<TcpStream> {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let to = listener.local_addr().unwrap();
                let accepts = $spawn(move || {
                    for _ in 0..count {
                        let stream = listener.accept().unwrap().0;
                        stream.set_nodelay(true).unwrap();
                        if limit {
                            stream.set_read_timeout(Some(LIMIT)).unwrap();
                        }
                        $spawn(move || serve(stream));
                    }
                });
                let new = |_| {
                    let stream = TcpStream::connect(to).unwrap();
                    stream.set_nodelay(true).unwrap();
                    if limit {
                        stream.set_read_timeout(Some(LIMIT)).unwrap();
                    }
                    stream
                };
                let streams = (0..count).map(new).collect();
                accepts.join().unwrap();
                streams
            }

            /// For clients of another process, until this one is ended.
            pub(super) fn serve_all() -> ! {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                announce(listener.local_addr().unwrap().port());
                loop {
                    let stream = listener.accept().unwrap().0;
                    stream.set_nodelay(true).unwrap();
                    $spawn(move || serve(stream));
                }
            }

            fn unix(count: usize) -> Vec<UnixStream> {
                let new = |_| {
                    let (near, far) = UnixStream::pair().unwrap();
                    $spawn(move || serve(far));
                    near
                };
                (0..count).map(new).collect()
            }

            fn ask_all<S: Read + Write + Send + 'static>(
                workload: &Workload,
                before: f64,
                time: Duration,
                streams: Vec<S>,
            ) -> Outcome {
                let clients: Vec<_> =
                    streams.into_iter().map(|stream| $spawn(move || ask(stream))).collect();
                let (now, began) = (Now::after(before), begin(time));
                let ended = clients.into_iter().map(|client| client.join().unwrap());
                let (all, _open): (_, Vec<S>) = ended.unzip();
                let later = Now::after(before);
                Outcome::new(workload, all, began.elapsed(), &now.with_memory_of(later))
            }

            fn udp() -> Times {
                let bind = || UdpSocket::bind("127.0.0.1:0").unwrap();
                let (near, far) = (bind(), bind());
                near.connect(far.local_addr().unwrap()).unwrap();
                far.connect(near.local_addr().unwrap()).unwrap();
                $spawn(move || {
                    let mut buf = [0; SIZE];
                    while let Ok(n) = far.recv(&mut buf) {
                        far.send(&buf[..n]).unwrap();
                    }
                });
                let client = $spawn(move || {
                    let (request, mut answer) = ([AT_ONCE; SIZE], [0; SIZE]);
                    let mut clock = Clock::new();
                    loop {
                        near.send(&request).unwrap();
                        assert_eq!(near.recv(&mut answer).unwrap(), SIZE);
                        if !clock.tick() {
                            return clock.times();
                        }
                    }
                });
                client.join().unwrap()
            }

            fn connect(count: usize) -> Vec<Times> {
                // An address of its own: an address has ports for so many connections that have ended.
                let [.., a, b] = std::process::id().to_be_bytes();
                let here = Ipv4Addr::new(127, 1 + a % 100, b, 1);
                let listener = TcpListener::bind(SocketAddr::from((here, 0))).unwrap();
                let to = listener.local_addr().unwrap();
                let over = Arc::new(AtomicBool::new(false));
                let is_over = Arc::clone(&over);
                let server = $spawn(move || {
                    while !is_over.load(Relaxed) {
                        let stream = listener.accept().unwrap().0;
                        $spawn(move || serve(stream));
                    }
                });
                let client = move || {
                    let mut clock = Clock::new();
                    loop {
                        let mut stream = TcpStream::connect(to).unwrap();
                        stream.write_all(&[AT_ONCE]).unwrap();
                        stream.read_exact(&mut [0]).unwrap();
                        if !clock.tick() {
                            return clock.times();
                        }
                    }
                };
                let clients: Vec<_> = (0..count).map(|_| $spawn(client)).collect();
                let all = clients.into_iter().map(|client| client.join().unwrap()).collect();
                over.store(true, Relaxed);
                drop(TcpStream::connect(to));
                server.join().unwrap();
                all
            }

            pub(super) fn run(workload: &Workload, time: Duration) -> Outcome {
                let before = resident().expect("there is a /proc");
                match workload.kind {
                    Kind::Echo | Kind::Deadline => {
                        let idle = tcp(workload.idle, false);
                        let streams = tcp(workload.busy, workload.kind == Kind::Deadline);
                        let outcome = ask_all(workload, before, time, streams);
                        drop(idle);
                        outcome
                    }
                    Kind::Unix => ask_all(workload, before, time, unix(workload.busy)),
                    Kind::Udp | Kind::Connect => {
                        let (now, began) = (Now::after(before), begin(time));
                        let all = match workload.kind {
                            Kind::Udp => vec![udp()],
                            _ => connect(workload.busy),
                        };
                        let later = Now::after(before);
                        Outcome::new(workload, all, began.elapsed(), &now.with_memory_of(later))
                    }
                    Kind::Serve | Kind::Beside => unreachable!("the clients are another process"),
                }
            }
        }
    };
}

sockets!(
    goroutines,
    gosched::net,
    gosched::os::unix::net,
    gosched::thread::spawn
);
sockets!(
    coroutines,
    may::net,
    may::os::unix::net,
    super::spawn_on_may
);
sockets!(os_threads, std::net, std::os::unix::net, std::thread::spawn);

fn spawn_on_may<T, F>(f: F) -> may::coroutine::JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    // SAFETY: nothing that is tied to an OS thread lives across a wait; the stacks are large enough.
    unsafe { may::coroutine::spawn(f) }
}

pub(crate) fn on_gosched(workload: &Workload, procs: usize, time: Duration) -> Outcome {
    // SAFETY: nothing that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::Builder::new()
            .procs(procs)
            .run(|| goroutines::run(workload, time))
    }
}

pub(crate) fn on_may(workload: &Workload, procs: usize, time: Duration) -> Outcome {
    may::config().set_workers(procs);
    let workload = *workload;
    let main = spawn_on_may(move || coroutines::run(&workload, time));
    main.join().expect("the workload ends well")
}

pub(crate) fn on_threads(workload: &Workload, time: Duration) -> Outcome {
    os_threads::run(workload, time)
}

pub(crate) fn serve_on_gosched(procs: usize) -> ! {
    // SAFETY: nothing that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::Builder::new()
            .procs(procs)
            .run(|| goroutines::serve_all())
    }
}

pub(crate) fn serve_on_may(procs: usize) -> ! {
    may::config().set_workers(procs);
    match spawn_on_may(|| coroutines::serve_all()).join() {
        Ok(never) => never,
        Err(_) => panic!("the server has ended"),
    }
}

pub(crate) fn serve_on_threads() -> ! {
    os_threads::serve_all()
}
