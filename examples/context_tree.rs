//! runtime/api/context/derive.rs: a request, its parts, and a deadline for one of them. Contexts form a tree: who
//! is cancelled takes all below along, and nobody above or beside.
//! What to notice: the database's deadline ends both of its queries, and the cache goes on. When the request is
//! cancelled, all that is left ends; each can say why.
use std::time::{Duration, Instant};

use clap::Parser;
use gosched::context::{self, Context};
use gosched::sync::{Arc, Mutex, WaitGroup};
use gosched_examples::{Timeline, paint, println};

/// A tree of contexts: what ends with what.
#[derive(Parser)]
struct Args {}

const MS: Duration = Duration::from_millis(1);

type Log = Arc<Mutex<Vec<(&'static str, Instant, String)>>>;

/// Works until its context ends, and writes down why it ended.
fn part(name: &'static str, ctx: Context, all: &Arc<WaitGroup>, log: &Log) {
    let log = log.clone();
    all.go(move || {
        let _ = ctx.done().recv();
        let why = ctx
            .cause()
            .map_or_else(String::new, |cause| cause.to_string());
        log.lock().unwrap().push((name, Instant::now(), why));
    });
}

fn request() {
    let (all, log, start) = (Arc::new(WaitGroup::new()), Log::default(), Instant::now());
    let (request, cancel) = context::with_cancel_cause(&context::background());
    let (database, _release) = context::with_timeout(&request, 15 * MS);
    part("request", request.clone(), &all, &log);
    part("  cache", request.clone(), &all, &log);
    part("  database", database.clone(), &all, &log);
    part("    query 1", database.clone(), &all, &log);
    part("    query 2", context::with_cancel(&database).0, &all, &log);
    gosched::thread::sleep(40 * MS);
    cancel.cancel("the client has gone");
    all.wait();
    let mut log = std::mem::take(&mut *log.lock().unwrap());
    let order = [
        "request",
        "  cache",
        "  database",
        "    query 1",
        "    query 2",
    ];
    log.sort_by_key(|one| order.iter().position(|name| *name == one.0));
    let mut timeline = Timeline::new(start, MS);
    for (i, (name, end, _)) in log.iter().enumerate() {
        timeline.span(name, '=', Some(i), start, *end);
    }
    timeline.print();
    for (i, (name, _, why)) in log.iter().enumerate() {
        println!("{} ended: {why}", paint(i, format!("{:<8}", name.trim())));
    }
}

fn main() {
    Args::parse();
    println!("=: works   a column: 1 ms");
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(request) };
}

// $ cargo run --release --example context_tree
// =: works   a column: 1 ms
//   request     |===...
//     cache     |===...
//     database  |===...
//       query 1 |===...
//       query 2 |===...
// request  ended: the client has gone
// cache    ended: the client has gone
// database ended: context deadline exceeded
// query 1  ended: context deadline exceeded
// query 2  ended: context deadline exceeded
