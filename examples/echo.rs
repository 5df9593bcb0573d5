//! runtime/ext/net/poller.rs: an echo server and its clients in one program. A goroutine, or a thread,
//! serves each connection, and another one sends requests and waits for the answers. The code is
//! written once, in a macro, for `gosched` and for `std`: only the `use` lines differ.
//! What to notice: how many threads each of them needs.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use gosched_examples::println;

/// An echo server and its clients, as goroutines and as threads.
#[derive(Parser)]
struct Args {
    /// Connections
    #[arg(short, long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Requests of each connection
    #[arg(short, long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// Only the goroutines
    #[arg(long)]
    alone: bool,
}

/// Bytes of a request, and of its answer.
const SIZE: usize = 64;

struct Outcome {
    threads: usize,
    took: Duration,
    /// Of every request, sorted.
    times: Vec<Duration>,
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

macro_rules! echo {
    ($name:ident, $kind:ident) => {
        mod $name {
            use std::io::{self, Read, Write};
            use std::sync::Arc;
            use std::time::{Duration, Instant};

            use $kind::net::{TcpListener, TcpStream};
            use $kind::sync::Barrier;
            use $kind::thread::{JoinHandle, spawn};

            use crate::{Args, Outcome, SIZE};

            fn serve(mut stream: TcpStream) -> io::Result<()> {
                let mut buf = [0; SIZE];
                loop {
                    match stream.read(&mut buf)? {
                        0 => return Ok(()),
                        n => stream.write_all(&buf[..n])?,
                    }
                }
            }

            fn ask(mut stream: TcpStream, requests: u32) -> io::Result<Vec<Duration>> {
                let (request, mut answer) = ([7; SIZE], [0; SIZE]);
                let mut times = Vec::with_capacity(requests as usize);
                for _ in 0..requests {
                    let start = Instant::now();
                    stream.write_all(&request)?;
                    stream.read_exact(&mut answer)?;
                    times.push(start.elapsed());
                }
                Ok(times)
            }

            pub(crate) fn run(args: &Args) -> io::Result<Outcome> {
                let listener = TcpListener::bind("127.0.0.1:0")?;
                let (addr, connections) = (listener.local_addr()?, args.connections);
                spawn(move || {
                    for stream in listener.incoming().take(connections as usize) {
                        match stream {
                            Ok(stream) => drop(spawn(move || {
                                stream.set_nodelay(true)?;
                                serve(stream)
                            })),
                            Err(e) => return eprintln!("the server cannot accept: {e}"),
                        }
                    }
                });
                let all_here = Arc::new(Barrier::new(connections as usize + 1));
                let requests = args.requests;
                let clients = (0..connections).map(|_| {
                    let all_here = Arc::clone(&all_here);
                    spawn(move || {
                        let stream = TcpStream::connect(addr);
                        all_here.wait();
                        let stream = stream?;
                        stream.set_nodelay(true)?;
                        ask(stream, requests)
                    })
                });
                let clients: Vec<JoinHandle<_>> = clients.collect();
                all_here.wait();
                let (start, threads) = (Instant::now(), crate::threads());
                let mut times = vec![];
                for client in clients {
                    times.extend(client.join().expect("a client does not panic")?);
                }
                let took = start.elapsed();
                times.sort_unstable();
                Ok(Outcome {
                    threads,
                    took,
                    times,
                })
            }
        }
    };
}

echo!(goroutines, gosched);
echo!(os_threads, std);

/// Returns whether it was one.
fn print(name: &str, outcome: std::io::Result<Outcome>) -> bool {
    let Outcome {
        threads,
        took,
        times,
    } = match outcome {
        Ok(outcome) => outcome,
        Err(e) => {
            eprintln!("{name:<11} {e}");
            return false;
        }
    };
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let per_second = times.len() as f64 / took.as_secs_f64();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!(
        "{name:<11} {per_second:>8.0} {:>9.0} us {:>9.0} us {threads:>8}",
        micros(at(50)),
        micros(at(99)),
    );
    true
}

fn main() -> ExitCode {
    let args = Args::parse();
    println!(
        "{} connections, {} requests each",
        args.connections, args.requests
    );
    println!("            requests/s      p50          p99    threads");
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    let outcome = unsafe { gosched::run(|| goroutines::run(&args)) };
    let mut all_well = print("goroutines", outcome);
    if !args.alone {
        all_well &= print("OS threads", os_threads::run(&args));
    }
    if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

// $ cargo run --release --example echo -- --connections 20 --requests 100
// 20 connections, 100 requests each
//             requests/s      p50          p99    threads
// goroutines  ... us ... us ...
// OS threads  ... us ... us ...
