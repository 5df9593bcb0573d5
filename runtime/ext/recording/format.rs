//! Which way to look at a recording: the ending of the file's name.
#![forbid(unsafe_code)]

use std::path::Path;

/// A way to look at a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Go,
    Html,
    Perfetto,
    /// For `go tool pprof`.
    Profile,
    Text,
}

/// Endings, and what is written.
const ENDINGS: [(&str, Format); 5] = [
    ("html", Format::Html),
    ("trace", Format::Go),
    ("perfetto", Format::Perfetto),
    ("pb.gz", Format::Profile),
    ("txt", Format::Text),
];

/// What endings there are, for messages.
pub(crate) const WANTED: &str =
    "a file that ends in .html, .trace, .perfetto, .pb.gz or .txt, or -";

impl Format {
    /// Of a file with this name. `-` is the standard output.
    pub(crate) fn of(name: &str) -> Option<Format> {
        if name == "-" {
            return Some(Format::Text);
        }
        let (_, endings) = Path::new(name).file_name()?.to_str()?.split_once('.')?;
        let has = |ending| endings == ending || endings.ends_with(&format!(".{ending}"));
        let known = ENDINGS.iter().find(|&&(known, _)| has(known));
        known.map(|&(_, format)| format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_what_is_written() {
        let of = |name| Format::of(name);
        assert_eq!(of("a/b.c.html"), Some(Format::Html));
        assert_eq!(of("x.trace"), Some(Format::Go));
        assert_eq!(of("x.perfetto"), Some(Format::Perfetto));
        assert_eq!(of("a/x.y.pb.gz"), Some(Format::Profile));
        assert_eq!((of("x.gz"), of("x.apb.gz")), (None, None));
        assert_eq!(
            (of("x.txt"), of("-")),
            (Some(Format::Text), Some(Format::Text))
        );
        assert_eq!((of("trace"), of("x.TXT"), of("")), (None, None, None));
        for (ending, _) in ENDINGS {
            assert!(WANTED.contains(&format!(".{ending}")), "{ending}");
        }
    }
}
