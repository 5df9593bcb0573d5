//! The house rules, checked: `cargo test --test tidy`.
//!
//! Each checker is a function from text to complaints, tested in its own file on a text that
//! breaks the rule. Here they meet the real tree.

#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/form.rs"]
mod form;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/unsafe_list.rs"]
mod unsafe_list;
#[path = "tidy/walk.rs"]
mod walk;
#[path = "tidy/orderings.rs"]
mod orderings;
#[path = "tidy/names.rs"]
mod names;
#[path = "tidy/figures.rs"]
mod figures;
#[path = "tidy/core_size.rs"]
mod core_size;
#[path = "tidy/programs.rs"]
mod programs;
#[path = "tidy/settings.rs"]
mod settings;
#[path = "tidy/models.rs"]
mod models;

#[path = "../benches/scaling/mod.rs"]
mod scaling;

use std::path::Path;

use tree::Tree;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn files_are_short_and_begin_with_what_they_are() {
    none(form::length_and_header(&Tree::both(root())));
}

#[test]
fn a_mod_file_holds_no_code() {
    none(form::mod_files(&Tree::runtime(root())));
}

#[test]
fn thread_locals_and_std_sleeps_are_where_they_may_be() {
    none(form::banned(&Tree::runtime(root())));
}

#[test]
fn code_for_one_cpu_is_in_files_of_its_own() {
    none(form::one_cpu(&Tree::runtime(root())));
}

#[test]
fn a_file_uses_only_what_is_listed_above_it() {
    none(layers::check(&Tree::runtime(root())));
}

/// But for one thing: a G and an M know the `run` that they belong to.
#[test]
fn in_mini_too() {
    let mut complaints = layers::check(&Tree::mini(root()));
    complaints.retain(|complaint| !complaint.contains("`sched::Sched`"));
    none(complaints);
}

#[test]
fn unsafe_code_is_in_the_listed_files_only() {
    let list = std::fs::read_to_string(root().join("docs/unsafe.md")).unwrap();
    none(unsafe_list::check(&Tree::both(root()), &list));
    none(unsafe_list::tests_exist(
        &list,
        &tree::read_all(root(), ".rs"),
    ));
}

#[test]
fn every_ordering_names_its_partner() {
    none(orderings::check(&Tree::runtime(root())));
    none(orderings::check(&Tree::mini(root())));
}

#[test]
fn names_of_protocols_have_a_heading() {
    let tree = Tree::runtime(root());
    none(names::protocols(
        &tree,
        &tree::read_all(&root().join("runtime"), ".md"),
    ));
}

#[test]
fn paths_and_links_in_the_docs_exist() {
    let mut pages = tree::read_all(root(), ".md");
    pages.retain(|(path, _)| !path.starts_with("benches/peers/target/"));
    none(names::docs(&pages, &tree::list_all(root())));
}

#[test]
fn functions_that_the_docs_name_are_in_their_files() {
    let pages = tree::read_all(root(), ".md");
    none(names::declared(&pages, &tree::read_all(root(), ".rs")));
}

#[test]
fn the_code_of_the_book_is_compiled() {
    let book = std::fs::read_to_string(root().join("runtime/book.rs")).unwrap();
    none(names::uncompiled(&tree::read_all(root(), ".md"), &book));
}

/// `ci/diagrams.sh` draws them, and writes down from what.
#[test]
fn every_diagram_is_drawn_from_its_source() {
    let folder = root().join("docs/images");
    let sources = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut count = 0;
    for source in sources.filter(|path| path.extension().is_some_and(|end| end == "mmd")) {
        let sum = std::process::Command::new("cksum")
            .arg(&source)
            .output()
            .unwrap();
        let sum = String::from_utf8(sum.stdout).unwrap();
        let sum = sum.split(' ').next().unwrap().to_owned();
        let drawn = std::fs::read_to_string(source.with_extension("svg")).unwrap_or_default();
        let name = source.file_name().unwrap().to_str().unwrap();
        let words = format!("<!-- of {name}, cksum {sum} -->");
        assert!(
            drawn.ends_with(&format!("{words}\n")),
            "{name} has changed: ci/diagrams.sh"
        );
        count += 1;
    }
    assert!(count > 0, "no diagram");
}

