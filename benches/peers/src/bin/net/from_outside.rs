//! The clients of servers that are another process: one thread and one epoll instance, the same for all systems.
//! So what differs between the systems is their servers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::outcome::{AT_ONCE, COMPUTE, Kind, Now, Outcome, SIZE, Times, Workload};
use crate::resident::resident_of;

/// The most descriptors that one call tells of.
const BATCH: usize = 1024;
/// How often the one asks that is beside the one for whom the server computes.
const EVERY: Duration = Duration::from_millis(3);

/// A server, ended when dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(program: &Path, args: &[String]) -> Result<Server> {
        let mut process = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().context("a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let port = line.trim().parse().context("the server's port")?;
        Ok(Server { process, port })
    }

    fn pid(&self) -> i32 {
        self.process.id() as i32
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Called by a server of ours: its process ends when the clients' does.
pub(crate) fn end_with_clients() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut vec![]);
        std::process::exit(0);
    });
}

pub(crate) fn run(
    program: &Path,
    args: &[String],
    workload: &Workload,
    time: Duration,
) -> Result<Outcome> {
    let server = Server::start(program, args)?;
    let before = resident_of(&server.pid().to_string())?;
    let count = match workload.kind {
        Kind::Beside => 2,
        _ => workload.busy,
    };
    let streams: Vec<TcpStream> = (0..count)
        .map(|_| connect(server.port))
        .collect::<Result<_>>()?;
    let now = Now::of(server.pid(), before);
    let began = Instant::now();
    let all = match workload.kind {
        Kind::Beside => vec![beside(&streams, began + time)?],
        _ => ask_all(&streams, began + time)?,
    };
    let later = Now::of(server.pid(), before);
    Ok(Outcome::new(
        workload,
        all,
        began.elapsed(),
        &now.with_memory_of(later),
    ))
}

/// One that is served: it has had an answer.
fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    ask(&stream, 7)?;
    Ok(stream)
}

fn ask(mut stream: &TcpStream, word: u8) -> Result<()> {
    let mut answer = [0; SIZE];
    stream.write_all(&[word; SIZE])?;
    stream.read_exact(&mut answer)?;
    ensure!(answer == [word; SIZE], "another answer");
    Ok(())
}

/// All ask all the time. What each has seen.
fn ask_all(streams: &[TcpStream], end: Instant) -> Result<Vec<Times>> {
    let poller = Poller::of(streams)?;
    let mut clients: Vec<(Instant, usize, Times)> = Vec::new();
    for mut stream in streams {
        stream.set_nonblocking(true)?;
        clients.push((Instant::now(), 0, vec![]));
        stream.write_all(&[AT_ONCE; SIZE])?;
    }
    loop {
        for which in poller.wait()? {
            let now = Instant::now();
            if now >= end {
                return Ok(clients.into_iter().map(|(.., times)| times).collect());
            }
            let (mut stream, (since, read, times)) = (&streams[which], &mut clients[which]);
            let mut answer = [0; SIZE];
            let n = stream.read(&mut answer[*read..])?;
            ensure!(
                answer[*read..][..n].iter().all(|&byte| byte == AT_ONCE),
                "another answer"
            );
            ensure!(n != 0, "the server has gone");
            *read += n;
            if *read == SIZE {
                times.push((now - *since).as_nanos().try_into().unwrap_or(u32::MAX));
                (*since, *read) = (now, 0);
                stream.write_all(&[AT_ONCE; SIZE])?; // there is room: nothing else is on its way
            }
        }
    }
}

/// The server computes for the first all the time; how long the other waits for its answers.
fn beside(streams: &[TcpStream], end: Instant) -> Result<Times> {
    let (busy, other) = (streams[0].try_clone()?, &streams[1]);
    let busy = std::thread::spawn(move || {
        while Instant::now() < end {
            ask(&busy, COMPUTE)?;
        }
        anyhow::Ok(())
    });
    let mut times = vec![];
    while Instant::now() < end {
        sleep(EVERY);
        let since = Instant::now();
        ask(other, 7)?;
        times.push(since.elapsed().as_nanos().try_into().unwrap_or(u32::MAX));
    }
    busy.join().expect("it does not panic")?;
    Ok(times)
}

struct Poller {
    fd: i32,
}

impl Poller {
    fn of(streams: &[TcpStream]) -> Result<Poller> {
        // SAFETY: no memory is passed.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        ensure!(fd >= 0, "no epoll instance");
        for (which, stream) in streams.iter().enumerate() {
            let mut event = libc::epoll_event {
                events: libc::EPOLLIN as u32,
                u64: which as u64,
            };
            let (add, stream) = (libc::EPOLL_CTL_ADD, stream.as_raw_fd());
            // SAFETY: the event is ours.
            let answer = unsafe { libc::epoll_ctl(fd, add, stream, &raw mut event) };
            ensure!(answer == 0, "it cannot be watched");
        }
        Ok(Poller { fd })
    }

    /// Those for whom there is something.
    fn wait(&self) -> Result<impl Iterator<Item = usize>> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
        // SAFETY: the place is ours and as long as said.
        let n = unsafe { libc::epoll_wait(self.fd, events.as_mut_ptr(), BATCH as i32, -1) };
        ensure!(n >= 0, "{}", std::io::Error::last_os_error());
        Ok(events
            .into_iter()
            .take(n as usize)
            .map(|event| event.u64 as usize))
    }
}

/// As many descriptors as the system allows, for this process and those it starts.
pub(crate) fn many_descriptors() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the place is ours.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the limit is ours. If it fails, a measurement fails and says so.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
}
