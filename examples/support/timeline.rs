//! A picture in text: one line for each name, one column for each tick.
use std::time::{Duration, Instant};

use crate::{columns, paint};

/// Who did what, from when to when. All times are rounded to columns.
#[derive(Debug)]
pub struct Timeline {
    start: Instant,
    column: Duration,
    lines: Vec<(String, Vec<Cell>)>,
}

/// What stands in a column: a character, and the number of the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell(char, Option<usize>);

const EMPTY: Cell = Cell(' ', None);

impl Timeline {
    /// A column is this long, and the first begins at `start`.
    pub fn new(start: Instant, column: Duration) -> Timeline {
        Timeline {
            start,
            column,
            lines: Vec::new(),
        }
    }

    /// Draws `mark` into the line of `name`, at least one column of it, in the colour of `who`, if any.
    pub fn span(
        &mut self,
        name: &str,
        mark: char,
        who: Option<usize>,
        from: Instant,
        to: Instant,
    ) {
        let column =
            |at: Instant| (at - self.start).div_duration_f32(self.column).round() as usize;
        let from = column(from);
        let to = column(to).max(from + 1);
        let line = self.line(name);
        if line.len() < to {
            line.resize(to, EMPTY);
        }
        line[from..to].fill(Cell(mark, who));
    }

    /// Draws `mark` at a moment.
    pub fn mark(&mut self, name: &str, mark: char, who: Option<usize>, at: Instant) {
        self.span(name, mark, who, at, at);
    }

    fn line(&mut self, name: &str) -> &mut Vec<Cell> {
        let found = self.lines.iter().position(|(other, _)| other == name);
        let at = found.unwrap_or_else(|| {
            self.lines.push((name.to_owned(), Vec::new()));
            self.lines.len() - 1
        });
        &mut self.lines[at].1
    }

    /// Prints a line for each name, in the order in which the names came first.
    pub fn print(&self) {
        let width = self
            .lines
            .iter()
            .map(|(name, _)| name.chars().count())
            .max();
        let width = width.unwrap_or(0);
        let beside = "  ".len() + width + " |".len();
        let room = columns().map_or(usize::MAX, |all| all.saturating_sub(beside).max(10));
        for piece in self.pieces(room) {
            if piece > 0 {
                anstream::println!("  from column {piece} on:");
            }
            for (name, cells) in &self.lines {
                let end = cells.len().min(piece.saturating_add(room));
                let cells = cells.get(piece..end).unwrap_or(&[]);
                let text: String = cells.chunk_by(|a, b| a.1 == b.1).map(run).collect();
                anstream::println!("  {name:<width$} |{}", text.trim_end());
            }
        }
    }

    /// Where the pieces begin that a terminal with `room` for so many columns takes one after the other.
    fn pieces(&self, room: usize) -> impl Iterator<Item = usize> {
        let most = self.lines.iter().map(|(_, cells)| cells.len()).max();
        (0..most.unwrap_or(0)).step_by(room)
    }
}

/// Cells of one colour.
fn run(cells: &[Cell]) -> String {
    let text: String = cells.iter().map(|cell| cell.0).collect();
    match cells[0].1 {
        Some(who) => paint(who, text),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_rounded_and_no_span_is_empty() {
        let start = Instant::now();
        let ms = |n| start + Duration::from_millis(n);
        let mut timeline = Timeline::new(start, Duration::from_millis(10));
        timeline.span("a", 'x', Some(1), ms(11), ms(34));
        timeline.mark("b", '!', None, ms(9));
        timeline.span("a", '.', None, ms(34), ms(36));
        let (x, dot) = (Cell('x', Some(1)), Cell('.', None));
        assert_eq!(timeline.lines[0], ("a".into(), vec![EMPTY, x, x, dot]));
        assert_eq!(
            timeline.lines[1],
            ("b".into(), vec![EMPTY, Cell('!', None)])
        );
        assert_eq!(run(&[EMPTY, dot]), " .");
        assert_eq!(timeline.pieces(usize::MAX).collect::<Vec<_>>(), [0]);
        assert_eq!(timeline.pieces(3).collect::<Vec<_>>(), [0, 3]);
    }
}
