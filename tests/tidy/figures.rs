//! Figures in Markdown tables: what one column says must agree with the others.
//!
//! A script once wrote instruction counts over the column of Ps; nobody saw it for weeks.

/// In every table with a column `P`: its cells are numbers of Ps, and each workload has each of
/// them once.
pub(crate) fn columns_of_ps(page: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut is_table = false;
    let mut seen: Vec<(&str, u32)> = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, workload, p, _, ..] = cells[..] else {
            is_table = false;
            continue;
        };
        if p == "P" {
            is_table = true;
            seen.clear();
            continue;
        }
        if !is_table || workload.starts_with("---") {
            continue;
        }
        match p.parse() {
            Ok(ps @ 1..=64) if !seen.contains(&(workload, ps)) => seen.push((workload, ps)),
            _ => complaints.push(format!("{page}:{}: `{p}` in the column P", n + 1)),
        }
    }
    complaints
}

/// A cell `**0.63**` after two numbers is their ratio, as far as their digits tell.
pub(crate) fn ratios(page: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(ours) = cells.get(3).and_then(|c| Figure::read(c)) else {
            continue;
        };
        if line.contains("CPU") || cells.len() > 10 {
            // The table with times and CPU times: two groups of three.
            for group in cells[3..].chunks(3).take(2) {
                complaints.extend(wrong(page, n, group.first(), group.get(1), group.get(2)));
            }
            continue;
        }
        for pair in cells[4..].chunks(2) {
            let (Some(other), Some(ratio)) = (pair.first(), pair.get(1)) else {
                continue;
            };
            complaints.extend(complaint(page, n, &ours, other, ratio));
        }
    }
    complaints
}

fn wrong(
    page: &str,
    line: usize,
    ours: Option<&&str>,
    other: Option<&&str>,
    ratio: Option<&&str>,
) -> Option<String> {
    complaint(page, line, &Figure::read(ours?)?, other?, ratio?)
}

fn complaint(
    page: &str,
    line: usize,
    ours: &Figure,
    other: &str,
    ratio: &str,
) -> Option<String> {
    let said = ratio.trim_start_matches('~').trim();
    let said: f64 = said.strip_prefix("**")?.strip_suffix("**")?.parse().ok()?;
    let other = Figure::read(other)?;
    let (low, high) = ((ours.low() / other.high()), (ours.high() / other.low()));
    let fits = (low - 0.006..=high + 0.006).contains(&said);
    (!fits).then(|| format!("{page}:{}: the ratio is not {said}", line + 1))
}

/// A number as it was rounded for a table.
struct Figure {
    value: f64,
    half_a_digit: f64,
}

impl Figure {
    fn read(cell: &str) -> Option<Figure> {
        let value = cell.parse().ok()?;
        let places = cell.split_once('.').map_or(0, |(_, after)| after.len());
        Some(Figure {
            value,
            half_a_digit: 0.5 / 10_f64.powi(places as i32),
        })
    }

    fn low(&self) -> f64 {
        self.value - self.half_a_digit
    }

    fn high(&self) -> f64 {
        self.value + self.half_a_digit
    }
}

#[test]
fn what_is_no_number_of_ps_is_noticed() {
    let good = "| workload | P | a |\n|---|---|---|\n| `x` | 1 | 5 |\n| `x` | 2 | 6 |\n";
    assert!(columns_of_ps("p", good).is_empty());
    for bad in ["1991", "1", "x"] {
        let text = good.replace("| 2 |", &format!("| {bad} |"));
        assert_eq!(columns_of_ps("p", &text).len(), 1, "{bad}");
    }
    let other = "| workload | instructions |\n|---|---|\n| `x` | 1991 |\n";
    assert!(columns_of_ps("p", other).is_empty());
}

#[test]
fn a_wrong_ratio_is_noticed() {
    let row = "| `x` | 1 | 181 | 326 | **0.55** | 676 | **0.27** |\n";
    assert!(ratios("p", row).is_empty());
    assert_eq!(ratios("p", &row.replace("0.27", "0.72")).len(), 1);
    let two = "| `x` | 1 | 182 | 290 | **0.63** | 188 | 295 | **0.64** | 47238 |\n";
    assert!(ratios("p", two).is_empty());
    assert_eq!(ratios("p", &two.replace("0.64", "0.46")).len(), 1);
    let coarse = "| `x` | 1 | 9.1 | 9.7 | **0.94** | 9.4 | 9.8 | **0.96** | 9.1 |\n";
    assert!(ratios("p", coarse).is_empty());
}
