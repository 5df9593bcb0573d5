//! runtime/ext/net/readiness.rs: a reverse proxy, in front of several servers. Two goroutines for each
//! connection copy what comes, one in each direction, and each read and write has a time limit.
//! What to notice: a half that ends is passed on while the other half goes on, and nothing is left behind
//! when an end falls silent.
//!
//! With `--listen 127.0.0.1:8080 --to 127.0.0.1:8000` it serves until Ctrl-C. Without, it plays all parts
//! itself.

use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use clap::Parser;
use gosched::context::{self, Context};
use gosched::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use gosched::signal::{Signal, notify_context};
use gosched::sync::WaitGroup;
use gosched::thread::scope;
use gosched_examples::{cannot_accept, println, status, wake_accept};

/// A reverse proxy.
#[derive(Parser)]
struct Args {
    /// Where to listen
    #[arg(long, requires = "to")]
    listen: Option<SocketAddr>,
    /// A server behind the proxy; may be given several times
    #[arg(long, requires = "listen")]
    to: Vec<SocketAddr>,
    /// Milliseconds that one end may be silent, or may leave unread what is sent to it
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

/// The servers behind the proxy; connections take turns.
struct Behind {
    servers: Vec<SocketAddr>,
    next: AtomicUsize,
    patience: Duration,
}

impl Behind {
    /// The next server that answers.
    fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::from(ErrorKind::NotConnected);
        for _ in &self.servers {
            let turn = self.next.fetch_add(1, Relaxed);
            let to = self.servers[turn % self.servers.len()];
            match TcpStream::connect_timeout(&to, self.patience) {
                Ok(stream) => return Ok(stream),
                Err(e) => last = e,
            }
        }
        Err(last)
    }
}

/// One direction: until the end, which it passes on, or an error, which ends the other direction too.
fn copy(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    let copied = (|| {
        let (mut reader, mut writer) = (from, to);
        let mut buf = [0; 16 << 10];
        loop {
            match reader.read(&mut buf)? {
                0 => return Ok(()),
                n => writer.write_all(&buf[..n])?,
            }
        }
    })();
    let how = if copied.is_ok() {
        Shutdown::Write
    } else {
        Shutdown::Both
    };
    let _ = to.shutdown(how); // it may have gone already
    if copied.is_err() {
        let _ = from.shutdown(Shutdown::Both);
    }
    copied
}

fn serve(client: &TcpStream, behind: &Behind) -> io::Result<()> {
    let server = &behind.connect()?;
    for stream in [client, server] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(behind.patience))?;
        stream.set_write_timeout(Some(behind.patience))?;
    }
    scope(|s| {
        let there = s.spawn(|| copy(client, server));
        let back = copy(server, client);
        there.join().expect("copying does not panic").and(back)
    })
}

/// Until the context is done. Connections that are there then may end by themselves.
fn proxy(ctx: &Context, listener: &TcpListener, behind: &Arc<Behind>) -> io::Result<()> {
    let door = listener.local_addr()?;
    let _stop = context::after_func(ctx, move || wake_accept(door)); // a last connection
    let all = Arc::new(WaitGroup::new());
    loop {
        let accepted = listener.accept();
        if ctx.err().is_some() {
            break; // that was the last one, which is nobody's
        }
        match accepted {
            Ok((client, _)) => {
                let behind = Arc::clone(behind);
                all.go(move || match serve(&client, &behind) {
                    // Out of patience.
                    Err(e) if e.kind() != ErrorKind::WouldBlock => {
                        println!("a connection has failed: {e}");
                    }
                    _ => (),
                });
            }
            Err(e) => cannot_accept(&e),
        }
    }
    all.wait();
    Ok(())
}

/// A server of the play: says which one it is, and then what it is told.
fn server(name: &'static str) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    gosched::go(move || {
        while let Ok((stream, _)) = listener.accept() {
            gosched::go(move || {
                let (mut reader, mut writer) = (&stream, &stream);
                let _ = writer.write_all(name.as_bytes());
                let _ = io::copy(&mut reader, &mut writer);
                let _ = stream.shutdown(Shutdown::Write);
            });
        }
    });
    Ok(addr)
}

/// Sends this, ends its half, and reads until the other half ends.
fn ask(to: SocketAddr, words: &[u8]) -> io::Result<Vec<u8>> {
    let stream = &TcpStream::connect(to)?;
    scope(|s| {
        let sent = s.spawn(move || {
            let mut writer = stream;
            writer.write_all(words)?;
            stream.shutdown(Shutdown::Write)
        });
        let (mut reader, mut answer) = (stream, vec![]);
        reader.read_to_end(&mut answer)?;
        sent.join().expect("writing does not panic")?;
        Ok(answer)
    })
}

fn play() -> io::Result<()> {
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // closed at once
    let behind = Arc::new(Behind {
        servers: vec![server("one: ")?, server("two: ")?, nobody],
        next: AtomicUsize::new(0),
        patience: Duration::from_millis(200),
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let to = listener.local_addr()?;
    let (ctx, cancel) = context::with_cancel(&context::background());
    let running = gosched::thread::spawn(move || proxy(&ctx, &listener, &behind));
    for words in ["hello", "hello again", "the third server is down"] {
        let answer = ask(to, words.as_bytes())?;
        println!("{}", String::from_utf8_lossy(&answer));
    }
    let long = vec![b'x'; 1 << 20];
    let answer = ask(to, &long)?;
    println!("{} bytes there, {} back", long.len(), answer.len());
    let mut silent = TcpStream::connect(to)?;
    let mut words = vec![];
    let _ = silent.read_to_end(&mut words); // the end, or a reset
    println!("who says nothing is sent away after a while");
    cancel.cancel();
    running.join().expect("the proxy does not panic")
}

fn main() -> ExitCode {
    let args = Args::parse();
    let body = || -> io::Result<()> {
        let Some(addr) = args.listen else {
            return play();
        };
        let behind = Arc::new(Behind {
            servers: args.to,
            next: AtomicUsize::new(0),
            patience: Duration::from_millis(args.patience),
        });
        let listener = TcpListener::bind(addr)?;
        println!("listening at {}", listener.local_addr()?);
        let (ctx, stop) = notify_context(&context::background(), [Signal::INT, Signal::TERM]);
        let _second = context::after_func(&ctx, move || stop.stop()); // the next Ctrl-C ends it at once
        proxy(&ctx, &listener, &behind)?;
        println!("the last connection has ended");
        Ok(())
    };
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    status(unsafe { gosched::run(body) })
}

// $ cargo run --release --example proxy
// one: hello
// two: hello again
// one: the third server is down
// 1048576 bytes there, 1048581 back
// who says nothing is sent away after a while
