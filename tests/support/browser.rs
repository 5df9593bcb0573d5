//! Chromium without a window, driven through two pipes (`--remote-debugging-pipe`): messages in JSON, each
//! ended by a zero byte.
#![allow(
    unsafe_code,
    reason = "gives two pipes to a child as descriptors 3 and 4"
)]

use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BROWSER: &str = "/usr/bin/chromium";
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Browser {
    child: Child,
    to: PipeWriter,
    from: BufReader<PipeReader>,
    session: String,
    id: u32,
    /// What the console said that is an error.
    pub(crate) errors: Vec<String>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    /// With an empty page; none: there is no Chromium here. `profile`: a folder for its files.
    pub(crate) fn start(profile: &Path) -> Option<Browser> {
        if !Path::new(BROWSER).is_file() {
            println!("skipped: there is no {BROWSER}");
            return None;
        }
        let (theirs_in, to) = io::pipe().unwrap();
        let (from, theirs_out) = io::pipe().unwrap();
        let mut command = Command::new(BROWSER);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let (input, output) = (theirs_in.as_raw_fd(), theirs_out.as_raw_fd());
        let become_three_and_four = move || {
            // The pipes' own descriptors may be 3 or 4, so they go out of the way first.
            let moves = [(input, 100), (output, 101), (100, 3), (101, 4)];
            moves.into_iter().try_for_each(|(from, to)| copy(from, to))
        };
        // SAFETY: the closure makes system calls only.
        unsafe { command.pre_exec(become_three_and_four) };
        let child = command.spawn().unwrap();
        drop((theirs_in, theirs_out));
        let mut browser = Browser {
            child,
            to,
            from: BufReader::new(from),
            session: String::new(),
            id: 0,
            errors: Vec::new(),
        };
        let made = browser.call("Target.createTarget", r#"{"url":"about:blank"}"#);
        let target = text_of(&made, "targetId").unwrap();
        let how = format!(r#"{{"targetId":"{target}","flatten":true}}"#);
        let attached = browser.call("Target.attachToTarget", &how);
        browser.session = text_of(&attached, "sessionId").unwrap();
        for domain in ["Runtime.enable", "Log.enable", "Page.enable"] {
            browser.call(domain, "{}");
        }
        Some(browser)
    }

    /// Calls a method, and waits for its answer.
    pub(crate) fn call(&mut self, method: &str, params: &str) -> String {
        self.id += 1;
        let id = self.id;
        let session = match self.session.as_str() {
            "" => String::new(),
            session => format!(r#","sessionId":"{session}""#),
        };
        let message =
            format!(r#"{{"id":{id},"method":"{method}","params":{params}{session}}}"#);
        self.to.write_all(message.as_bytes()).unwrap();
        self.to.write_all(&[0]).unwrap();
        loop {
            let mut bytes = Vec::new();
            let n = self.from.read_until(0, &mut bytes).unwrap();
            assert!(n > 0, "the browser has ended, at {method}");
            let said = String::from_utf8_lossy(&bytes[..n - 1]).into_owned();
            let error = said.contains(r#""method":"Runtime.exceptionThrown""#)
                || said.contains(r#""level":"error""#)
                || said.contains(
                    r#""method":"Runtime.consoleAPICalled","params":{"type":"error""#,
                );
            if said.starts_with(&format!(r#"{{"id":{id},"#)) {
                assert!(!said.contains(r#""error":{"#), "{method} {params}: {said}");
                return said;
            }
            if error {
                self.errors.push(said);
            }
        }
    }

    pub(crate) fn open(&mut self, page: &str, wide: u32, high: u32) {
        let size = format!(
            r#"{{"width":{wide},"height":{high},"deviceScaleFactor":1,"mobile":false}}"#
        );
        self.call("Emulation.setDeviceMetricsOverride", &size);
        self.call("Page.navigate", &format!(r#"{{"url":"{page}"}}"#));
    }

    pub(crate) fn dark(&mut self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let media =
            format!(r#"{{"features":[{{"name":"prefers-color-scheme","value":"{scheme}"}}]}}"#);
        self.call("Emulation.setEmulatedMedia", &media);
    }

    /// The value of an expression that is a text without quotes.
    pub(crate) fn ask(&mut self, expression: &str) -> String {
        let expression = expression.replace('\\', r"\\").replace('"', r#"\""#);
        let params = format!(r#"{{"expression":"String({expression})","returnByValue":true}}"#);
        let said = self.call("Runtime.evaluate", &params);
        text_of(&said, "value").unwrap_or_else(|| panic!("{expression}: {said}"))
    }

    /// Until the expression is true.
    pub(crate) fn wait(&mut self, expression: &str) {
        let begin = Instant::now();
        while self.ask(expression) != "true" {
            assert!(
                begin.elapsed() < LIMIT,
                "never: {expression}; {:?}",
                self.errors
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn mouse(&mut self, kind: &str, at: (f64, f64), more: &str) {
        let (x, y) = at;
        let event = format!(r#"{{"type":"{kind}","x":{x},"y":{y}{more}}}"#);
        self.call("Input.dispatchMouseEvent", &event);
    }

    pub(crate) fn click(&mut self, at: (f64, f64)) {
        for kind in ["mousePressed", "mouseReleased"] {
            self.mouse(kind, at, r#","button":"left","clickCount":1"#);
        }
    }

    /// Negative: nearer.
    pub(crate) fn wheel(&mut self, at: (f64, f64), by: i32) {
        self.mouse("mouseWheel", at, &format!(r#","deltaX":0,"deltaY":{by}"#));
    }

    /// One key, by its name, with the text that it writes.
    pub(crate) fn key(&mut self, name: &str, text: &str) {
        let text = if text.is_empty() {
            String::new()
        } else {
            format!(r#","text":"{text}""#)
        };
        for kind in ["keyDown", "keyUp"] {
            let event = format!(r#"{{"type":"{kind}","key":"{name}"{text}}}"#);
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", &format!(r#"{{"text":"{text}"}}"#));
    }

    /// A picture of what is shown, as PNG.
    pub(crate) fn screenshot(&mut self, file: &Path) {
        let said = self.call("Page.captureScreenshot", "{}");
        let data = text_of(&said, "data").unwrap();
        File::create(file)
            .unwrap()
            .write_all(&from_base64(&data))
            .unwrap();
    }
}

fn copy(from: i32, to: i32) -> io::Result<()> {
    // SAFETY: `to` is nobody's, in a child that has not begun.
    match unsafe { libc::dup2(from, to) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// The text that is the value of `name`.
fn text_of(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!(r#""{name}":""#))?;
    let (text, _) = rest.split_once('"')?;
    Some(text.to_owned())
}

fn from_base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|&c| c != b'=').map(digit).collect();
    let four = |four: &[u8]| {
        let bits = four.iter().fold(0_u32, |bits, &d| bits << 6 | u32::from(d));
        let bits = bits << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(four).collect()
}
