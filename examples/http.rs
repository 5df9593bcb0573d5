//! runtime/ext/net/io_wait.rs: an HTTP/1.1 server, with a goroutine for each connection. The `httparse` crate reads the
//! heads of requests; the rest is plain blocking code. What to notice: a time limit on each read is
//! one line, and an idle connection costs no thread.
//!
//! With `--listen 127.0.0.1:8000` it answers `curl` and `wrk`. Without, it asks itself.

use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use gosched::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use gosched_examples::{cannot_accept, println, status};
use httparse::{EMPTY_HEADER, Request, Status};

/// An HTTP server.
#[derive(Parser)]
struct Args {
    /// Where to listen
    #[arg(long)]
    listen: Option<SocketAddr>,
}

/// Who says nothing for so long is sent away.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest head of a request.
const LONGEST: usize = 8192;

/// Status, text, and whether the connection ends with it.
type Answer = (&'static str, String, bool);

fn answer(request: &Request<'_, '_>) -> Answer {
    let says = |name: &str, words: &str| {
        let header = request
            .headers
            .iter()
            .find(|h| h.name.eq_ignore_ascii_case(name));
        header.is_some_and(|h| h.value.eq_ignore_ascii_case(words.as_bytes()))
    };
    let close = says("connection", "close")
        || request.version == Some(0) && !says("connection", "keep-alive");
    let has_body = request.headers.iter().any(|h| {
        let of_body = ["content-length", "transfer-encoding"];
        of_body.iter().any(|name| h.name.eq_ignore_ascii_case(name)) && h.value != b"0"
    });
    match (request.method, request.path) {
        _ if has_body => ("413 Content Too Large", "no bodies here\n".into(), true),
        (Some("GET" | "HEAD"), Some("/")) => ("200 OK", "hello\n".into(), close),
        (Some("GET" | "HEAD"), Some("/goroutines")) => {
            let n = gosched::num_goroutine();
            ("200 OK", format!("{n}\n"), close)
        }
        (Some("GET" | "HEAD"), _) => ("404 Not Found", "not here\n".into(), close),
        _ => (
            "405 Method Not Allowed",
            "only GET and HEAD\n".into(),
            close,
        ),
    }
}

fn send(
    stream: &mut TcpStream,
    (status, text, close): &Answer,
    head_only: bool,
) -> io::Result<()> {
    let connection = if *close { "close" } else { "keep-alive" };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: {connection}\r\n\r\n",
        text.len(),
    );
    let body = if head_only { "" } else { text };
    stream.write_all((head + body).as_bytes())
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut unread = Vec::new();
    loop {
        let mut headers = [EMPTY_HEADER; 32];
        let mut request = Request::new(&mut headers);
        match request.parse(&unread) {
            Ok(Status::Complete(len)) => {
                let (answer, head_only) = (answer(&request), request.method == Some("HEAD"));
                send(&mut stream, &answer, head_only)?;
                if answer.2 {
                    return stream.shutdown(Shutdown::Write);
                }
                unread.drain(..len);
            }
            Ok(Status::Partial) if unread.len() < LONGEST => {
                let mut part = [0; 2048];
                match stream.read(&mut part) {
                    Ok(0) => return Ok(()),
                    Ok(n) => unread.extend_from_slice(&part[..n]),
                    Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()), // out of patience
                    Err(e) => return Err(e),
                }
            }
            _ => {
                let answer = ("400 Bad Request", "what?\n".into(), true);
                send(&mut stream, &answer, false)?;
                return stream.shutdown(Shutdown::Write);
            }
        }
    }
}

fn serve_all(listener: &TcpListener) {
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => gosched::go(move || {
                if let Err(e) = serve(stream) {
                    println!("a connection has failed: {e}");
                }
            }),
            Err(e) => cannot_accept(&e),
        }
    }
}

/// All requests in one piece; what comes back, until the server ends the connection.
fn ask(to: SocketAddr, requests: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(to)?;
    stream.write_all(requests.as_bytes())?;
    let mut answers = String::new();
    stream.read_to_string(&mut answers)?;
    for line in answers
        .lines()
        .filter(|line| !line.contains(": ") && !line.is_empty())
    {
        println!("{line}");
    }
    Ok(())
}

fn main() -> ExitCode {
    let args = Args::parse();
    let body = || -> io::Result<()> {
        let addr = args.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        if args.listen.is_some() {
            println!("listening at {addr}");
            serve_all(&listener);
        }
        gosched::go(move || serve_all(&listener));
        let close = "connection: close\r\n\r\n";
        ask(
            addr,
            &format!("GET / HTTP/1.1\r\n\r\nGET /goroutines HTTP/1.1\r\n{close}"),
        )?;
        ask(
            addr,
            &format!("HEAD / HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\n{close}"),
        )?;
        ask(addr, "GET / HTTP/1.0\r\n\r\n")?;
        ask(addr, "hm\r\n\r\n")
    };
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    status(unsafe { gosched::run(body) })
}

// $ cargo run --release --example http
// HTTP/1.1 200 OK
// hello
// HTTP/1.1 200 OK
// 3
// HTTP/1.1 200 OK
// HTTP/1.1 404 Not Found
// not here
// HTTP/1.1 200 OK
// hello
// HTTP/1.1 400 Bad Request
// what?
