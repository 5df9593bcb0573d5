//! A model of what cores lose to each other when cache lines go to and fro: the tables of docs/scaling.md.

mod lines;
mod programs;
mod world;

pub(crate) use lines::Machine;
pub(crate) use programs::Operation;

/// Groups of eight cores, as an AMD EPYC 7R13; one mesh, as an Intel Xeon Platinum 8375C. The times are
/// medians that others have measured: docs/scaling.md says who.
pub(crate) const MACHINES: [Machine; 2] = [
    Machine {
        name: "groups of 8 cores: 23 ns inside, 107 ns between",
        group: 8,
        near: 23,
        far: 107,
    },
    Machine {
        name: "one mesh: 51 ns",
        group: 128,
        near: 51,
        far: 51,
    },
];

pub(crate) const CORES: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// The table of an operation on all machines, a row for each structure, a column for each number of cores.
pub(crate) fn table(operation: Operation, machines: &[Machine], cores: &[usize]) -> String {
    let columns = |cell: &dyn Fn(usize) -> String| -> String {
        cores
            .iter()
            .map(|&cores| format!(" {} |", cell(cores)))
            .collect()
    };
    let found = Operation::ALL.iter().find(|(this, ..)| *this == operation);
    let (_, name, structures) = found.expect("all are there");
    let mut text = format!("| {name} |{}\n", columns(&|cores| cores.to_string()));
    text += &format!("|---|{}\n", "---|".repeat(cores.len()));
    for machine in machines {
        text += &format!("| *{}* |{}\n", machine.name, " |".repeat(cores.len()));
        for on in *structures {
            let cells = columns(&|cores| digits(operation.rate(*on, *machine, cores)));
            text += &format!("| {} |{cells}\n", on.name);
        }
    }
    text
}

fn digits(rate: f64) -> String {
    match rate {
        r if r < 10.0 => format!("{r:.1}"),
        r => format!("{r:.0}"),
    }
}
