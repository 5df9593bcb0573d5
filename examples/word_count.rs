//! runtime/api/sync/mutex.rs: counts the words of every file below some folders, a goroutine a file,
//! into one map behind a `Mutex`; a `WaitGroup` says when all are done. With `--threads` the same
//! code runs once more on an OS thread a file: `gosched::sync` works on both.
//! What to notice: a goroutine a file costs nothing worth thinking about, so nobody needs a pool
//! of workers. With threads, a tree of small files spends most of its time starting them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use gosched::sync::{Mutex, WaitGroup};
use gosched_examples::{println, spinner};
use walkdir::{DirEntry, WalkDir};

/// Counts words, a goroutine a file.
#[derive(Parser)]
struct Args {
    /// Files, and folders to search for files
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Do the same with an OS thread a file, and compare
    #[arg(long)]
    threads: bool,
    /// How many of the most frequent words to show
    #[arg(long, default_value_t = 10)]
    top: usize,
}

type Words = HashMap<String, usize>;
type Job = Box<dyn FnOnce() + Send>;

fn words_of(file: &Path) -> Words {
    let mut words = Words::new();
    let bytes = std::fs::read(file).unwrap_or_default(); // what cannot be read has no words
    let text = String::from_utf8_lossy(&bytes);
    for word in text.split(|c: char| !c.is_alphabetic()) {
        if !word.is_empty() {
            *words.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    words
}

/// Every file by a task of its own, started by `start`.
fn count(files: &[PathBuf], start: fn(Job)) -> (Words, Duration) {
    let began = Instant::now();
    let shared = Arc::new((Mutex::new(Words::new()), WaitGroup::new()));
    for file in files {
        let (file, task) = (file.clone(), Arc::clone(&shared));
        shared.1.add(1);
        start(Box::new(move || {
            let words = words_of(&file);
            let mut total = task.0.lock().unwrap();
            for (word, n) in words {
                *total.entry(word).or_default() += n;
            }
            drop(total);
            task.1.done();
        }));
    }
    shared.1.wait();
    let words = std::mem::take(&mut *shared.0.lock().unwrap());
    (words, began.elapsed())
}

fn main() -> ExitCode {
    let args = Args::parse();
    let missing = args.paths.iter().find(|path| !path.exists());
    if let Some(path) = missing {
        eprintln!("{}: there is no such file or folder", path.display());
        return ExitCode::FAILURE;
    }
    let entries = args.paths.iter().flat_map(WalkDir::new);
    // What cannot be looked into is said, and the rest is counted.
    let entries = entries.filter_map(|entry| entry.map_err(|e| eprintln!("{e}")).ok());
    let files = entries.filter(|entry| entry.file_type().is_file());
    let files: Vec<PathBuf> = files.map(DirEntry::into_path).collect();
    let live = spinner("counts words");
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    let (words, took) = unsafe { gosched::run(|| count(&files, |job| gosched::go(job))) };
    live.finish_and_clear();
    let mut sorted: Vec<_> = words.iter().collect();
    sorted.sort_by_key(|&(word, n)| (Reverse(n), word));
    for (word, n) in sorted.into_iter().take(args.top) {
        println!("{n:>10}  {word}");
    }
    println!("{:>10}  words", words.values().sum::<usize>());
    println!("{:>10}  different ones", words.len());
    println!("{:>10}  files", files.len());
    println!("a goroutine a file:  {took:>10.2?}");
    if args.threads {
        let (same, took) = count(&files, |job| drop(std::thread::spawn(job)));
        assert_eq!(words, same, "threads count as goroutines do");
        println!("an OS thread a file: {took:>10.2?}");
    }
    ExitCode::SUCCESS
}

// $ cargo run --release --example word_count -- runtime --threads --top 3
// ...
// ...  words
// ...  different ones
// ...  files
// a goroutine a file:  ...
// an OS thread a file: ...
