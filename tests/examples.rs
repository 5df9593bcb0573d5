//! Every example prints what it promises in its last comment:
//!
//! ```text
//! // $ cargo run --release --example ping_pong -- 1000
//! // 1000 round trips between 2 goroutines
//! // ... ns a round trip
//! // ...
//! ```
//!
//! The words after ` -- ` are its arguments. Then comes what it writes to stdout; `...` stands
//! for any characters within a line, and alone on a line for any number of lines. Status 0
//! unless the comment ends with `// status N`.

#![allow(unsafe_code, reason = "kill, setsockopt")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[path = "support/built.rs"]
mod built;
#[path = "support/child.rs"]
mod child;

use built::{build, folder};

const LIMIT: Duration = Duration::from_secs(120);

/// What an example says of itself.
#[derive(Debug, PartialEq, Eq)]
struct Promise {
    args: Vec<String>,
    lines: Vec<String>,
    status: i32,
}

fn promise(source: &str) -> Option<Promise> {
    let comment: Vec<&str> = source
        .trim_end()
        .lines()
        .rev()
        .take_while(|line| line.starts_with("//"))
        .map(|line| {
            line.trim_start_matches("//")
                .strip_prefix(' ')
                .unwrap_or("")
        })
        .collect();
    let start = comment
        .iter()
        .position(|line| line.starts_with("$ cargo run"))?;
    let args = comment[start]
        .split_once(" -- ")
        .map_or("", |(_, args)| args);
    let mut lines: Vec<String> = comment[..start]
        .iter()
        .rev()
        .map(|line| (*line).to_owned())
        .collect();
    let status = lines.last().and_then(|last| last.strip_prefix("status "));
    let status = status.map(|n| n.parse().expect("`// status N`: a number"));
    if status.is_some() {
        lines.pop();
    }
    Some(Promise {
        args: args.split_whitespace().map(str::to_owned).collect(),
        lines,
        status: status.unwrap_or(0),
    })
}

/// Does `...` in the pattern stand for what the line has there?
fn line_matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("...");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or("")) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn output_matches(pattern: &[String], output: &[&str]) -> bool {
    match pattern.split_first() {
        None => output.is_empty(),
        Some((any, rest)) if any == "..." => {
            (0..=output.len()).any(|skip| output_matches(rest, &output[skip..]))
        }
        Some((first, rest)) => output.split_first().is_some_and(|(line, others)| {
            line_matches(first, line.trim_end()) && output_matches(rest, others)
        }),
    }
}

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

/// Every example's name and main file, in the order of their names: `examples/NAME.rs`, or
/// `examples/NAME/main.rs`.
fn all() -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(EXAMPLES).expect("the examples are there");
    let paths = entries.map(|entry| entry.unwrap().path());
    let mains = paths.map(|path| {
        if path.is_dir() {
            path.join("main.rs")
        } else {
            path
        }
    });
    let mains =
        mains.filter(|path| path.extension().is_some_and(|end| end == "rs") && path.exists());
    let name = |path: &Path| {
        let folder = path.file_name().is_some_and(|name| name == "main.rs");
        let named = if folder { path.parent().unwrap() } else { path };
        named.file_stem().unwrap().to_str().unwrap().to_owned()
    };
    let mut all: Vec<_> = mains.map(|path| (name(&path), path)).collect();
    all.sort();
    assert!(!all.is_empty(), "there is no example");
    all
}

fn start(name: &str, args: &[String]) -> child::Ended {
    let mut command = Command::new(folder().join(name));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    child::run(&mut command, LIMIT)
}

/// What is wrong with an example.
fn run(name: &str, path: &Path) -> Option<String> {
    let Some(promise) = promise(&fs::read_to_string(path).unwrap()) else {
        return Some(format!(
            "{name}: no `// $ cargo run` comment at its end, see {}",
            file!()
        ));
    };
    if promise.lines.is_empty() {
        return None; // it has a test of its own
    }
    let ended = start(name, &promise.args);
    let output: Vec<&str> = ended.stdout.lines().collect();
    let right = ended.status == Some(promise.status) && output_matches(&promise.lines, &output);
    (!right).then(|| format!("{name}: promised {promise:#?}, gave {ended}"))
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "examples are for release: `ci/check.sh examples`"
)]
fn every_example_prints_what_it_promises() {
    build();
    let wrong: Vec<String> = all()
        .iter()
        .filter_map(|(name, path)| run(name, path))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
    println!("{} examples", all().len());
}

