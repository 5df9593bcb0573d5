//! The trace as one page for a browser: `viewer.html` with the recording put into it.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use crate::core::g::wait_reason::WaitReason;
use crate::ext::recording::record::{Asleep, Fires, Rule};
use crate::ext::trace::columns::Columns;
use crate::ext::trace::lives::{Ended, Lives, State};
use crate::ext::trace::names::Names;
use crate::ext::trace::stats::{Stats, time};

const VIEWER: &str = include_str!("viewer.html");
/// Where the recording goes.
const PLACE: &str = "RECORDING";

/// The whole page.
pub(crate) fn page(lives: &Lives, names: &Names, lost: u64) -> String {
    VIEWER.replacen(PLACE, &data(lives, names, lost), 1)
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
    numbers: HashMap<String, u64>,
}

impl Texts {
    fn number(&mut self, text: &str) -> u64 {
        if let Some(&known) = self.numbers.get(text) {
            return known;
        }
        let number = self.all.len() as u64;
        self.all.push(text.to_string());
        self.numbers.insert(text.to_string(), number);
        number
    }
}

/// What the page's script reads, in the same order: `read` in viewer.html.
fn data(lives: &Lives, names: &Names, lost: u64) -> String {
    let mut texts = Texts::default();
    let mut out = Columns::default();
    runs(&mut out, lives, &mut texts);
    goroutines(&mut out, lives, names, &mut texts);
    wakes(&mut out, lives);
    queues(&mut out, lives);
    ps_and_ms(&mut out, lives);
    others(&mut out, lives);
    let rules = array((0..).map_while(Rule::from_u8).map(|rule| {
        let parts = [rule.name(), rule.sentence(), rule.decided_by()];
        array(parts.into_iter().map(quoted))
    }));
    let pair =
        |(name, value): (String, String)| format!("[{},{}]", quoted(&name), quoted(&value));
    let facts = array(facts(lives, lost).into_iter().map(pair));
    let asleep = array(
        (0..)
            .map_while(Asleep::from_u8)
            .map(|why| quoted(why.name())),
    );
    let fires = array(
        (0..)
            .map_while(Fires::from_u8)
            .map(|fires| quoted(fires.name())),
    );
    let texts = array(texts.all.iter().map(|text| quoted(text)));
    out.text(&format!(
        "{{\"end\":{},\"rules\":{rules},\"facts\":{facts},\"asleep\":{asleep},\"fires\":{fires},\
         \"texts\":{texts}}}",
        lives.end
    ));
    out.packed()
}

fn runs(out: &mut Columns, lives: &Lives, texts: &mut Texts) {
    let all = || lives.runs.iter();
    out.rows(lives.runs.len());
    out.near(all().map(|run| run.g));
    out.plain(all().map(|run| run.p.into()));
    out.plain(all().map(|run| u64::from(run.m.wrapping_add(1)))); // who is no M is 0
    out.near(all().map(|run| run.from));
    out.plain(all().map(|run| run.to - run.from));
    out.plain(all().map(|run| run.rule.map_or(0, |rule| rule as u64 + 1)));
    out.plain(all().map(|run| run.queues.local.into()));
    out.plain(all().map(|run| run.queues.global.into()));
    out.plain(all().map(|run| texts.number(&ended(run.ended_by))));
}

fn goroutines(out: &mut Columns, lives: &Lives, names: &Names, texts: &mut Texts) {
    let all = || lives.gs.iter();
    out.rows(lives.gs.len());
    out.near(all().map(|(&g, _)| g));
    out.near(all().map(|(g, _)| {
        let place = names.place(*g);
        texts.number(&format!("{}:{}", place.file, place.line))
    }));
    let name = |g| names.given.get(g).map_or(0, |name| texts.number(name) + 1);
    out.plain(all().map(|(g, _)| g).map(name));
    out.near(all().map(|(_, life)| life.parent.unwrap_or(0)));
    out.plain(all().map(|(_, life)| life.ended.into()));
    out.near(all().map(|(_, life)| life.spans.first().map_or(0, |span| span.from)));
    out.plain(all().map(|(_, life)| life.spans.len() as u64));
    // Spans follow each other without a gap.
    let spans = || lives.gs.values().flat_map(|life| &life.spans);
    out.rows(spans().count());
    out.plain(spans().map(|span| span.to - span.from));
    out.plain(spans().map(|span| match span.state {
        State::Runnable => 0,
        State::Running(_) => 1,
        State::Lost => 2,
        State::Waiting(reason) => 3 + texts.number(words(reason)),
    }));
}

