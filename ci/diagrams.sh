#!/usr/bin/env bash
# Draws docs/images/*.mmd (mermaid) as .svg beside them, so that every reader sees them: mdBook and editors
# know no mermaid. Only for people who change a diagram. Needs chromium, and mermaid.min.js, for example of
#
#   curl -L https://static.crates.io/crates/mdbook-mermaid/mdbook-mermaid-0.16.0.crate | tar xz
#
#   ci/diagrams.sh mdbook-mermaid-0.16.0/src/bin/assets/mermaid.min.js
#
# Each SVG ends with the checksum of its source; `cargo test --test tidy` compares them.
set -euo pipefail
mermaid=$(realpath "${1:?the path of mermaid.min.js}")
cd "$(dirname "${BASH_SOURCE[0]}")/../docs/images"
page=$(mktemp --suffix=.html)
trap 'rm -f "$page"' EXIT

for source in *.mmd; do
    {
        echo "<body><script src='file://$mermaid'></script><script id=source type=text/plain>"
        cat "$source"
        cat <<'HTML'
</script><script>
mermaid.initialize({ startOnLoad: false, theme: "neutral", htmlLabels: false, flowchart: { htmlLabels: false },
    fontFamily: "sans-serif" });
mermaid.render("m", document.getElementById("source").textContent).then(({ svg }) => {
    document.body.innerHTML = "";
    const div = document.createElement("div");
    div.innerHTML = svg;
    const drawn = div.firstElementChild;
    drawn.style.background = "white";
    document.body.append(drawn);
    document.body.innerHTML = new XMLSerializer().serializeToString(drawn);
    document.title = "drawn";
});
</script></body>
HTML
    } >"$page"
    dom=$(chromium --headless --no-sandbox --disable-gpu --allow-file-access-from-files --virtual-time-budget=10000 \
        --dump-dom "file://$page" 2>/dev/null)
    svg=$(perl -0777 -ne 'print $1 if /(<svg.*<\/svg>)/s' <<<"$dom")
    [[ -n $svg ]] || { echo "$source: chromium drew nothing" >&2; exit 1; }
    sum=$(cksum <"$source" | cut -d' ' -f1)
    printf '%s\n<!-- of %s, cksum %s -->\n' "$svg" "$source" "$sum" >"${source%.mmd}.svg"
    echo "${source%.mmd}.svg"
done