/// `--help` says what it is for, and what nobody knows is an error with words.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "examples are for release: `ci/check.sh examples`"
)]
fn every_example_reads_its_arguments() {
    build();
    for (name, _) in all() {
        let help = start(&name, &["--help".into()]);
        assert!(
            help.status == Some(0) && help.stdout.contains("Usage:"),
            "{name}: {help}"
        );
        let wrong = start(&name, &["--no-such-option".into()]);
        assert!(
            wrong.status == Some(2) && wrong.stderr.contains("--no-such-option"),
            "{name}: {wrong}"
        );
        assert_eq!(wrong.stdout, "", "{name}: it begins all the same");
    }
}

/// What an example writes on a terminal with so many columns; `script` makes the terminal.
fn on_terminal(name: &str, args: &str, columns: usize) -> String {
    let program = folder().join(name);
    let line = format!("stty cols {columns} rows 30; {} {args}", program.display());
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let ended = child::run(&mut command, LIMIT);
    assert_eq!(ended.status, Some(0), "{name}: {ended}");
    ended.stdout
}

/// How wide a line is on a terminal: without what colours it.
fn width(line: &str) -> usize {
    let mut parts = line.split('\x1b');
    let begin = parts.next().unwrap_or("").chars().count();
    let behind = |part: &str| {
        part.split_once('m')
            .map_or(0, |(_, text)| text.chars().count())
    };
    begin + parts.map(behind).sum::<usize>()
}

/// Timelines, bars and sentences, on a terminal that is too narrow for them.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "examples are for release: `ci/check.sh examples`"
)]
fn no_example_is_wider_than_its_terminal() {
    build();
    if Command::new("script").arg("--version").output().is_err() {
        println!("no `script`: not checked");
        return;
    }
    let some = [
        ("barrier", ""),
        ("context_tree", ""),
        ("fan", "20"),
        ("in_order", ""),
        ("rwlock", ""),
        ("schedule", "--steps 12"),
        ("select_timeout", ""),
    ];
    for (name, args) in some {
        for columns in [40, 60] {
            let output = on_terminal(name, args, columns);
            let wide = output.lines().find(|line| width(line.trim_end()) > columns);
            assert_eq!(wide, None, "{name}, {columns} columns:\n{output}");
        }
    }
}

/// An example that serves at a port of the kernel's choice. Killed when it is dropped.
struct Server(Child, String);

impl Server {
    fn start(name: &str, args: &[&str]) -> Server {
        let mut command = Command::new(folder().join(name));
        Server::start_as(command.args(["--listen", "127.0.0.1:0"]).args(args))
    }

    fn start_as(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let (_, addr) = line
            .trim_end()
            .split_once(" at ")
            .expect("where it listens");
        std::thread::spawn(move || out.read_to_string(&mut String::new()));
        Server(child, addr.to_owned())
    }

