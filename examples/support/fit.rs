//! Text that fits the terminal: a line that is too long goes on below, a word further in.
use console::Term;

/// Columns of the terminal; `None` where stdout is no terminal: a line may then have any length.
pub fn columns() -> Option<usize> {
    let (_rows, columns) = Term::stdout().size_checked()?;
    Some(usize::from(columns)).filter(|&columns| columns > 0)
}

/// Prints a line, in as many lines of the terminal as it takes.
pub fn print_line(line: &str) {
    match columns() {
        Some(columns) => anstream::println!("{}", wrapped(line, columns)),
        None => anstream::println!("{line}"),
    }
}

/// `text`, broken at spaces so that no line is wider than `columns`, as far as its words allow.
pub fn wrapped(text: &str, columns: usize) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| wrapped_line(line, columns))
        .collect();
    lines.join("\n")
}

fn wrapped_line(line: &str, columns: usize) -> String {
    let begin = line.len() - line.trim_start_matches(' ').len();
    let mut out = line[..begin].to_owned();
    let mut used = begin;
    let mut gap = "";
    let mut rest = &line[begin..];
    while !rest.is_empty() {
        let end = rest.find(' ').unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        let wide = console::measure_text_width(word);
        if used + gap.len() + wide > columns && used > begin {
            used = (begin + 2).min(columns.saturating_sub(wide));
            out.push('\n');
            out.push_str(&" ".repeat(used));
        } else {
            out.push_str(gap);
            used += gap.len();
        }
        out.push_str(word);
        used += wide;
        rest = behind.trim_start_matches(' ');
        gap = &behind[..behind.len() - rest.len()];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_goes_on_below() {
        assert_eq!(wrapped("a bc  def", 9), "a bc  def");
        assert_eq!(wrapped("a bc  def", 8), "a bc\n  def");
        assert_eq!(wrapped("  one two three", 9), "  one two\n    three");
        assert_eq!(wrapped("x ########", 8), "x\n########");
        assert_eq!(wrapped("############ y", 8), "############\n  y");
        assert_eq!(wrapped("a\n\nb ", 8), "a\n\nb");
    }

    #[test]
    fn a_colour_takes_no_room() {
        let red = crate::paint(5, "red");
        assert_eq!(wrapped(&format!("a {red} b"), 7), format!("a {red} b"));
        assert_eq!(wrapped(&format!("a {red} b"), 6), format!("a {red}\n  b"));
    }
}
