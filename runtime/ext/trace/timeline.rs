//! The trace for a terminal: 80 columns, a line for each P and for each goroutine.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use crate::ext::trace::lives::{Life, Lives, State};
use crate::ext::trace::names::Names;
use crate::ext::trace::stats::{Stats, time};

const WIDTH: usize = 80;
/// Before the lanes.
const MARGIN: usize = 8;
const COLUMNS: usize = WIDTH - MARGIN;
/// More goroutines than that have no line of their own.
const MOST: usize = 40;
const LETTERS: &[u8] = b"123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Draws the whole recording.
pub(crate) fn draw(lives: &Lives, names: &Names, lost: u64) -> String {
    let mut out = String::new();
    let column = lives.end.div_ceil(COLUMNS as u64).max(1);
    let _ = writeln!(
        out,
        "{} in {COLUMNS} columns of {}; {} goroutines",
        time(lives.end),
        time(column),
        lives.gs.len()
    );
    if lost > 0 {
        let _ = writeln!(out, "{lost} events found no room: the end is missing");
    }
    let letters: Vec<(u64, char)> = lives
        .gs
        .keys()
        .zip(LETTERS.iter().cycle())
        .map(|(&g, &letter)| (g, char::from(letter)))
        .collect();
    let letter = |g| {
        let found = letters.binary_search_by_key(&g, |&(g, _)| g);
        found.map_or('?', |i| letters[i].1)
    };
    out.push_str("\nWhat each P ran ('*': looked for work, '.': nothing)\n");
    let mut ps: Vec<u32> = lives.held.iter().map(|&(p, ..)| p).collect();
    ps.extend(lives.runs.iter().map(|run| run.p));
    ps.sort_unstable();
    ps.dedup();
    for p in ps {
        let runs = lives.runs.iter().filter(|run| run.p == p);
        let runs = runs.map(|run| (run.from, run.to, letter(run.g)));
        let looks = lives.looks.iter().filter(|look| look.p == Some(p));
        let looks = looks.map(|look| (look.from, look.to, '*'));
        let lane = lane(column, '.', runs.chain(looks));
        let _ = writeln!(out, "{:<MARGIN$}{lane}", format!("P{p}"));
    }
    out.push_str(
        "\nWhat each goroutine did (#: ran, +: could have, .: waited, ~: ran without a P)\n",
    );
    for (&g, life) in lives.gs.iter().take(MOST) {
        let label = format!("{} G{g}", letter(g));
        let lane = life_lane(life, column);
        let _ = writeln!(out, "{label:<MARGIN$}{}", lane.trim_end());
    }
    if lives.gs.len() > MOST {
        let _ = writeln!(out, "... and {} more", lives.gs.len() - MOST);
    }
    numbers(&mut out, lives, names);
    out
}

/// What took most of each column; for a column in which nothing happened, `nothing`.
fn lane(column: u64, nothing: char, parts: impl Iterator<Item = (u64, u64, char)>) -> String {
    let mut best = [(0_u64, nothing); COLUMNS];
    for (from, to, what) in parts {
        let last = (to.saturating_sub(1).max(from) / column).min(COLUMNS as u64 - 1);
        for (i, place) in best.iter_mut().enumerate().skip((from / column) as usize) {
            let i = i as u64;
            if i > last {
                break;
            }
            let (begin, end) = (i * column, (i + 1) * column);
            let share = to.min(end).saturating_sub(from.max(begin)).max(1);
            if share > place.0 {
                *place = (share, what);
            }
        }
    }
    best.iter().map(|&(_, what)| what).collect()
}

fn life_lane(life: &Life, column: u64) -> String {
    let parts = life.spans.iter().map(|span| {
        let what = match span.state {
            State::Runnable => '+',
            State::Running(_) => '#',
            State::Lost => '~',
            State::Waiting(_) => '.',
        };
        (span.from, span.to, what)
    });
    lane(column, ' ', parts)
}