fn wakes(out: &mut Columns, lives: &Lives) {
    let all = || lives.wakes.iter();
    out.rows(lives.wakes.len());
    out.near(all().map(|wake| wake.time));
    out.near(all().map(|wake| wake.g));
    out.near(all().map(|wake| wake.by.unwrap_or(0)));
    out.plain(all().map(|wake| wake.p.map_or(0, |p| u64::from(p) + 1)));
    out.plain(all().map(|wake| wake.spawned.into()));
}

/// Where one of the two has changed.
fn queues(out: &mut Columns, lives: &Lives) {
    let mut last = BTreeMap::new();
    let changed = lives
        .queues
        .iter()
        .filter(|(_, p, queues)| last.insert(*p, *queues) != Some(*queues));
    let changed: Vec<_> = changed.collect();
    let all = || changed.iter();
    out.rows(changed.len());
    out.near(all().map(|(time, ..)| *time));
    out.plain(all().map(|&&(_, p, _)| p.into()));
    out.plain(all().map(|(.., queues)| queues.local.into()));
    out.plain(all().map(|(.., queues)| queues.global.into()));
}

fn ps_and_ms(out: &mut Columns, lives: &Lives) {
    let all = || lives.held.iter();
    out.rows(lives.held.len());
    out.plain(all().map(|&(p, ..)| p.into()));
    out.plain(all().map(|&(_, m, ..)| m.into()));
    out.near(all().map(|&(_, _, from, _)| from));
    out.plain(all().map(|&(_, _, from, to)| to - from));
    let all = || lives.looks.iter();
    out.rows(lives.looks.len());
    out.plain(all().map(|look| look.p.map_or(0, |p| u64::from(p) + 1)));
    out.plain(all().map(|look| look.m.into()));
    out.near(all().map(|look| look.from));
    out.plain(all().map(|look| look.to - look.from));
    let all = || lives.sleeps.iter();
    out.rows(lives.sleeps.len());
    out.plain(all().map(|sleep| sleep.why as u64));
    out.plain(all().map(|sleep| sleep.m.into()));
    out.near(all().map(|sleep| sleep.from));
    out.plain(all().map(|sleep| sleep.to - sleep.from));
}

/// What happens at a moment.
fn others(out: &mut Columns, lives: &Lives) {
    let all = || lives.steals.iter();
    out.rows(lives.steals.len());
    out.near(all().map(|steal| steal.time));
    out.plain(all().map(|steal| steal.p.into()));
    out.plain(all().map(|steal| steal.victim.into()));
    out.plain(all().map(|steal| steal.n.into()));
    let all = || lives.timers.iter();
    out.rows(lives.timers.len());
    out.near(all().map(|timer| timer.time));
    out.plain(all().map(|timer| timer.on.unwrap_or(timer.p).into()));
    out.near(all().map(|timer| timer.g));
    out.plain(all().map(|timer| timer.fires as u64));
    let all = || lives.grown.iter();
    out.rows(lives.grown.len());
    out.near(all().map(|grown| grown.time));
    out.near(all().map(|grown| grown.g));
    out.plain(all().map(|grown| grown.bytes));
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
            .map(|one| ("besides: ".to_string(), one)),
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
        assert!(page.contains(&data(&Lives::default(), &Names::default(), 3)));
        assert!(!page.contains(PLACE));
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
