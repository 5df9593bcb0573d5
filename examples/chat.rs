//! runtime/api/net/tcp_stream.rs: a chat server. Each connection has two goroutines, one that reads lines and one that
//! writes them; a *room* knows who is there. What to notice: no lock and no poll loop, only reads,
//! channels and a context that ends everything.
//!
//! With `--listen 127.0.0.1:7000` it serves whoever comes (`nc 127.0.0.1 7000`), until Ctrl-C. Without, it
//! plays all parts itself, and a child process presses Ctrl-C.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use gosched::channel::{Receiver, Sender, bounded, select, unbounded};
use gosched::context::{self, Context};
use gosched::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use gosched::process::{self, Command};
use gosched::signal::{Signal, notify_context};
use gosched::sync::WaitGroup;
use gosched_examples::{cannot_accept, println, status, wake_accept};

/// A chat server.
#[derive(Parser)]
struct Args {
    /// Where to listen
    #[arg(long)]
    listen: Option<SocketAddr>,
}

/// What a connection tells the room.
enum News {
    Comes(String, Sender<String>),
    Says(String, String),
    Goes(String),
}

/// Everybody hears what somebody else says, until the context is done.
fn room(ctx: &Context, news: &Receiver<News>) {
    let mut people: BTreeMap<String, Sender<String>> = BTreeMap::new();
    loop {
        let (who, line) = select! {
            recv(ctx.done()) -> _ => return,
            recv(news) -> one => match one {
                Err(_) => return,
                Ok(News::Comes(who, lines)) => {
                    let line = format!("{who} comes");
                    let _ = lines.try_send(format!("welcome, {who}"));
                    people.insert(who.clone(), lines);
                    (who, line)
                }
                Ok(News::Says(who, text)) => {
                    let line = format!("{who}: {text}");
                    (who, line)
                }
                Ok(News::Goes(who)) => {
                    people.remove(&who);
                    let line = format!("{who} goes");
                    (who, line)
                }
            },
        };
        for (_, lines) in people.iter().filter(|(name, _)| **name != who) {
            let _ = lines.try_send(line.clone()); // who does not read misses something
        }
    }
}

/// The first line is the name; the others are for everybody.
fn connection(stream: &Arc<TcpStream>, news: &Sender<News>) -> io::Result<()> {
    let mut lines = BufReader::new(&**stream).lines();
    let Some(name) = lines.next().transpose()? else {
        return Ok(());
    };
    let (to_them, for_them) = bounded::<String>(16);
    let _ = news.send(News::Comes(name.clone(), to_them));
    let out = Arc::clone(stream);
    gosched::go(move || {
        // Ends when the room has forgotten the other end of the channel.
        for line in for_them {
            if writeln!(&*out, "{line}").is_err() {
                break;
            }
        }
        let _ = out.shutdown(Shutdown::Both);
    });
    for text in lines.map_while(Result::ok) {
        let _ = news.send(News::Says(name.clone(), text));
    }
    let _ = news.send(News::Goes(name));
    Ok(())
}

/// Until the context is done; then everybody's connection ends.
fn serve(ctx: &Context, listener: TcpListener) -> io::Result<()> {
    let door = listener.local_addr()?;
    let _stop = context::after_func(ctx, move || wake_accept(door)); // a last guest
    let (send, news) = unbounded();
    let everybody = Arc::new(WaitGroup::new());
    let the_room = ctx.clone();
    everybody.go(move || room(&the_room, &news));
    loop {
        let accepted = listener.accept();
        if ctx.err().is_some() {
            break; // that was the last guest, who is nobody
        }
        match accepted {
            Ok((stream, _)) => {
                let (stream, send) = (Arc::new(stream), send.clone());
                everybody.go(move || {
                    if let Err(e) = connection(&stream, &send) {
                        println!("a connection has failed: {e}");
                    }
                });
            }
            Err(e) => cannot_accept(&e),
        }
    }
    everybody.wait();
    Ok(())
}

/// A guest of the play.
struct Guest(BufReader<TcpStream>, &'static str);

impl Guest {
    fn comes(to: SocketAddr, name: &'static str) -> io::Result<Guest> {
        let mut guest = Guest(BufReader::new(TcpStream::connect(to)?), name);
        guest.says(name)?;
        guest.hears()?;
        Ok(guest)
    }

    fn says(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.0.get_mut(), "{text}")
    }

    fn hears(&mut self) -> io::Result<()> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => println!("{} hears that the server has gone", self.1),
            _ => println!("{} hears '{}'", self.1, line.trim_end()),
        }
        Ok(())
    }
}

/// Sends this process the signal that Ctrl-C sends.
fn press_ctrl_c() -> io::Result<()> {
    let kill = format!("kill -INT {}", process::id());
    Command::new("sh").args(["-c", &kill]).status().map(drop)
}

fn play(to: SocketAddr) -> io::Result<()> {
    let mut ada = Guest::comes(to, "ada")?;
    let mut bob = Guest::comes(to, "bob")?;
    ada.hears()?;
    bob.says("is anybody here?")?;
    ada.hears()?;
    ada.says("me")?;
    bob.hears()?;
    drop(bob);
    ada.hears()?;
    press_ctrl_c()?;
    ada.hears()
}

fn main() -> ExitCode {
    let args = Args::parse();
    let body = || -> io::Result<()> {
        let listener = match args.listen {
            Some(addr) => TcpListener::bind(addr)?,
            None => TcpListener::bind("127.0.0.1:0")?,
        };
        let addr = listener.local_addr()?;
        let (ctx, stop) = notify_context(&context::background(), [Signal::INT, Signal::TERM]);
        let _second = context::after_func(&ctx, move || stop.stop()); // the next Ctrl-C ends it at once
        let server = gosched::thread::spawn(move || serve(&ctx, listener));
        match args.listen {
            Some(_) => println!("listening at {addr}"),
            None => play(addr)?,
        }
        server.join().expect("the server does not panic")?;
        println!("everybody has gone");
        Ok(())
    };
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    status(unsafe { gosched::run(body) })
}

// $ cargo run --release --example chat
// ada hears 'welcome, ada'
// bob hears 'welcome, bob'
// ada hears 'bob comes'
// ada hears 'bob: is anybody here?'
// bob hears 'ada: me'
// ada hears 'bob goes'
// ada hears that the server has gone
// everybody has gone
