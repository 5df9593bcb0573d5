//! An event in three words, as it stands in memory; sometimes two in one.
#![forbid(unsafe_code)]

use crate::ext::recording::record::{Kind, Record, Rule, Why};

/// Words of one record.
pub(crate) const WORDS: usize = 3;

/// 17 days at 3 GHz. In the word there are a kind and a small number besides.
const TIME_BITS: u32 = 52;
const KIND_BITS: u32 = 5;

/// The number of a record that is two events of one time: a goroutine yields, and the next one starts.
const SWITCH: u64 = 31;
/// In the small number of such a record, above the rule: it yields to the P's own queue.
const TO_LOCAL: u64 = 1 << 4;

/// A kind and its small number: what an event's first word holds besides the time.
#[inline]
pub(crate) const fn tag(kind: Kind, small: u8) -> u64 {
    (small as u64) << KIND_BITS | kind as u64
}

/// A record's words.
#[inline]
pub(crate) fn words(time: u64, tag: u64, a: u64, b: u64) -> [u64; WORDS] {
    [time << (64 - TIME_BITS) | tag, a, b]
}

/// A record's words, at the time of another, whose first word that is.
#[inline]
pub(crate) fn at_the_time_of(first: u64, tag: u64, a: u64, b: u64) -> [u64; WORDS] {
    [time_of(first) | tag, a, b]
}

/// Where it stands in a first word.
#[inline]
const fn time_of(first: u64) -> u64 {
    first >> (64 - TIME_BITS) << (64 - TIME_BITS)
}

/// The first word of a yield that may be one record with the start after it.
#[inline]
pub(crate) fn yield_word(time: u64, to_local: bool) -> u64 {
    let small = if to_local { TO_LOCAL } else { 0 };
    time << (64 - TIME_BITS) | small << KIND_BITS | SWITCH
}

/// A stop and the start after it as one record. `first`: a [`yield_word`]; `b`: of the start. Both
/// goroutines have short ids ([`is_short`]).
#[inline]
pub(crate) fn switch_words(
    first: u64,
    rule: Rule,
    stopped: u64,
    started: u64,
    b: u64,
) -> [u64; WORDS] {
    [
        first | (rule as u64) << KIND_BITS,
        stopped | started << 32,
        b,
    ]
}

/// The stop alone. `b`: of a stop.
pub(crate) fn stop_words(first: u64, stopped: u64, b: u64) -> [u64; WORDS] {
    [
        time_of(first) | tag(Kind::Stop, yields_how(first) as u8),
        stopped,
        b,
    ]
}

fn yields_how(first: u64) -> Why {
    match first & TO_LOCAL << KIND_BITS {
        0 => Why::Yield,
        _ => Why::YieldLocal,
    }
}

/// Two ids of goroutines like this one have room in one word.
#[inline]
pub(crate) const fn is_short(id: u64) -> bool {
    id <= u32::MAX as u64
}

/// How many events a record is, by its first word.
pub(crate) fn events_of(first: u64) -> usize {
    match first & ((1 << KIND_BITS) - 1) {
        SWITCH => 2,
        _ => 1,
    }
}

impl Record {
    /// Of a record that is not of now: for tests.
    #[cfg(test)]
    pub(crate) fn to_words(self) -> [u64; WORDS] {
        words(self.time, tag(self.kind, self.small), self.a, self.b)
    }

    /// One event, or two; none: there is no such kind.
    pub(crate) fn from_words([first, a, b]: [u64; WORDS]) -> impl Iterator<Item = Record> {
        let (time, low) = (first >> (64 - TIME_BITS), first - time_of(first));
        let (kind, small) = (low & ((1 << KIND_BITS) - 1), low >> KIND_BITS);
        let record = |kind, small: u64, a, b| Record {
            time,
            kind,
            small: small as u8,
            a,
            b,
        };
        let both = if kind == SWITCH {
            // The queues are looked at once, and no stack was noted.
            let (_, local, global) = start_parts(b);
            let queues = start_word(0, local.into(), global.into());
            let stop = record(
                Kind::Stop,
                yields_how(first) as u64,
                a & u64::from(u32::MAX),
                queues,
            );
            let start = record(Kind::Start, small & !TO_LOCAL, a >> 32, b);
            [Some(stop), Some(start)]
        } else {
            let kind = Kind::from_u8(kind as u8);
            [kind.map(|kind| record(kind, small, a, b)), None]
        };
        both.into_iter().flatten()
    }
}

