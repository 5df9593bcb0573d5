//! Throughput at 1 to 128 cores by simulation: the tables of `docs/scaling.md`.
//!
//! ```text
//! cargo bench --bench scale
//! cargo bench --bench scale -- --near 20 --far 100 --group 16
//! ```
//!
//! `cargo test --test tidy` compares the tables with the page.

use clap::Parser;

mod scaling;

use scaling::{CORES, MACHINES, Machine, Operation, table};

/// What cores lose to each other when cache lines go to and fro.
#[derive(Parser)]
struct Args {
    /// Nanoseconds for a line from a core that shares the last-level cache
    #[arg(long)]
    near: Option<u64>,
    /// From any other core
    #[arg(long, default_value_t = 107)]
    far: u64,
    /// Cores that share a last-level cache
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=128))]
    group: u64,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let args = Args::parse();
    let machines = match args.near {
        None => MACHINES.to_vec(),
        Some(near) => vec![Machine {
            name: "yours",
            group: args.group as usize,
            near,
            far: args.far,
        }],
    };
    println!("Operations in a microsecond, all cores together.\n");
    for (operation, ..) in Operation::ALL {
        println!("{}", table(operation, &machines, &CORES));
    }
}