#[test]
fn every_dependency_has_a_reason() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    for manifest in [
        "Cargo.toml",
        "examples/Cargo.toml",
        "benches/report/Cargo.toml",
    ] {
        none(names::dependencies(
            &read(manifest),
            &read("docs/dependencies.md"),
        ));
    }
}

/// What the README says that one needs.
#[test]
fn the_readme_names_the_rust_that_the_manifest_asks_for() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let manifest = read("Cargo.toml");
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));
    let version = line.expect("a rust-version").trim_matches('"');
    assert!(read("README.md").contains(&format!("Rust {version} or newer")));
}

#[test]
fn every_dependency_is_used() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    none(names::unused(&manifest, &Tree::runtime(root())));
}

#[test]
fn manifests_and_readme_name_one_compiler() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let oldest = |manifest: &str| {
        let text = read(manifest);
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix("rust-version = "));
        line.map(|version| version.trim_matches('"').to_owned())
    };
    let ours = oldest("Cargo.toml").expect("a rust-version");
    for other in ["runtime/mini/Cargo.toml", "benches/report/Cargo.toml"] {
        assert_eq!(oldest(other).as_ref(), Some(&ours), "{other}");
    }
    for page in ["README.md", "CHANGELOG.md"] {
        assert!(read(page).contains(&format!("Rust {ours}")), "{page}");
    }
}

#[test]
fn tables_of_figures_agree_with_themselves() {
    for (page, text) in tree::read_all(root(), ".md") {
        none(figures::columns_of_ps(&page, &text));
    }
    let page = "docs/benchmarks.md";
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    none(figures::ratios(page, &text));
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    none(figures::ranges(&readme, &text));
}

/// What `cargo bench --bench scale` prints. Without optimisation only the columns to 16 cores, as the others
/// take half a minute.
#[test]
fn the_tables_of_the_simulation_are_in_the_page() {
    let page = std::fs::read_to_string(root().join("docs/scaling.md")).unwrap();
    let cores = &scaling::CORES[..if cfg!(debug_assertions) { 5 } else { 8 }];
    std::thread::scope(|s| {
        let tables = scaling::Operation::ALL.map(|(operation, name, _)| {
            let table = move || scaling::table(operation, &scaling::MACHINES, cores);
            (name, s.spawn(table))
        });
        for (name, table) in tables {
            let begin = page
                .lines()
                .skip_while(|line| !line.starts_with(&format!("| {name} |")));
            for (line, row) in begin.zip(table.join().unwrap().lines()) {
                assert!(line.starts_with(row), "docs/scaling.md, {name}: not {row}");
            }
        }
    });
}

#[test]
fn every_test_program_has_a_row() {
    let page = std::fs::read_to_string(root().join("tests/README.md")).unwrap();
    none(programs::rows(&page, &tree::list_all(root())));
}

#[test]
fn every_model_runs_and_is_broken_on_purpose() {
    let table = std::fs::read_to_string(root().join("ci/broken.txt")).unwrap();
    let mut runtime = tree::read_all(&root().join("runtime"), ".rs");
    runtime.retain(|(path, _)| !path.starts_with("mini/"));
    none(models::check(&runtime, &table));
    none(models::stale(&tree::read_all(root(), ".rs"), &table));
}

#[test]
fn the_tour_says_how_many_files_it_opens() {
    let page = std::fs::read_to_string(root().join("docs/tour.md")).unwrap();
    none(walk::files(&page));
    none(walk::table(&page));
}

#[test]
fn every_setting_has_a_row() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let mut sources = tree::read_all(root(), ".rs");
    sources.retain(|(path, _)| {
        let theirs = ["tests/tls-cases/", "tests/tidy"];
        let ours = ["runtime/", "tests/", "fuzz/"];
        ours.iter().any(|folder| path.starts_with(folder))
            && !theirs.iter().any(|folder| path.starts_with(folder))
    });
    sources.push(("ci/check.sh".to_owned(), read("ci/check.sh")));
    let builder = read("runtime/api/builder.rs") + &read("runtime/api/run.rs");
    none(settings::check(
        &read("docs/settings.md"),
        &builder,
        &sources,
    ));
}

#[test]
fn the_core_alone_is_short() {
    const MOST: usize = 4500;
    let rows = core_size::count(&Tree::runtime(root()));
    let pages = tree::read_all(root(), ".md");
    none(core_size::check(
        &rows,
        MOST,
        &pages,
        "lines of code in all",
    ));
}
