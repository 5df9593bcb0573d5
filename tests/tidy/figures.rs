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

/// The README's ranges are the lowest and the highest of what the page has, at one P.
pub(crate) fn ranges(readme: &str, page: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut columns: Vec<&str> = Vec::new();
    let mut rows = 0;
    for line in readme.lines() {
        let cells = cells(line);
        if cells.contains(&"std::thread, one CPU") {
            columns = cells;
            continue;
        }
        let id = cells.first().and_then(|first| first.split('`').nth(1));
        let Some(id) = id.filter(|_| cells.len() == columns.len()) else {
            continue;
        };
        rows += 1;
        for (column, said) in columns.iter().zip(&cells).skip(1) {
            let right = measured(page, id, column);
            if right.as_deref() != Some(said.replace(',', "").as_str()) {
                complaints.push(format!(
                    "README.md: `{id}`, {column}: {right:?}, not {said}"
                ));
            }
        }
    }
    if rows == 0 {
        complaints.push("README.md: no table of ranges".to_owned());
    }
    complaints
}

fn cells(line: &str) -> Vec<&str> {
    let line = line
        .strip_prefix('|')
        .and_then(|line| line.strip_suffix('|'));
    line.into_iter()
        .flat_map(|line| line.split('|').map(str::trim))
        .collect()
}

/// `50 to 104`: over all tables of the page that have Go beside us.
fn measured(page: &str, id: &str, column: &str) -> Option<String> {
    let mut columns: Vec<&str> = Vec::new();
    let mut all: Vec<(f64, &str)> = Vec::new();
    for line in page.lines() {
        let cells = cells(line);
        if cells.first() == Some(&"workload") {
            columns = cells;
            continue;
        }
        let of = |name| {
            columns
                .iter()
                .position(|column| *column == name)
                .map(|i| cells.get(i))
        };
        let here = cells
            .first()
            .is_some_and(|first| first.trim_matches('`') == id);
        if !here || of("Go").is_none() || of("P").is_some_and(|p| p != Some(&"1")) {
            continue;
        }
        let texts = of(column)
            .flatten()
            .into_iter()
            .flat_map(|cell| cell.split(" to "));
        all.extend(texts.filter_map(|text| Some((text.parse().ok()?, text))));
    }
    let low = all.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let high = all.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!("{} to {}", low.1, high.1))
}

#[test]
fn a_range_that_is_not_over_all_runs_is_noticed() {
    let page = "| workload | gosched | Go | std::thread, one CPU |\n| `x` | 5 to 7 | 1 | 1000 |\n\n\
                | workload | P | gosched | Go |\n| `x` | 1 | 9 | 2.5 |\n| `x` | 2 | 90 | 0 |\n\n\
                | workload | gosched | mini |\n| `x` | 700 | 1 |\n";
    let readme = "| | gosched | Go | std::thread, one CPU |\n\
                  | it (`x`) | 5 to 9 | 1 to 2.5 | 1,000 to 1,000 |\n";
    assert_eq!(ranges(readme, page), Vec::<String>::new());
    assert_eq!(ranges(&readme.replace("5 to 9", "5 to 7"), page).len(), 1);
    assert_eq!(ranges("", page).len(), 1);
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