/// The time that a record's time stands for, where it is before `end`; or what is after that, by little.
pub(crate) fn unwrapped(time: u64, end: u64) -> u64 {
    let before = end.wrapping_sub(time) << (64 - TIME_BITS) >> (64 - TIME_BITS);
    if before >> (TIME_BITS - 1) == 1 {
        return end.saturating_add((1 << TIME_BITS) - before); // written after the end was
    }
    end.saturating_sub(before)
}

/// `b` of a start: the number of moves, and the lengths of the two queues.
pub(crate) fn start_word(moves: u32, local: u32, global: u32) -> u64 {
    let short = |n: u32| u64::from(n.min(u32::from(u16::MAX)));
    u64::from(moves) | short(local) << 32 | short(global) << 48
}

/// Its parts.
pub(crate) fn start_parts(word: u64) -> (u32, u16, u16) {
    (word as u32, (word >> 32) as u16, (word >> 48) as u16)
}

/// Addresses of what the program has do not need more.
const ADDRESS_BITS: u32 = 48;

/// An address, and a short number above it.
pub(crate) fn with_number(address: u64, number: u16) -> u64 {
    address & ((1 << ADDRESS_BITS) - 1) | u64::from(number) << ADDRESS_BITS
}

/// Both.
pub(crate) fn address_and_number(word: u64) -> (u64, u16) {
    (
        word & ((1 << ADDRESS_BITS) - 1),
        (word >> ADDRESS_BITS) as u16,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_from_its_words() {
        let record = Record {
            time: (1 << 52) - 1,
            kind: Kind::Start,
            small: Rule::Starved as u8,
            a: u64::MAX,
            b: start_word(7, 70_000, 3),
        };
        assert!(Record::from_words(record.to_words()).eq([record]));
        assert_eq!(start_parts(record.b), (7, u16::MAX, 3));
        assert_eq!(address_and_number(with_number(77, 3)), (77, 3));
        assert_eq!(Record::from_words([0, 1, 2]).count(), 0);
        assert_eq!(Rule::from_u8(11), None);
        assert!(
            Kind::from_u8(SWITCH as u8).is_none() && Rule::from_u8(TO_LOCAL as u8).is_none()
        );
    }

    #[test]
    fn a_switch_is_a_stop_and_a_start_of_one_time() {
        let most = u64::from(u32::MAX);
        assert!(is_short(most) && !is_short(most + 1));
        for why in [Why::Yield, Why::YieldLocal] {
            for rule in (0..).map_while(Rule::from_u8) {
                let stop = Record {
                    time: (1 << 52) - 1,
                    kind: Kind::Stop,
                    small: why as u8,
                    a: most,
                    b: start_word(0, 3, 4),
                };
                let start = Record {
                    kind: Kind::Start,
                    small: rule as u8,
                    a: most - 1,
                    b: start_word(u32::MAX, 3, 4),
                    ..stop
                };
                let first = yield_word(stop.time, why == Why::YieldLocal);
                assert_eq!(stop_words(first, stop.a, stop.b), stop.to_words());
                assert_eq!((events_of(first), events_of(start.to_words()[0])), (2, 1));
                let one = switch_words(first, rule, stop.a, start.a, start.b);
                assert!(
                    Record::from_words(one).eq([stop, start]),
                    "{why:?} {rule:?}"
                );
            }
        }
    }

    #[test]
    fn times_go_on_after_seventeen_days() {
        let day = 1_u64 << 52;
        assert_eq!(unwrapped(5, 7), 5);
        assert_eq!(unwrapped(9, 7), 9, "after the end");
        assert_eq!(unwrapped(5, 3 * day + 7), 3 * day + 5);
        assert_eq!(unwrapped(day - 1, 3 * day + 7), 3 * day - 1);
    }
}
