//! How long the core is when it is built alone (`--no-default-features`), with its API: lines of code,
//! without tests, models, comments and blank lines, for one CPU.

use crate::lexer;
use crate::tree::{File, Tree};

/// The files that are built, with their lines.
pub(crate) fn count(tree: &Tree) -> Vec<(usize, String)> {
    let built = tree.files.iter().filter(|file| is_built(tree, file));
    let mut rows: Vec<_> = built.map(|file| (lines(file), file.path.clone())).collect();
    rows.sort();
    rows
}

/// Lines in all.
pub(crate) fn sum(rows: &[(usize, String)]) -> usize {
    rows.iter().map(|(lines, _)| lines).sum()
}

/// More lines than `most`, or a number before `words` in a page that is more than a hundred away.
pub(crate) fn check(
    rows: &[(usize, String)],
    most: usize,
    pages: &[(String, String)],
    words: &str,
) -> Vec<String> {
    let sum = sum(rows);
    let mut complaints = Vec::new();
    if sum > most {
        let longest: Vec<String> = rows
            .iter()
            .rev()
            .take(30)
            .map(|(n, path)| format!("{n:5} {path}"))
            .collect();
        complaints.push(format!(
            "the core alone has {sum} lines, more than {most}; the longest files:\n{}",
            longest.join("\n")
        ));
    }
    for (page, text) in pages {
        for (at, _) in text.match_indices(words) {
            let line = text[..at].lines().last().unwrap_or("");
            let said = line.trim_end().rsplit(' ').next().unwrap_or("");
            let number: Option<usize> = said.replace(',', "").parse().ok();
            if number.is_none_or(|number| number.abs_diff(sum) > 100) {
                complaints.push(format!("{page}: says `{said} {words}`: there are {sum}"));
            }
        }
    }
    complaints
}

/// True: no `mod` line on the way to it is only for tests, for the extras or for another CPU.
fn is_built(tree: &Tree, file: &File) -> bool {
    (0..file.module.len()).all(|i| {
        let parent = tree
            .files
            .iter()
            .find(|f| (f.is_mod() || f.is_lib()) && f.module == file.module[..i]);
        parent.is_some_and(|parent| {
            let left_out = left_out(parent);
            let tokens = parent.lexed.tokens();
            tokens.windows(2).any(|pair| {
                pair[0].text == "mod"
                    && pair[1].text == file.module[i]
                    && !left_out[pair[0].line]
            })
        })
    })
}

/// For each line: is it left out of the build?
fn left_out(file: &File) -> Vec<bool> {
    let source: Vec<&str> = file.source.split('\n').collect();
    let others = lexer::lines_under(&file.lexed.code, |line, attribute| {
        attribute.first().is_some_and(|word| word.text == "cfg") && is_not_for_us(source[line])
    });
    let test = file.lexed.test.iter();
    test.zip(others)
        .map(|(&test, other)| test || other)
        .collect()
}

fn is_not_for_us(attribute: &str) -> bool {
    let positive = attribute.replace("not(feature = \"ext\")", "");
    positive.contains("feature = \"ext\"")
        || positive.contains("target_arch = \"aarch64\"")
        || positive.contains("(doctest)")
        || positive.contains("not(target_os = \"linux\")")
}

fn lines(file: &File) -> usize {
    let code = file.lexed.lines();
    let kept = code
        .iter()
        .zip(left_out(file))
        .filter(|(line, left_out)| !left_out && !line.trim().is_empty());
    kept.count()
}

#[cfg(test)]
fn counted(files: &[(&str, &str)]) -> Vec<(usize, String)> {
    count(&crate::tree::of(files))
}

#[test]
fn what_is_not_built_does_not_count() {
    let lib = "//! Doc.\nmod a;\n#[cfg(feature = \"ext\")]\nmod b;\n#[cfg(not(feature = \"ext\"))]\nmod c;\n\n#[cfg(doctest)]\nmod d;";
    let a = "fn f() {\n  // why\n  g()\n}\n#[cfg(target_arch = \"aarch64\")]\nfn g() {\n}\n#[cfg(test)]\nmod t {\n}";
    let files = [
        ("lib.rs", lib),
        ("a.rs", a),
        ("b.rs", "fn b() {}"),
        ("c.rs", "fn c() {}"),
        ("d.rs", "fn d() {}"),
    ];
    let expect = [
        (1, "c.rs".to_owned()),
        (3, "a.rs".to_owned()),
        (3, "lib.rs".to_owned()),
    ];
    assert_eq!(counted(&files), expect);
}

#[test]
fn too_many_lines_and_an_old_number_are_found() {
    let rows = counted(&[("lib.rs", "fn f() {}\nfn g() {}")]);
    let page = |text: &str| vec![("docs/a.md".to_owned(), text.to_owned())];
    assert_eq!(
        check(&rows, 2, &page("It has 2 lines of core."), "lines of core"),
        [""; 0]
    );
    assert_eq!(
        check(
            &rows,
            1,
            &page("It has 300 lines of core."),
            "lines of core"
        )
        .len(),
        2
    );
}
