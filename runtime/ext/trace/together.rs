//! What was written becomes a recording: the streams are put in order, from the beginning or from a later
//! time.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::ext::linux::ticks::Moment;
use crate::ext::recording::recorder::{self, Still};
use crate::ext::recording::streams::{Stream, streams};
use crate::ext::trace::at_cut::Standing;
use crate::ext::trace::cut::{cut, earliest};
use crate::ext::trace::names::Names;
use crate::ext::trace::order::{Beginning, Impossible, Sequence, Step, order};
use crate::ext::trace::said::names;

/// The recording that runs now.
#[derive(Clone, Copy)]
pub(super) struct Session {
    pub(super) begin: Moment,
    pub(super) beginning: Beginning,
    /// Of a flight recording: how much of the past is asked for.
    pub(super) min_age: Option<Duration>,
}

/// What was recorded.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    /// Times are nanoseconds from the beginning.
    pub(crate) steps: Vec<Step>,
    pub(crate) names: Names,
    pub(crate) end: u64,
    pub(crate) lost: u64,
    /// Records of the last moment, before which others are missing.
    pub(crate) left_out: usize,
}

/// What the last events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The last ones there were.
    Whole,
    /// Others were being written, or came later: the order ends where one of these is needed.
    Open,
}

/// The recording of `session`, up to `end`. `standing`: how things were then, asked where that is needed.
/// `lived`: the names of those who lived shortly before. `still`: held since then, if the recording goes on.
pub(super) fn put_together(
    session: &Session,
    end: &Moment,
    lived: Names,
    still: Option<Still>,
    tail: Tail,
    standing: impl FnOnce() -> Standing,
) -> Result<Recording, Impossible> {
    let flies = session.min_age.is_some();
    let streams = streams(end, still.is_some().then_some(*end));
    drop(still);
    let lost = if flies { 0 } else { recorder::lost() };
    let lossy = flies || lost > 0 || tail == Tail::Open;
    let begin = &session.begin;
    let (ticks, all) = (end.ticks - begin.ticks, end.nanos - begin.nanos);
    let wanted = session
        .min_age
        .map_or(0, |age| so_long_before(ticks, age, all.max(1)));
    let part = match earliest(&streams, wanted) {
        0 => {
            let whole: Vec<_> = streams
                .iter()
                .map(|s| Sequence::of(s.owner, &s.records))
                .collect();
            Part::of(&whole, 0, lossy, session.beginning)?
        }
        time => the_last(&streams, time, ticks, &standing())?,
    };
    let Part {
        mut steps,
        from,
        left_out,
    } = part;
    let nanos = |time| begin.nanos_to(begin.ticks + time, end);
    let first = nanos(from);
    for step in &mut steps {
        step.time = nanos(step.time).saturating_sub(first);
    }
    let last = steps.last().map_or(0, |step| step.time);
    let end = match lost {
        0 => last.max(all.saturating_sub(first)),
        _ => last,
    };
    Ok(Recording {
        names: names(&steps, lived),
        steps,
        end,
        lost,
        left_out,
    })
}

/// Records in their order, and those that could not be put into it.
struct Part {
    steps: Vec<Step>,
    /// The tick at which it begins.
    from: u64,
    left_out: usize,
}

impl Part {
    fn of(
        sequences: &[Sequence<'_>],
        from: u64,
        lossy: bool,
        beginning: Beginning,
    ) -> Result<Part, Impossible> {
        let steps = order(sequences, lossy, beginning)?;
        let all: usize = sequences.iter().map(Sequence::len).sum();
        let left_out = all - steps.len();
        Ok(Part {
            steps,
            from,
            left_out,
        })
    }
}

/// How often a later cut is tried, if not nearly all of what comes after it can be put in order.
const CUTS: u32 = 4;

/// The last part, from `time` on or later, to `until`.
fn the_last(
    streams: &[Stream],
    mut time: u64,
    until: u64,
    standing: &Standing,
) -> Result<Part, Impossible> {
    let mut best: Option<Part> = None;
    for _ in 0..CUTS {
        let cut = cut(streams, time, standing);
        let part = Part::of(&cut, time.saturating_sub(1), true, Beginning::Blurred)?;
        let nearly_all = part.left_out <= part.steps.len() / 10;
        if best
            .as_ref()
            .is_none_or(|best| part.steps.len() > best.steps.len())
        {
            best = Some(part);
        }
        if nearly_all {
            break;
        }
        time += until.saturating_sub(time) / 4;
    }
    Ok(best.unwrap_or(Part {
        steps: Vec::new(),
        from: time,
        left_out: 0,
    }))
}

/// The tick that is `age` before tick `until`, which is `nanos` after tick 0.
fn so_long_before(until: u64, age: Duration, nanos: u64) -> u64 {
    let ticks = u128::from(until).saturating_mul(age.as_nanos()) / u128::from(nanos);
    until.saturating_sub(u64::try_from(ticks).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_without_end_goes_back_to_the_beginning() {
        let hour = 3_600_000_000_000;
        assert_eq!(
            so_long_before(3 * hour, Duration::from_secs(60), hour),
            3 * (hour - 60_000_000_000)
        );
        assert_eq!(so_long_before(3 * hour, Duration::MAX, hour), 0);
        assert_eq!(so_long_before(3 * hour, Duration::ZERO, hour), 3 * hour);
    }
}
