//! The results as a markdown table.

use std::fmt::Write;

use crate::measure::{Results, Sample};
use crate::rows::Row;
use crate::system::{ALL, System};
use crate::workloads::PROCS;

/// Rows whose samples spread more than this are marked.
const STEADY: f64 = 0.15;

/// Ours divided by theirs for each peer; `go`: was Go there?
pub(crate) fn render(rows: &[Row], results: &Results, go: bool) -> String {
    let peers = ALL[1..].iter().filter(|&&on| go || on != System::Go);
    let peers: Vec<System> = peers.copied().collect();
    let mut text = String::from("| workload | P | gosched |");
    for peer in &peers {
        let _ = write!(text, " {} | ratio |", peer.name());
    }
    let _ = writeln!(text, "\n|---|---|---|{}", "---|---|".repeat(peers.len()));
    for row in rows {
        for procs in PROCS {
            let of = |on| {
                results
                    .get(&(row.id, procs, on))
                    .map_or(&[][..], Vec::as_slice)
            };
            let ours = of(System::Gosched);
            let unit = if row.unit.is_empty() { "" } else { ", " };
            let _ = write!(
                text,
                "| `{}`{unit}{} | {procs} | {} |",
                row.id,
                row.unit,
                shown(ours)
            );
            for &peer in &peers {
                let theirs = of(peer);
                let _ = write!(text, " {} | {} |", shown(theirs), ratio(ours, theirs));
            }
            text.push('\n');
        }
    }
    text.push_str(
        "\nMedians, nanoseconds per operation unless the row says otherwise (--cpu: of CPU); ratio: ours divided \
         by theirs.\n~: of ours or theirs the middle half of the rounds spreads over more than \
         15 %. –: the system\ndoes not have it. starves: no end within the limit.\n",
    );
    text
}

fn shown(samples: &[Sample]) -> String {
    match (median(samples), samples.last()) {
        (_, Some(Sample::Starves)) => "starves".into(),
        (_, Some(Sample::Wrong)) => "fails".into(),
        (Some(value), _) if value < 20.0 => format!("{value:.1}"),
        (Some(value), _) => format!("{value:.0}"),
        (None, _) => "–".into(),
    }
}

fn ratio(ours: &[Sample], theirs: &[Sample]) -> String {
    let (Some(a), Some(b)) = (median(ours), median(theirs)) else {
        return "–".into();
    };
    let steady = [ours, theirs]
        .iter()
        .all(|samples| spread(samples) < STEADY);
    format!("{}**{:.2}**", if steady { "" } else { "~ " }, a / b)
}

fn median(samples: &[Sample]) -> Option<f64> {
    quantile(samples, 0.5)
}

fn spread(samples: &[Sample]) -> f64 {
    let at = |place| quantile(samples, place).unwrap_or(0.0);
    (at(0.75) - at(0.25)) / at(0.5).max(f64::MIN_POSITIVE)
}

/// Nothing, if one sample has no value.
fn quantile(samples: &[Sample], at: f64) -> Option<f64> {
    let value = |sample: &Sample| match *sample {
        Sample::Value(value) => Some(value),
        _ => None,
    };
    let mut all: Vec<f64> = samples.iter().map(value).collect::<Option<_>>()?;
    all.sort_by(f64::total_cmp);
    let place = at * all.len().checked_sub(1)? as f64;
    let (low, high) = (all[place as usize], all[place.ceil() as usize]);
    Some(low + (high - low) * place.fract())
}