fn numbers(out: &mut String, lives: &Lives, names: &Names) {
    let stats = Stats::of(lives);
    let busy = stats.busy.iter();
    out.push('\n');
    list(
        out,
        "busy      ",
        busy.map(|(p, share)| format!("P{p} {:.0} %", 100.0 * share)),
    );
    let [half, most, nearly, all] = stats.latency.map(time);
    let _ = writeln!(
        out,
        "runnable   50 %: {half}, 90 %: {most}, 99 %: {nearly}, longest {all}"
    );
    let rules = stats.rules.iter();
    list(
        out,
        "chosen by ",
        rules.map(|(rule, n)| format!("{rule} {n},")),
    );
    if !stats.waits.is_empty() {
        let wait = |(why, t, n): &(&'static str, u64, usize)| {
            let why = if why.is_empty() { "(before)" } else { why };
            format!("{why} {} ({n}),", time(*t))
        };
        list(out, "waited for", stats.waits.iter().take(5).map(wait));
    }
    list(
        out,
        "besides   ",
        stats.besides.iter().map(|one| format!("{one},")),
    );
    let mut places: Vec<(String, usize)> = Vec::new();
    for &g in lives.gs.keys() {
        let place = names.title(g);
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, n)) => *n += 1,
            None => places.push((place, 1)),
        }
    }
    places.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let places = places.iter().take(5);
    list(
        out,
        "started at",
        places.map(|(place, n)| format!("{place} ({n}),")),
    );
}

/// As many as fit into a line of a terminal, then the next line; without the last comma.
fn list(out: &mut String, head: &str, items: impl Iterator<Item = String>) {
    let mut line = head.to_owned();
    for item in items {
        if line.len() + 1 + item.len() > WIDTH && line.len() > head.len() {
            let _ = writeln!(out, "{line}");
            line = " ".repeat(head.len());
        }
        let _ = write!(line, " {item}");
    }
    let _ = writeln!(out, "{}", line.strip_suffix(',').unwrap_or(&line));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::g::wait_reason::WaitReason;
    use crate::ext::recording::record::Rule;
    use crate::ext::trace::lives::{Ended, Run, Span};
    use crate::ext::trace::possible::Queues;

    #[test]
    fn a_column_shows_what_took_most_of_it() {
        let parts = [
            (0, 60, 'a'),
            (60, 100, 'b'),
            (250, 251, 'c'),
            (700, 7200, 'd'),
        ];
        let drawn = lane(100, '.', parts.into_iter());
        assert_eq!(drawn, format!("a.c....{}", "d".repeat(65)));
        assert_eq!(drawn.len(), COLUMNS);
    }

    /// Goroutine 1 runs for half of the time, then waits; goroutine 2 could run, then does.
    #[test]
    fn two_goroutines_are_drawn() {
        let run = |g, from, to, ended_by| Run {
            g,
            p: 0,
            m: 1,
            from,
            to,
            rule: Some(Rule::Runnext),
            queues: Queues::default(),
            ended_by,
        };
        let span = |state, from, to| Span {
            state,
            from,
            to,
            stack: 0,
        };
        let mut lives = Lives {
            end: 72_000,
            ..Lives::default()
        };
        lives
            .runs
            .push(run(1, 0, 36_000, Ended::Block(WaitReason::Park)));
        lives.runs.push(run(2, 36_000, 72_000, Ended::Not));
        let one = [
            span(State::Running(0), 0, 36_000),
            span(State::Waiting(WaitReason::Park), 36_000, 72_000),
        ];
        let two = [
            span(State::Runnable, 18_000, 36_000),
            span(State::Running(0), 36_000, 72_000),
        ];
        lives.gs.entry(1).or_default().spans.extend(one);
        lives.gs.entry(2).or_default().spans.extend(two);
        let drawn = draw(&lives, &Names::default(), 0);
        let expected = [
            format!("P0      {}{}", "1".repeat(36), "2".repeat(36)),
            format!("1 G1    {}{}", "#".repeat(36), ".".repeat(36)),
            format!(
                "2 G2    {}{}{}",
                " ".repeat(18),
                "+".repeat(18),
                "#".repeat(36)
            ),
            "busy       P0 100 %".to_string(),
            "runnable   50 %: 18 us, 90 %: 18 us, 99 %: 18 us, longest 18 us".to_string(),
            "chosen by  runnext 2".to_string(),
            "waited for park 36 us (1)".to_string(),
        ];
        for line in expected {
            assert!(drawn.lines().any(|l| l == line), "{line}\n{drawn}");
        }
        assert!(drawn.lines().all(|line| line.len() <= WIDTH), "{drawn}");
    }

    #[test]
    fn a_list_that_is_too_long_goes_on_in_the_next_line() {
        let mut out = String::new();
        list(
            &mut out,
            "chosen by ",
            (0..9).map(|i| format!("a rule of many words {i},")),
        );
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(
            lines[0],
            "chosen by  a rule of many words 0, a rule of many words 1,"
        );
        assert_eq!(
            lines[1],
            "           a rule of many words 2, a rule of many words 3,"
        );
        assert_eq!(lines[4], "           a rule of many words 8");
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{out}");
    }
}
