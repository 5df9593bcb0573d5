//! Places in the source, as words of records.
#![allow(unsafe_code, reason = "makes a place in the source of its address")]

use std::panic::Location;

/// A place in the source, as a word of a record.
pub(crate) fn place_word(place: &'static Location<'static>) -> u64 {
    std::ptr::from_ref(place).expose_provenance() as u64
}

/// The place that [`place_word`] has made a word of; 0: none.
pub(crate) fn place_of(word: u64) -> Option<&'static Location<'static>> {
    let place = std::ptr::with_exposed_provenance::<Location<'static>>(word as usize);
    // SAFETY: null, or from a `&'static` (place_word): only records of the kind Create have one.
    unsafe { place.as_ref() }
}
