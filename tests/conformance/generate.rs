//! Fresh random programs of the kind that was recorded, and of a wilder one.
//!
//! Sizes and frequencies are those of the 150 recorded programs: main starts goroutines, looks
//! into channels, and yields many times at the end; scripts start only later scripts, so every
//! program ends. The wild kind also ends by every panic and fatal error that there is.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

/// What a program may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As the recorded ones.
    Recorded,
    /// Any operation anywhere, in any pairing.
    Wild,
    /// Without channels and condition variables: what the core alone can run.
    Core,
}

/// The program of this seed, as a `.prog` file's text.
pub(crate) fn program(seed: u64, kind: Kind) -> String {
    let mut dice = Dice(seed);
    let world = World {
        scripts: dice.between(2, 6),
        chans: if kind == Kind::Core {
            0
        } else {
            dice.between(1, 3)
        },
        muts: dice.between(1, 2),
        wgs: dice.between(1, 2),
        kind,
    };
    let mut text = String::from("chans");
    for _ in 0..world.chans {
        let _ = write!(text, " {}", dice.one_of(&[0, 0, 1, 2, 5]));
    }
    let _ = writeln!(text, "\nmuts {}\nwgs {}", world.muts, world.wgs);
    for script in 0..world.scripts {
        text.push_str("script");
        let ops = match script {
            0 => dice.between(1, 32),
            _ => dice.between(1, 14),
        };
        for _ in 0..ops {
            world.unit(&mut dice, script, &mut text);
        }
        if script == 0 {
            (0..dice.between(4, 41)).for_each(|_| text.push_str(" y"));
        }
        text.push('\n');
    }
    text
}

struct World {
    scripts: u64,
    chans: u64,
    muts: u64,
    wgs: u64,
    kind: Kind,
}

/// Letters with their weights out of 1000.
const MAIN: &[(char, u64)] = &[
    ('g', 575),
    ('n', 125),
    ('y', 125),
    ('p', 65),
    ('t', 60),
    ('S', 13),
    ('B', 12),
    ('s', 10),
    ('r', 10),
    ('c', 5),
];
const OTHER: &[(char, u64)] = &[
    ('r', 180),
    ('s', 170),
    ('y', 110),
    ('p', 105),
    ('g', 90),
    ('l', 75),
    ('t', 60),
    ('n', 60),
    ('w', 60),
    ('a', 40),
    ('S', 25),
    ('B', 12),
    ('W', 13),
];
const WILD: &[(char, u64)] = &[
    ('r', 120),
    ('s', 120),
    ('y', 110),
    ('p', 40),
    ('g', 120),
    ('l', 120),
    ('t', 60),
    ('n', 60),
    ('w', 70),
    ('a', 60),
    ('d', 14),
    ('c', 6),
    ('u', 6),
    ('S', 34),
    ('B', 20),
    ('W', 40),
];

const CORE: &[(char, u64)] = &[
    ('g', 250),
    ('y', 200),
    ('p', 100),
    ('l', 250),
    ('a', 120),
    ('w', 70),
    ('d', 5),
    ('u', 5),
];

impl World {
    /// One operation, or a few that belong together.
    fn unit(&self, dice: &mut Dice, script: u64, text: &mut String) {
        let weights = match (self.kind, script) {
            (Kind::Recorded, 0) => MAIN,
            (Kind::Recorded, _) => OTHER,
            (Kind::Wild, _) => WILD,
            (Kind::Core, _) => CORE,
        };
        let letter = dice.weighted(weights);
        let mut put = |letter: char, index: u64| {
            let _ = write!(text, " {letter}{index}");
        };
        match letter {
            'p' | 'y' => {
                text.push(' ');
                text.push(letter);
            }
            'g' if script + 1 == self.scripts => text.push_str(" p"),
            'g' => {
                let child = dice.between(script + 1, self.scripts - 1);
                let times = if dice.chance(10) {
                    dice.between(3, 6)
                } else {
                    1
                };
                (0..times).for_each(|_| put('g', child));
            }
            'r' | 's' | 't' | 'n' | 'c' => put(letter, dice.below(self.chans)),
            'u' | 'S' | 'B' => put(letter, dice.below(self.muts)),
            'd' | 'w' => put(letter, dice.below(self.wgs)),
            'a' => {
                let group = dice.below(self.wgs);
                put('a', group);
                if dice.chance(50) {
                    text.push_str(" y");
                    let _ = write!(text, " d{group}");
                } else if script + 1 < self.scripts {
                    let child = dice.between(script + 1, self.scripts - 1);
                    put('g', child);
                }
            }
            // A critical section, mostly an empty one.
            _ => {
                let mutex = dice.below(self.muts);
                put('l', mutex);
                if letter == 'W' {
                    put('W', mutex);
                } else if dice.chance(45) {
                    self.unit(dice, script, text);
                }
                if self.kind == Kind::Recorded || dice.chance(97) {
                    let _ = write!(text, " u{mutex}");
                }
            }
        }
    }
}

/// Random numbers: splitmix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one_of(&mut self, numbers: &[u64]) -> u64 {
        numbers[self.below(numbers.len() as u64) as usize]
    }

    fn weighted(&mut self, weights: &[(char, u64)]) -> char {
        let mut left = self.below(weights.iter().map(|&(_, weight)| weight).sum());
        for &(letter, weight) in weights {
            if left < weight {
                return letter;
            }
            left -= weight;
        }
        unreachable!("below the sum")
    }
}
