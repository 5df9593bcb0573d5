//! `docs/settings.md` against the code: the builder's methods and the variables of the environment.
//! The keys of `GOSCHED` are compared where the parser is (`ext/settings/config.rs`).

use crate::names::first_cell;

/// `builder` is the source of the runtime's `Builder`; `sources` are all files that may read
/// variables, by path.
pub(crate) fn check(page: &str, builder: &str, sources: &[(String, String)]) -> Vec<String> {
    let mut complaints = Vec::new();
    let known: Vec<&str> = page.lines().filter_map(first_cell).collect();
    let setters: Vec<String> = builder.lines().filter_map(setter).collect();
    for setter in &setters {
        if !known.contains(&&**setter) {
            complaints.push(format!("docs/settings.md: no row for {setter}"));
        }
    }
    for name in known.iter().filter(|name| name.starts_with("Builder::")) {
        if !setters.iter().any(|setter| setter == name) {
            complaints.push(format!("docs/settings.md: there is no {name}"));
        }
    }
    for (path, text) in sources {
        for name in variables(text) {
            if !page.contains(&format!("`{name}`")) {
                complaints.push(format!("{path}: {name} is not in docs/settings.md"));
            }
        }
    }
    for name in known.iter().filter(|name| is_variable(name)) {
        if !sources.iter().any(|(_, text)| text.contains(name)) {
            complaints.push(format!("docs/settings.md: nobody reads {name}"));
        }
    }
    complaints
}

/// A method that takes the builder and gives it back.
fn setter(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let rest = rest.strip_prefix("unsafe ").unwrap_or(rest);
    let (name, arguments) = rest.strip_prefix("fn ")?.split_once('(')?;
    arguments
        .starts_with("mut self")
        .then(|| format!("Builder::{name}"))
}

/// The variables that a source file asks the environment for, by name.
fn variables(source: &str) -> impl Iterator<Item = &str> {
    let asked = ["env::var(\"", "env::var_os(\""];
    asked.into_iter().flat_map(|call| {
        let rest = source.split(call).skip(1);
        rest.filter_map(|rest| rest.split('"').next())
    })
}

fn is_variable(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

#[test]
fn a_setting_without_a_row_and_a_row_without_a_setting_are_found() {
    let builder = "    pub fn new() -> B {}\n    pub fn one(mut self) -> B {}\n    pub unsafe fn two(mut self) {}\n";
    let source = "let x = std::env::var(\"FIRST\");".to_owned();
    let sources = [("a.rs".to_owned(), source)];
    let page = "| `Builder::one` | x |\n| `Builder::two` | x |\n| `FIRST` | x |\n";
    assert_eq!(check(page, builder, &sources), [""; 0]);
    for gone in ["| `Builder::two` | x |\n", "| `FIRST` | x |\n"] {
        assert_eq!(check(&page.replace(gone, ""), builder, &sources).len(), 1);
    }
    for more in ["| `Builder::three` | x |\n", "| `SECOND` | x |\n"] {
        assert_eq!(check(&(page.to_owned() + more), builder, &sources).len(), 1);
    }
}
