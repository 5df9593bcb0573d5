//! The trace as one page for a browser: `viewer.html` with the recording put into it.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use crate::core::g::wait_reason::WaitReason;
use crate::ext::recording::record::Rule;
use crate::ext::trace::lives::{Ended, Lives, State};
use crate::ext::trace::names::Names;
use crate::ext::trace::stats::{Stats, time};

const VIEWER: &str = include_str!("viewer.html");
/// Where the recording goes.
const PLACE: &str = "/*RECORDING*/null";

/// The whole page.
pub(crate) fn page(lives: &Lives, names: &Names, lost: u64) -> String {
    VIEWER.replacen(PLACE, &json(lives, names, lost), 1)
}

/// A JSON string that may stand inside of a script element.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '<' => out.push_str("\\u003c"), // or `</script>` would end it
            c if c < ' ' || c == '\u{2028}' || c == '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A JSON array of items that are JSON already.
fn array(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    format!("[{}]", items.join(","))
}

/// Every text once, by its number.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
}

impl Texts {
    fn number(&mut self, text: &str) -> usize {
        match self.all.iter().position(|known| known == text) {
            Some(i) => i,
            None => {
                self.all.push(text.to_string());
                self.all.len() - 1
            }
        }
    }
}

fn json(lives: &Lives, names: &Names, lost: u64) -> String {
    let mut texts = Texts::default();
    let runs = array(lives.runs.iter().map(|run| {
        let rule = run.rule.map_or(-1, |rule| rule as i32);
        let ended = ended(run.ended_by);
        let ended = texts.number(&ended);
        format!(
            "[{},{},{},{},{},{rule},{},{},{ended}]",
            run.g,
            run.p,
            i64::from(run.m as i32), // who is no M is -1
            run.from,
            run.to,
            run.queues.local,
            run.queues.global
        )
    }));
    let gs = array(lives.gs.iter().map(|(&g, life)| {
        let place = names.place(g);
        let at = texts.number(&format!("{}:{}", place.file, place.line));
        let spans = array(life.spans.iter().map(|span| {
            let (state, of) = match span.state {
                State::Runnable => (0, 0),
                State::Running(p) => (1, p as usize),
                State::Lost => (2, 0),
                State::Waiting(reason) => (3, texts.number(words(reason))),
            };
            format!("[{state},{},{},{of}]", span.from, span.to)
        }));
        let parent = life.parent.unwrap_or(0);
        format!("[{g},{at},{parent},{},{spans}]", u8::from(life.ended))
    }));
    let wakes = array(lives.wakes.iter().map(|wake| {
        let p = wake.p.map_or(-1, i64::from);
        let by = wake.by.unwrap_or(0);
        format!(
            "[{},{by},{p},{},{}]",
            wake.time,
            wake.g,
            u8::from(wake.spawned)
        )
    }));
    let held = array(
        lives
            .held
            .iter()
            .map(|&(p, m, from, to)| format!("[{p},{m},{from},{to}]")),
    );
    let steals = array(
        lives
            .steals
            .iter()
            .map(|s| format!("[{},{},{},{},{}]", s.time, s.p, s.rule as u8, s.victim, s.n)),
    );
    let rules = array((0..).map_while(Rule::from_u8).map(|rule| {
        let parts = [rule.name(), rule.sentence(), rule.decided_by()];
        array(parts.into_iter().map(quoted))
    }));
    let facts = array(
        facts(lives, lost)
            .into_iter()
            .map(|(name, value)| array([quoted(&name), quoted(&value)].into_iter())),
    );
    let texts = array(texts.all.iter().map(|text| quoted(text)));
    format!(
        "{{\"end\":{},\"runs\":{runs},\"gs\":{gs},\"wakes\":{wakes},\"held\":{held},\
         \"steals\":{steals},\"rules\":{rules},\"texts\":{texts},\"facts\":{facts}}}",
        lives.end
    )
}

fn words(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::None => "since before the recording",
        reason => reason.as_str(),
    }
}

fn ended(how: Ended) -> String {
    match how {
        Ended::Stop(why) => why.name().to_string(),
        Ended::Block(reason) => format!("waits: {}", words(reason)),
        Ended::End => "has ended".to_string(),
        Ended::Retaken => {
            "the P was taken: it was in the kernel, or did not hear the signal".to_string()
        }
        Ended::Not => "the recording ends".to_string(),
    }
}

/// What it comes to.
fn facts(lives: &Lives, lost: u64) -> Vec<(String, String)> {
    let stats = Stats::of(lives);
    let mut facts = vec![
        ("time".to_string(), time(lives.end)),
        ("goroutines".to_string(), stats.goroutines.to_string()),
        ("runs".to_string(), stats.runs.to_string()),
    ];
    if lost > 0 {
        facts.push((
            "events without room".to_string(),
            format!("{lost}: the end is missing"),
        ));
    }
    for (p, share) in &stats.busy {
        facts.push((
            format!("P{p} ran goroutines"),
            format!("{:.1} %", 100.0 * share),
        ));
    }
    let percents = ["50 %", "90 %", "99 %", "the longest"];
    for (percent, latency) in percents.into_iter().zip(stats.latency) {
        facts.push((format!("runnable, until it ran: {percent}"), time(latency)));
    }
    for (rule, n) in &stats.rules {
        facts.push((format!("chosen by: {rule}"), n.to_string()));
    }
    for (why, waited, n) in stats.waits.iter().take(8) {
        let why = if why.is_empty() {
            "(since before)"
        } else {
            why
        };
        facts.push((
            format!("waited for: {why}"),
            format!("{} in {n} waits", time(*waited)),
        ));
    }
    if stats.retaken > 0 {
        facts.push((
            "Ps taken from goroutines".to_string(),
            stats.retaken.to_string(),
        ));
    }
    facts.extend(
        stats
            .besides
            .into_iter()
            .map(|one| ("besides".to_string(), one)),
    );
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_ends_the_script() {
        assert_eq!(
            quoted("a\"b\\c\n</script>"),
            "\"a\\\"b\\\\c\\u000a\\u003c/script>\""
        );
    }

    #[test]
    fn the_page_holds_the_recording_and_asks_for_nothing_else() {
        let page = page(&Lives::default(), &Names::default(), 3);
        assert!(page.contains("\"end\":0"));
        assert!(page.contains("3: the end is missing"));
        assert!(!page.contains(PLACE));
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
