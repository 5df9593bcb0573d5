//! Cache lines that cores take from each other. A line is in the caches that have read it since it was last
//! written; a write takes it from all others. A line serves one transfer after the other, which is what makes
//! a contended line slow.

/// Nanoseconds.
pub(crate) type Ns = u64;

/// What a transfer costs on a machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) name: &'static str,
    /// Cores that share a last-level cache.
    pub(crate) group: usize,
    /// From a core of the same group, and of another one.
    pub(crate) near: Ns,
    pub(crate) far: Ns,
}

impl Machine {
    /// The cores that share a last-level cache with `core`, itself included: one bit each.
    fn group_of(&self, core: usize) -> u128 {
        let all = u128::MAX >> (128 - self.group.min(128));
        all << (core / self.group * self.group)
    }
}

/// For so long a line is busy with a read while no cache has changed it: there are many copies.
const COPY: Ns = 5;

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    /// The last one to touch it wrote.
    changed: bool,
    /// Who has it: one bit a core. 0: nobody has touched it, and the first touch is free.
    holders: u128,
    /// When it has served the transfers that were asked for.
    free_at: Ns,
}

/// All lines, by number; a number that was not used yet is a line that nobody has.
#[derive(Debug)]
pub(crate) struct Lines {
    machine: Machine,
    lines: Vec<Line>,
    pub(crate) transfers: u64,
}

impl Lines {
    pub(crate) fn new(machine: Machine) -> Lines {
        Lines {
            machine,
            lines: Vec::new(),
            transfers: 0,
        }
    }

    /// `core` reads at `now`; returns when it has the line.
    pub(crate) fn read(&mut self, core: usize, line: usize, now: Ns) -> Ns {
        self.touch(core, line, now, false)
    }

    /// As [`Lines::read`]; then no other core has the line.
    pub(crate) fn write(&mut self, core: usize, line: usize, now: Ns) -> Ns {
        self.touch(core, line, now, true)
    }

    fn touch(&mut self, core: usize, number: usize, now: Ns, writes: bool) -> Ns {
        if number >= self.lines.len() {
            self.lines.resize(number + 1, Line::default());
        }
        let group = self.machine.group_of(core);
        let line = &mut self.lines[number];
        let mine = 1_u128 << core;
        let others = line.holders & !mine;
        let has = line.holders & mine != 0;
        let mut at = now;
        if line.holders != 0 && (!has || writes && others != 0) {
            // Of a write all must hear, also the farthest; a read is served by the nearest.
            let near = match writes {
                true => others & !group == 0,
                false => others & group != 0,
            };
            let cost = if near {
                self.machine.near
            } else {
                self.machine.far
            };
            let begin = now.max(line.free_at);
            at = begin + cost;
            let clean = !writes && !line.changed;
            line.free_at = if clean { begin + COPY } else { at };
            self.transfers += 1;
            line.changed = writes;
        } else {
            line.changed |= writes;
        }
        line.holders = if writes { mine } else { line.holders | mine };
        at
    }
}

/// By hand what the rules say. Run by `tests/tidy.rs`, as benches have no tests of their own.
#[cfg(test)]
mod tests {
    #[test]
    fn a_line_serves_one_transfer_after_the_other() {
        let mut lines = super::Lines::new(super::Machine {
            name: "",
            group: 2,
            near: 20,
            far: 100,
        });
        assert_eq!(lines.write(0, 7, 5), 5); // nobody had it
        assert_eq!(lines.write(0, 7, 6), 6);
        assert_eq!(lines.read(1, 7, 10), 30);
        assert_eq!(lines.read(1, 7, 40), 40);
        assert_eq!((lines.read(3, 7, 40), lines.read(2, 7, 40)), (140, 65));
        assert_eq!(lines.write(2, 7, 100), 200);
        assert_eq!(lines.write(0, 7, 150), 300); // stands behind the one before
        assert_eq!(lines.transfers, 5);
    }
}