    /// Ctrl-C, and its status.
    fn interrupt(mut self) -> Option<i32> {
        // SAFETY: no memory is passed; the child was not waited for.
        unsafe { libc::kill(self.0.id().cast_signed(), libc::SIGINT) };
        (0..2000).find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            self.0.try_wait().unwrap()?.code()
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn talk(addr: &str, words: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(words.as_bytes()).unwrap();
    stream
}

/// What another program prints; `None`, and a word, where there is no such program.
fn by_another(program: &str, args: &[&str], words: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        println!("no {program} here");
        return None;
    };
    let mut input = child.stdin.take().unwrap();
    input.write_all(words.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

const GET: &str = "GET / HTTP/1.1\r\nconnection: close\r\n\r\n";

fn is_the_answer(text: &str) -> bool {
    text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("hello\n")
}

/// An HTTP server at `addr` answers us and others, one after the other and many at a time, although
/// somebody has left in the midst of a request.
fn answers(addr: &str) {
    let vanishes = talk(addr, "GET / HT");
    let at_once = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    // SAFETY: the descriptor is open; the struct is ours. The end is a reset then.
    let set = unsafe {
        libc::setsockopt(
            vanishes.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const at_once).cast(),
            size_of::<libc::linger>() as u32,
        )
    };
    assert_eq!(set, 0);
    drop(vanishes);
    let mut answer = String::new();
    talk(addr, GET).read_to_string(&mut answer).unwrap();
    assert!(is_the_answer(&answer), "{answer}");
    let url = format!("http://{addr}/");
    if let Some(text) = by_another("curl", &["-s", &url, &url], "") {
        assert_eq!(text, "hello\nhello\n");
    }
    let (host, port) = addr.rsplit_once(':').unwrap();
    // Debian's name of the one that knows -N. It sends no more after its request, and still gets the answer.
    if let Some(text) = by_another("nc.openbsd", &["-N", host, port], GET) {
        assert!(is_the_answer(&text), "{text}");
    }
    if let Some(text) = by_another("wrk", &["-t1", "-c20", "-d1s", &url], "") {
        let errors = text.contains("Socket errors") || text.contains("Non-2xx");
        assert!(text.contains("requests in") && !errors, "{text}");
    }
}

/// From outside: the servers answer, `curl`, `nc` and `wrk` too where they are, and end by Ctrl-C though somebody
/// is connected.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "examples are for release: `ci/check.sh examples`"
)]
fn servers_answer_and_end_by_ctrl_c() {
    build();
    let http = Server::start("http", &[]);
    let proxy = Server::start("proxy", &["--to", &http.1, "--patience", "20000"]);
    for addr in [&http.1, &proxy.1] {
        answers(addr);
    }
    assert_eq!(proxy.interrupt(), Some(0));
    let chat = Server::start("chat", &[]);
    let mut guest = BufReader::new(talk(&chat.1, "ada\n"));
    let mut line = String::new();
    guest.read_line(&mut line).unwrap();
    assert_eq!(line, "welcome, ada\n");
    let (host, port) = chat.1.rsplit_once(':').unwrap();
    if let Some(text) = by_another("nc.openbsd", &["-N", host, port], "bob\nhello\n") {
        assert!(text.starts_with("welcome, bob\n"), "{text}");
        let mut heard = String::new();
        (0..3).for_each(|_| _ = guest.read_line(&mut heard).unwrap());
        assert_eq!(heard, "bob comes\nbob: hello\nbob goes\n");
    }
    assert_eq!(chat.interrupt(), Some(0));
    assert_eq!(
        guest.read_line(&mut line).unwrap(),
        0,
        "the connection ends"
    );
}

/// However many guests there are: those who have the last descriptors, and those who wait at the door.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "examples are for release: `ci/check.sh examples`"
)]
fn chat_ends_where_no_descriptor_is_left() {
    build();
    for guests in 1..12 {
        let limit = format!(
            "ulimit -n 14; exec {}/chat --listen 127.0.0.1:0",
            folder().display()
        );
        let chat = Server::start_as(Command::new("sh").args(["-c", &limit]));
        let talking: Vec<_> = (0..guests)
            .map(|i| talk(&chat.1, &format!("{i}\n")))
            .collect();
        // The first hears that it is let in; those that there is no descriptor for wait at the door.
        let mut welcome = [0; 7];
        (&talking[0]).read_exact(&mut welcome).unwrap();
        assert_eq!(&welcome, b"welcome");
        assert_eq!(chat.interrupt(), Some(0), "{guests} guests");
    }
}

/// A port that somebody else has: an error in words, and a status that scripts see.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "examples are for release: `ci/check.sh examples`"
)]
fn a_server_that_cannot_listen_says_so() {
    build();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = other.local_addr().unwrap().to_string();
    for name in ["chat", "http", "proxy"] {
        let mut args = vec!["--listen".into(), addr.clone()];
        if name == "proxy" {
            args.extend(["--to".into(), addr.clone()]);
        }
        let ended = start(name, &args);
        assert!(
            ended.status == Some(1) && ended.stderr.contains("in use"),
            "{name}: {ended}"
        );
    }
}

