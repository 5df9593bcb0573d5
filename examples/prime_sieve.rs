//! runtime/ext/chan/send.rs: a chain of filters finds the primes. Numbers come in at one end; each
//! filter keeps the first number it sees, a prime, and passes on what that does not divide. The
//! channels between them hold nothing: a number goes from hand to hand. With `--threads` the
//! filters run on OS threads as well; gosched's channels work for both.
//! What to notice: the chain grows by a goroutine a prime and is many hops long, so nearly all
//! its time is sending and receiving: what a hop costs is what a switch costs. And at the end
//! nobody stops the filters one by one: the last receiver is dropped, the filter before it can
//! send to nobody and ends, and so on to the source.

use std::time::Instant;

use clap::Parser;
use gosched::channel::{Receiver, Sender, bounded};
use gosched_examples::{println, spinner};

/// A chain of filters, a goroutine a prime.
#[derive(Parser)]
struct Args {
    /// How many primes
    #[arg(default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Do the same with an OS thread a prime
    #[arg(long)]
    threads: bool,
}

type Job = Box<dyn FnOnce() + Send>;

/// 2, 3, 4 ... until nobody wants more.
fn numbers(to: &Sender<u32>) {
    let _ = (2..).try_for_each(|n| to.send(n));
}

fn filter(prime: u32, from: &Receiver<u32>, to: &Sender<u32>) {
    for n in from {
        if n % prime != 0 && to.send(n).is_err() {
            return;
        }
    }
}

fn sieve(count: usize, start: fn(Job)) -> Vec<u32> {
    let (to, mut end) = bounded(0);
    start(Box::new(move || numbers(&to)));
    let mut primes = Vec::new();
    while primes.len() < count {
        let prime = end.recv().expect("there is always another prime");
        primes.push(prime);
        let (to, next) = bounded(0);
        let from = std::mem::replace(&mut end, next);
        start(Box::new(move || filter(prime, &from, &to)));
    }
    primes
}

/// A number goes to the filter of its smallest prime factor, and no further.
fn hops(primes: &[u32]) -> usize {
    let filters = |n| primes.iter().position(|p| n % p == 0).expect("a prime");
    (2..=primes[primes.len() - 1]).map(|n| 1 + filters(n)).sum()
}

fn show(name: &str, count: usize, start: fn(Job)) {
    let began = Instant::now();
    let live = spinner("a chain of filters");
    let primes = sieve(count, start);
    let (took, hops) = (began.elapsed(), hops(&primes));
    live.finish_and_clear();
    println!("{count} {name}: prime {count} is {}", primes[count - 1]);
    println!(
        "  {hops} hops, {took:.1?}, {} ns a hop",
        took.as_nanos() / hops as u128
    );
}

fn main() {
    let args = Args::parse();
    let count = args.count as usize;
    // SAFETY: no value that is tied to an OS thread lives across a hop.
    unsafe { gosched::run(|| show("goroutines", count, |job| gosched::go(job))) };
    if args.threads {
        show("OS threads", count, |job| drop(std::thread::spawn(job)));
    }
}

// $ cargo run --release --example prime_sieve -- 100 --threads
// 100 goroutines: prime 100 is 541
//   ... hops, ..., ... ns a hop
// 100 OS threads: prime 100 is 541
//   ... hops, ..., ... ns a hop
