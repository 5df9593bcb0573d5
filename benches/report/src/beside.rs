//! A page for a workload: the same operations on goroutines and on OS threads, as bars on one scale of time. What
//! each P ran is gosched's own recording; which thread was on which CPU is the kernel's.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use crate::frame::frame;
use crate::seen::{Bar, Seen};
use crate::switches::End;
use crate::words::{time, whole};

/// A browser shows so many at once.
const MOST_BARS: usize = 20_000;
/// So many lanes a reader looks at.
const MOST_THREADS: usize = 32;

/// `full` is the page that shows more of goroutines.
pub(crate) fn page(name: &str, operation: &str, green: &Seen, os: &Seen, full: &str) -> String {
    let long = green.took.max(os.took).max(1);
    let body = html! {
        p.soft { a href="../index.html" { "The report" } }
        h1 { (name) ": " b.go { "goroutines" } " beside " b.os { "OS threads" } }
        p { "One operation: " (operation) ". The same number of operations on both, once, while they were \
            recorded: " b.go { (whole(green.operations as f64)) " in " (time(green.took as f64)) } " and "
            b.os { (whole(os.operations as f64)) " in " (time(os.took as f64)) } ". So short a run shows \
            how it goes, and measures nothing: times are in " a href="../index.html" { "the report" } "." }
        @for words in &green.missing { p.doubts { "Goroutines: " (words) "." } }
        @for words in &os.missing { p.doubts { "OS threads: " (words) "." } }
        p.tools {
            button type="button" data-zoom="0.5" aria-label="Zoom in" { "+" } " "
            button type="button" data-zoom="2" aria-label="Zoom out" { "−" } " "
            button type="button" data-zoom="fast" { "the goroutines' time" } " "
            button type="button" data-zoom="all" { "all of it" } " "
            span.soft #range { "0 to " (time(long as f64)) }
        }
        h2 { b.go { "Goroutines" } ", as the scheduler saw them" }
        p.soft { (counted(green.goroutines.len(), "run")) ". " a href=(full) { "More of a longer run" }
            ": which rule chose each, who woke whom." }
        (lanes("P", &by_lane(&green.goroutines), "goroutine ", long))
        h2 { "The threads that carried them, as the kernel saw them" }
        (kernel(green, long, false))
        h2 { b.os { "OS threads" } ", as the kernel saw them" }
        (kernel(os, long, true))
        p.soft { "Each goroutine and each thread has a colour of its own; point at a bar to see which it is. A red end: it could have \
            gone on, as the kernel took the CPU from it, or it yielded. A gap: others, or nobody. Wheel with Ctrl, or + and −: \
            zoom. Drag: move." }
        script { (PreEscaped(format!("const ALL = {long}, FAST = {};", green.took.max(1)))) (PreEscaped(include_str!("beside.js"))) }
    };
    let title = format!("{name}: goroutines beside OS threads");
    frame(&title, include_str!("beside.css"), &body)
}

/// By CPU, and by thread too.
fn kernel(seen: &Seen, long: u64, by_thread: bool) -> Markup {
    if seen.threads.is_empty() {
        return html! { p.soft { "Nothing is known of them." } };
    }
    let threads = by_who(&seen.threads);
    let count = |end| {
        seen.threads
            .iter()
            .filter(|bar| bar.end == Some(end))
            .count()
    };
    html! {
        p.soft { (counted(threads.len(), "thread")) ", on a CPU " (counted(seen.threads.len(), "time"))
            ". They went to sleep " (counted(count(End::Gave), "time")) ", could have gone on "
            (counted(count(End::Taken), "time")) ", and " (whole(count(End::Exit) as f64)) " came to their end." }
        (lanes("CPU ", &by_lane(&seen.threads), "thread ", long))
        @if by_thread {
            p.soft {
                @if threads.len() > MOST_THREADS { "The first " (MOST_THREADS) " of them:" } @else { "Each of them:" }
            }
            (lanes("", &threads.into_iter().take(MOST_THREADS).collect::<Vec<_>>(), "thread ", long))
        }
    }
}

/// `1 run`, `2 runs`.
fn counted(n: usize, what: &str) -> String {
    format!(
        "{} {what}{}",
        whole(n as f64),
        if n == 1 { "" } else { "s" }
    )
}

type Lane = (String, Vec<Bar>);

fn by_lane(bars: &[Bar]) -> Vec<Lane> {
    let mut lanes = BTreeMap::<u32, Vec<Bar>>::new();
    for &bar in bars {
        lanes.entry(bar.lane).or_default().push(bar);
    }
    lanes
        .into_iter()
        .map(|(lane, bars)| (lane.to_string(), bars))
        .collect()
}

/// In the order in which they first ran.
fn by_who(bars: &[Bar]) -> Vec<Lane> {
    let mut lanes = BTreeMap::<u64, Vec<Bar>>::new();
    for &bar in bars {
        lanes.entry(bar.who).or_default().push(bar);
    }
    let mut lanes: Vec<_> = lanes.into_iter().collect();
    lanes.sort_by_key(|(_, bars)| bars.iter().map(|bar| bar.from).min());
    lanes
        .into_iter()
        .map(|(who, bars)| (who.to_string(), bars))
        .collect()
}

fn lanes(of: &str, lanes: &[Lane], who: &str, long: u64) -> Markup {
    let all: usize = lanes.iter().map(|(_, bars)| bars.len()).sum();
    let most = MOST_BARS / lanes.len().max(1);
    html! {
        @for (name, bars) in lanes {
            div.lane {
                span { (of) (name) }
                svg viewBox=(format!("0 0 {long} 10")) preserveAspectRatio="none" role="img"
                    aria-label=(format!("{of}{name}: {} bars", bars.len())) {
                    @for bar in bars.iter().take(most) { (draw(bar, who)) }
                }
            }
        }
        @if all > MOST_BARS { p.soft { "No lane shows more than its first " (whole(most as f64)) " bars." } }
    }
}

/// The next number's colour is far away on the wheel.
fn draw(bar: &Bar, who: &str) -> Markup {
    let hue = bar.who * 137 % 360;
    let end = match bar.end {
        None => "",
        Some(End::Gave) => ", then slept",
        Some(End::Taken) => ", and could have gone on",
        Some(End::Exit) => ", its end",
        Some(End::Open) => ", and longer",
    };
    let long = bar.to - bar.from;
    let words = format!(
        "{who}{} from {} for {}{end}",
        bar.who,
        time(bar.from as f64),
        time(long as f64)
    );
    html! {
        rect x=(bar.from) width=(long) y="1" height="8" style=(format!("--hue:{hue}")) {
            title { (words) }
        }
        @if bar.end == Some(End::Taken) {
            line x1=(bar.to) x2=(bar.to) y1="0" y2="10" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_is_missing_and_draws_what_is_there() {
        let bar = Bar {
            lane: 1,
            who: 7,
            from: 5,
            to: 9,
            end: Some(End::Taken),
        };
        let green = Seen {
            took: 10,
            goroutines: vec![Bar { end: None, ..bar }],
            ..Seen::default()
        };
        let os = Seen {
            took: 90,
            threads: vec![bar],
            missing: vec!["3 switches".into()],
            ..Seen::default()
        };
        let page = page("turns", "a turn", &green, &os, "turns-goroutines.html");
        for there in [
            "OS threads: 3 switches.",
            "Nothing is known",
            "goroutine 7",
            "thread 7 from 5 ns for 4 ns, and could",
        ] {
            assert!(page.contains(there), "{there}");
        }
        for outside in ["http://", "https://", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