/// The runtime's file that an example shows: `//! runtime/FILE: ...` in its first line, or in
/// back quotes there.
fn shown(source: &str) -> Option<&str> {
    let line = source.lines().next()?.strip_prefix("//!")?;
    let start = line.find("runtime/")?;
    let end = line[start..].find(".rs")? + ".rs".len();
    Some(&line[start..start + end])
}

/// What is wrong with an example's place in the gallery: a row that names the file to read, and
/// a heading with a run below.
fn unlisted(name: &str, source: &str, gallery: &str) -> Option<String> {
    let Some(file) = shown(source) else {
        return Some(format!(
            "{name}: its first line names no file of the runtime"
        ));
    };
    let row = format!("| [`{name}`](#{name}) |");
    let Some(row) = gallery.lines().find(|line| line.starts_with(&row)) else {
        return Some(format!("{name}: no row `{row}` in examples/README.md"));
    };
    if !row.contains(&format!("(../{file})")) {
        return Some(format!(
            "{name}: its row has no link to {file}, which it shows"
        ));
    }
    if !row.contains(".md") {
        return Some(format!("{name}: its row has no link to a page"));
    }
    if !source.contains("What to notice") && !source.contains("what to notice") {
        return Some(format!("{name}: it does not say what to notice"));
    }
    let heading = format!("\n## {name}\n");
    let part = gallery.split_once(&heading).map(|(_, rest)| rest);
    let part = part.map(|rest| rest.split("\n## ").next().unwrap());
    let run = format!("$ cargo run --release --example {name}");
    let good = part.is_some_and(|part| part.contains(&run));
    (!good).then(|| format!("{name}: no `## {name}` with `{run}` below it"))
}

#[test]
fn every_example_is_in_the_gallery() {
    let gallery = fs::read_to_string(Path::new(EXAMPLES).join("README.md")).unwrap();
    let package = fs::read_to_string(Path::new(EXAMPLES).join("Cargo.toml")).unwrap();
    let mut wrong = Vec::new();
    for (name, path) in all() {
        let source = fs::read_to_string(path).unwrap();
        wrong.extend(unlisted(&name, &source, &gallery));
        if !package.contains(&format!("[[example]]\nname = \"{name}\"\n")) {
            wrong.push(format!("{name}: no [[example]] in examples/Cargo.toml"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn an_example_that_is_not_in_the_gallery_is_found() {
    let source = "//! runtime/a/b.rs: x.\n//! What to notice: y.\n";
    let good = "| [`x`](#x) | y | [p](../docs/p.md) | [b](../runtime/a/b.rs) |\n\n## x\n$ cargo run --release \
                --example x\n";
    assert_eq!(unlisted("x", source, good), None);
    let bad = [
        ("//! No file.\n", good.to_owned()),
        ("//! runtime/a/b.rs: x.\n", good.to_owned()),
        (source, good.replace("p.md", "p")),
        (source, good.replace("`x`", "`z`")),
        (source, good.replace("a/b.rs", "a/c.rs")),
        (source, good.replace("## x", "## z")),
        (source, good.replace("--example x", "")),
    ];
    for (source, gallery) in bad {
        assert!(
            unlisted("x", source, &gallery).is_some(),
            "{source}{gallery}"
        );
    }
}

#[test]
fn the_comment_at_the_end_is_the_promise() {
    let source = "//! Shows x.\nfn main() {}\n\n// $ cargo run --release --example x -- 2 a\n\
                  // one\n//\n//  two\n// status 2\n";
    let expect = Promise {
        args: vec!["2".into(), "a".into()],
        lines: vec!["one".into(), String::new(), " two".into()],
        status: 2,
    };
    assert_eq!(promise(source), Some(expect));
    assert_eq!(promise("fn main() {}\n// the end\n"), None);
}

#[test]
fn dots_stand_for_anything_else_for_itself() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let good = |pattern, output: &str| {
        output_matches(&lines(pattern), &output.lines().collect::<Vec<_>>())
    };
    assert!(good("a\n...\nb ... c", "a\nx\ny\nb 1 2 c"));
    assert!(good("...\n", "") && good("...", "a\nb") && good("a...b...c", "a1b2bc"));
    assert!(!good("a", "a\nb") && !good("a\nb", "a") && !good("a", "b"));
    assert!(!good("b ... c", "b 1 d") && !good("a", "ab") && !good("a...a", "a"));
}
