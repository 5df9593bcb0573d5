#!/usr/bin/env bash
# The book as pages: `ci/book.sh` makes target/book/index.html, with mdBook (`cargo install mdbook`).
#
# The chapters link to the source and to the README of its folders. mdBook wants all that below one folder,
# so this lays a copy of the repository's files beside each other and makes the README files chapters, too.
# `cargo test --test book` follows every link; without mdBook on the PATH it says so and does nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$(realpath -m "${1:-target/book}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/src"
git ls-files -z -- docs runtime examples tests benches ci fuzz '*.md' Cargo.toml '*/Cargo.toml' 'LICENSE-*' .cargo/config.toml |
    tar --null --ignore-failed-read --no-recursion -T - -cf - | tar -C "$work/src" -xf -
cd "$work/src"
rm -rf tests/conformance/*.log tests/conformance/*/*.log

# The list of chapters, as seen from the top, and then every other page.
{
    printf '# Summary\n\n[gosched](README.md)\n[The chapters](docs/SUMMARY.md)\n'
    sed -e 1d -e 's|](\([^.)]\)|](docs/\1|' -e 's|](\.\./|](|' docs/SUMMARY.md
    printf '\n# In the source\n\n'
    find . -name '*.md' ! -path './docs/*' ! -name SUMMARY.md ! -path ./README.md | sed 's|^\./||' | sort |
        awk '{ title = $0; sub(/\/README\.md$/, "", title); printf "- [%s](%s)\n", title, $0 }'
} >SUMMARY.md

cat >../book.toml <<'TOML'
[book]
title = "gosched: the Go scheduler, in Rust"
language = "en"

[build]
create-missing = false
# README.md stays README.html, as links to it expect; the other default would make it index.html.
use-default-preprocessors = false

[preprocessor.links]

[rust]
edition = "2024"

[output.html]
no-section-label = true
default-theme = "light"
preferred-dark-theme = "navy"

[output.html.playground]
runnable = false
TOML
mdbook build "$work" --dest-dir "$out"
echo "$out/index.html"
