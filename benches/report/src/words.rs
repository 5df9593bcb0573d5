//! Numbers as people read them, and what machine this is.

use std::fs;
use std::process::Command;

/// `85 ns`, `1.2 µs`.
pub(crate) fn time(nanos: f64) -> String {
    scaled(nanos, 1000.0, &["ns", "µs", "ms", "s"])
}

/// `900 B`, `4.3 KiB`.
pub(crate) fn bytes(bytes: f64) -> String {
    scaled(bytes, 1024.0, &["B", "KiB", "MiB", "GiB"])
}

fn scaled(mut number: f64, step: f64, units: &[&str]) -> String {
    let mut units = units.iter();
    let mut unit = units.next();
    while number >= 0.9995 * step && units.len() > 0 {
        number /= step;
        unit = units.next();
    }
    format!("{} {}", short(number), unit.unwrap_or(&""))
}

/// Two or three digits that count: `0.02`, `3.4`, `27`, `12,000`.
pub(crate) fn short(number: f64) -> String {
    match number {
        0.0 => "0".into(),
        n if n < 0.0001 => format!("{n:.0e}"),
        n if n < 0.095 => format!("{n:.*}", (1.0 - n.log10().floor()) as usize),
        n if n < 9.95 => trimmed(format!("{n:.1}")),
        n => whole(n),
    }
}

fn trimmed(text: String) -> String {
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// With commas.
pub(crate) fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `47× faster`, `1.2× slower`; less than a twentieth is no difference.
pub(crate) fn faster(ratio: f64) -> String {
    match ratio {
        r if (0.95..1.05).contains(&r) => "as fast".into(),
        r if r > 1.0 => format!("{}× faster", short(r)),
        r => format!("{}× slower", short(1.0 / r)),
    }
}

/// The processor, how many CPUs we may use, the kernel, the load, and when this was.
pub(crate) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("processor", |rest| {
        rest.trim_start_matches([' ', '\t', ':'])
    });
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    let now = Command::new("date").args(["-u", "+%F %R UTC"]).output();
    let now = now.map_or_else(
        |_| String::new(),
        |o| String::from_utf8_lossy(&o.stdout).into(),
    );
    format!(
        "{model}, {cpus} CPUs, Linux {}, load average {load}, {}",
        kernel.trim(),
        now.trim()
    )
}

/// What sets an end to the number of threads here.
pub(crate) fn limits() -> String {
    let limit =
        |path: &str| fs::read_to_string(format!("/proc/sys/{path}")).unwrap_or_default();
    let [maps, threads, pids] =
        ["vm/max_map_count", "kernel/threads-max", "kernel/pid_max"].map(limit);
    format!(
        "Limits of this system: vm.max_map_count {} (a thread needs four mappings), \
         kernel.threads-max {}, kernel.pid_max {}",
        maps.trim(),
        threads.trim(),
        pids.trim()
    )
}

/// `1`, `10k`, `1M`: for axes.
pub(crate) fn count(number: f64) -> String {
    scaled(number, 1000.0, &["", "k", "M"]).replace(' ', "")
}

/// At most so many letters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
