#!/usr/bin/env bash
# Breaks the protocols on purpose, one after the other, as ci/broken.txt says: each model must notice.
#
#   ci/broken.sh              all of them: a build each, half an hour on two idle cores
#   ci/broken.sh WORDS...     those in whose title one of these stands
#   ci/broken.sh list         the titles
#
# The repository stays as it is: the copy is in target/broken. A model that passes, that does not
# build, or that says other words than expected is a failure of this script. The last line is as cargo's.
set -Eeuo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly TABLE=$PWD/ci/broken.txt
readonly TARGET="${CARGO_TARGET_DIR:-$PWD/target}"
readonly COPY=$TARGET/broken
readonly LIMIT="${TEST_TIMEOUT:-600}"

# The record of this title, its header or its lines: `record TITLE '^in '`.
record() { awk -v title="# $1" -v want="$2" '/^# / { on = ($0 == title); next } on && $0 ~ want' "$TABLE"; }
field() { record "$1" "^$2 " | cut -d' ' -f2-; }

# Puts the `+` lines in the place of the `-` lines. Fails if those do not stand there exactly once.
patch_file() {
    awk '
        function bare(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
        NR == FNR {
            if ($0 == "@@" || places == 0) places++
            if (/^-/) from[places, ++olds[places]] = bare(substr($0, 2))
            if (/^\+/) to[places, ++news[places]] = substr($0, 2)
            next
        }
        { line[++lines] = $0 }
        END {
            for (p = 1; p <= places; p++) {
                found = 0
                for (i = 1; i + olds[p] - 1 <= lines; i++) {
                    for (k = 1; k <= olds[p] && bare(line[i + k - 1]) == from[p, k]; k++);
                    if (k > olds[p]) { found++; at[i] = p }
                }
                if (found != 1) exit 1
            }
            for (i = 1; i <= lines; i++) {
                if (!(i in at)) { print line[i]; continue }
                p = at[i]
                for (k = 1; k <= news[p]; k++) print to[p, k]
                i += olds[p] - 1
            }
        }' <(record "$1" '^([-+]|@@)') "$2"
}

# Only what cargo needs; cargo tells by the time of a file whether it has changed.
fresh_copy() {
    rm -rf "$COPY/src"
    mkdir -p "$COPY/src/benches"
    cp -r Cargo.toml Cargo.lock README.md docs runtime examples tests fuzz .cargo "$COPY/src"
    cp -r benches/*.rs benches/report benches/workloads "$COPY/src/benches"
}

# The model of this title, on the copy: its output is in the log.
run_model() {
    local model=$1 log=$2
    # Only this package has little to gain from being optimized: it is built once for each run.
    local fast=(--config 'profile.release.package.gosched.opt-level=1'
        --config 'profile.release.package.gosched.debug=false')
    (
        cd "$COPY/src"
        case $model in
        'lib '*) CARGO_TARGET_DIR=$TARGET timeout -k 10 "$LIMIT" \
            cargo test --locked -p gosched --lib "${model#lib }" ;;
        'test '*) read -r _ program test <<<"$model"
            CARGO_TARGET_DIR=$TARGET timeout -k 10 "$LIMIT" \
            cargo test --locked -p gosched --test "$program" "$test" ;;
        *) RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=$TARGET/loom timeout -k 10 "$LIMIT" \
            cargo test --locked -p gosched --release "${fast[@]}" --lib "$model" ;;
        esac
    ) >"$log" 2>&1
}

# Says what is wrong, or nothing.
try_one() {
    local title=$1 file log=$COPY/log status=0
    file=$(field "$title" in)
    cp "$COPY/src/$file" "$COPY/whole"
    if ! patch_file "$title" "$COPY/whole" >"$COPY/src/$file"; then
        status=patch
    else
        run_model "$(field "$title" run)" "$log" || status=$?
    fi
    cp "$COPY/whole" "$COPY/src/$file"
    if [[ $status == patch ]]; then
        echo "the lines do not stand once in $file"
    elif grep -q 'could not compile' "$log"; then
        echo "does not build"; grep -A8 '^error' "$log" || true
    elif ((status == 0)); then
        echo "nobody noticed"
    elif ((status == 124 || status == 137)); then
        echo "no end after $LIMIT s"
    elif ! grep -qF -- "$(field "$title" says)" "$log"; then
        echo "other words"; grep -A3 'panicked at' "$log" | head -n 20 || true
    fi
}

main() {
    local titles=() title wanted=() good=0 bad=0 began wrong
    mapfile -t titles < <(sed -n 's/^# //p' "$TABLE")
    if [[ ${1:-} == list ]]; then
        printf '%s\n' "${titles[@]}"
        return
    fi
    for title in "${titles[@]}"; do
        if (($# == 0)); then
            wanted+=("$title")
            continue
        fi
        for word in "$@"; do
            [[ $title != *"$word"* ]] || { wanted+=("$title") && break; }
        done
    done
    mkdir -p "$COPY"
    exec 9>"$COPY/lock"
    flock -n 9 || { echo "broken.sh: another one is at work in $COPY" >&2; return 2; }
    fresh_copy
    for title in "${wanted[@]}"; do
        began=$SECONDS
        wrong=$(try_one "$title")
        if [[ -z $wrong ]]; then
            good=$((good + 1))
            printf 'noticed, %d s: %s\n' $((SECONDS - began)) "$title"
        else
            bad=$((bad + 1))
            printf 'FAILED, %d s: %s: %s\n' $((SECONDS - began)) "$title" "$wrong"
        fi
    done
    if ((good + bad == 0)); then
        echo "broken.sh: there is no such title; see ci/broken.sh list" >&2
        bad=1
    fi
    local word=ok
    ((bad == 0)) || word=FAILED
    printf 'test result: %s. %d passed; %d failed; %d s\n' "$word" "$good" "$bad" "$SECONDS"
    ((bad == 0))
}

main "$@"
