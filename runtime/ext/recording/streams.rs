//! What was written, for each writer: read out of the chunks, the oldest first.
#![forbid(unsafe_code)]

use crate::ext::linux::ticks::Moment;
use crate::ext::recording::record::Record;
use crate::ext::recording::recorder;
use crate::ext::recording::words::unwrapped;

/// What one writer wrote, as far as it is there.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) owner: u32,
    /// From the recording's beginning on.
    pub(crate) whole: bool,
    pub(crate) records: Vec<Record>,
    /// The number of its next chunk.
    next: u64,
}

impl Stream {
    pub(crate) fn new(owner: u32) -> Stream {
        Stream {
            owner,
            whole: true,
            records: Vec::new(),
            next: 0,
        }
    }
}

/// What was written, in order, for each writer; `until` then, if so. `now`: any time about now. Allocates.
pub(crate) fn streams(now: &Moment, until: Option<Moment>) -> Vec<Stream> {
    let begin = recorder::began();
    let until = until.map_or(u64::MAX, |until| until.ticks.saturating_sub(begin));
    let labels = recorder::taken()
        .iter()
        .filter_map(|chunk| Some((chunk.label()?, chunk)));
    let mut labels: Vec<_> = labels.collect();
    labels.sort_unstable_by_key(|(label, _)| label.ticket);
    let mut streams: Vec<Stream> = Vec::new();
    // The oldest first: they are taken again first, perhaps while we read.
    for (label, chunk) in labels {
        let i = streams.iter().position(|s| s.owner == label.owner);
        let i = i.unwrap_or_else(|| {
            streams.push(Stream::new(label.owner));
            streams.len() - 1
        });
        let stream = &mut streams[i];
        let records = chunk.records(label);
        if label.nth != stream.next || records.is_none() {
            stream.whole = false;
            stream.records.clear(); // what was before is not known to its end
        }
        stream.next = label.nth + 1;
        let records = records.into_iter().flatten().map(|record| Record {
            time: unwrapped(record.time, now.ticks).saturating_sub(begin),
            ..record
        });
        let records = records.filter(|record| record.time <= until);
        stream.records.extend(records);
    }
    streams
}
