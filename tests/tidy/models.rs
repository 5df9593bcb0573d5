//! The loom models: each is compiled under loom, and each is broken on purpose in `ci/broken.txt`,
//! whose lines stand in the files that they break.

type Files = [(String, String)];

fn text<'a>(files: &'a Files, path: &str) -> Option<&'a str> {
    let file = files.iter().find(|(other, _)| other == path);
    file.map(|(_, text)| text.as_str())
}

fn has_model(text: &str) -> bool {
    text.lines().any(|line| line == "mod model {")
}

/// Models that a `mod` line hides from loom, or that nothing breaks. `files` are those below
/// `runtime/`.
pub(crate) fn check(files: &Files, table: &str) -> Vec<String> {
    let mut complaints = vec![];
    for (path, _) in files.iter().filter(|(_, text)| has_model(text)) {
        let module = path.trim_end_matches(".rs").replace('/', "::");
        if let Some(parent) = hidden_by(files, path) {
            complaints.push(format!("{path}: {parent} hides its model from loom"));
        }
        let (_, short) = module.split_once("::").unwrap_or(("", &module));
        let run = |line: &str| line.starts_with(&format!("run {short}::model"));
        if !table.lines().any(run) {
            complaints.push(format!("ci/broken.txt: nothing breaks {short}::model"));
        }
    }
    complaints
}

/// The file with a `mod` line for this one, or for a folder of it, that loom does not have.
fn hidden_by(files: &Files, path: &str) -> Option<String> {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    (0..parts.len()).find_map(|depth| {
        let parent = match depth {
            0 => "lib.rs".to_owned(),
            _ => format!("{}/mod.rs", parts[..depth].join("/")),
        };
        let lines: Vec<&str> = text(files, &parent)?.lines().collect();
        let named = format!("mod {};", parts[depth]);
        let at = lines.iter().position(|line| line.ends_with(&named))?;
        let above = at.checked_sub(1).map_or("", |above| lines[above]);
        above.contains("not(loom)").then_some(parent)
    })
}

/// Lines of `ci/broken.txt` that do not stand once in their file. `files` are all of the repository.
pub(crate) fn stale(files: &Files, table: &str) -> Vec<String> {
    let mut complaints = vec![];
    for record in table.split("\n# ").skip(1) {
        let (title, lines) = record.split_once('\n').unwrap_or((record, ""));
        let path = lines.lines().find_map(|line| line.strip_prefix("in "));
        let file = path.and_then(|path| text(files, path));
        let file: Vec<&str> = file.unwrap_or("").lines().map(str::trim).collect();
        for place in lines.split("\n@@\n") {
            let old: Vec<&str> = place
                .lines()
                .filter_map(|line| Some(line.strip_prefix('-')?.trim()))
                .collect();
            let found = file.windows(old.len().max(1)).filter(|part| *part == old);
            if old.is_empty() || found.count() != 1 {
                complaints.push(format!(
                    "ci/broken.txt: {title}: {old:#?} does not stand once in {path:?}"
                ));
            }
        }
    }
    complaints
}

#[test]
fn hidden_unbroken_and_stale_ones_are_found() {
    let own = |files: &[(&str, &str)]| -> Vec<(String, String)> {
        let own = |&(path, text): &(&str, &str)| (path.to_owned(), text.to_owned());
        files.iter().map(own).collect()
    };
    let word = ("core/g/word.rs", "let a = 1;\nlet b = 2;\nmod model {\n}\n");
    let seen = ("core/g/mod.rs", "pub(crate) mod word;\n");
    let hidden = ("core/g/mod.rs", "#[cfg(not(loom))]\npub(crate) mod word;\n");
    let table =
        "What this is.\n\n# a\nin core/g/word.rs\nrun g::word::model::one\n-let a = 1;\n+\n";
    assert_eq!(check(&own(&[word, seen]), table), [""; 0]);
    assert_eq!(check(&own(&[word, hidden]), table).len(), 1);
    assert_eq!(check(&own(&[word, seen]), "").len(), 1);
    assert_eq!(stale(&own(&[word]), table), [""; 0]);
    assert_eq!(stale(&own(&[word]), &table.replace("= 1", "= 3")).len(), 1);
    assert_eq!(stale(&own(&[]), table).len(), 1);
}
