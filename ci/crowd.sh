#!/usr/bin/env bash
# A crowd: several copies of each test program at a time. Each thread may have to wait for a CPU between any
# two of its steps, which shows what a quiet machine does not.
#
#   ci/crowd.sh                six copies of each program, once: eight minutes on two cores, if all is built
#   ci/crowd.sh PROGRAM...     only these of tests/
#
# COPIES (default 6), ROUNDS (1), PROFILE (test; ci: with optimisation), LIMIT (seconds for one copy, 900).
# What a copy prints is kept in target/crowd if it fails. The last line is as cargo's.
set -Eeuo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly COPIES="${COPIES:-6}" ROUNDS="${ROUNDS:-1}" PROFILE="${PROFILE:-test}" LIMIT="${LIMIT:-900}"
readonly LOGS="${CARGO_TARGET_DIR:-$PWD/target}/crowd"
# Their copies would write the same files, or build the same things.
readonly ALONE=" book builds chapters conformance core_alone examples flight page report soak tidy tls_late trace "
export STRESS_SECS="${STRESS_SECS:-0.2}" TORTURE_SECS="${TORTURE_SECS:-2}" PLAIN_SECS="${PLAIN_SECS:-1}"
export FOREIGN_SECS="${FOREIGN_SECS:-0.5}" GOSCHED_REFUSED_SECONDS="${GOSCHED_REFUSED_SECONDS:-3}"

programs() {
    local file name
    for file in tests/*.rs; do
        name=$(basename "$file" .rs)
        [[ $ALONE == *" $name "* ]] || echo "$name"
    done
}

# Builds it; its path.
build() {
    local built
    built=$(cargo test --locked --profile "$PROFILE" --no-run --test "$1" 2>&1) || { echo "$built" >&2; return 1; }
    sed -n 's/^ *Executable .*(\(.*\))$/\1/p' <<<"$built"
}

# Runs the copies; how many failed.
crowd() {
    local name=$1 binary=$2 round=$3 copies=() copy log bad=0
    for copy in $(seq "$COPIES"); do
        log=$LOGS/$name-$round-$copy.log
        # A shell makes such commands ignore SIGINT and SIGQUIT, which tests of signals would inherit.
        timeout --kill-after=10 "$LIMIT" env --default-signal=INT,QUIT "$binary" >"$log" 2>&1 &
        copies+=($!)
    done
    for copy in $(seq "$COPIES"); do
        log=$LOGS/$name-$round-$copy.log
        if wait "${copies[copy - 1]}"; then rm "$log"; else bad=$((bad + 1)); fi
    done
    echo "$bad"
}

main() {
    local names=("$@") name binary round bad good=0 failed=0 word=ok
    ((${#names[@]})) || mapfile -t names < <(programs)
    mkdir -p "$LOGS"
    for round in $(seq "$ROUNDS"); do
        for name in "${names[@]}"; do
            binary=$(build "$name")
            bad=$(crowd "$name" "$binary" "$round")
            good=$((good + COPIES - bad)) failed=$((failed + bad))
            printf '%-20s %d of %d copies failed\n' "$name" "$bad" "$COPIES"
        done
    done
    ((failed == 0)) || { word=FAILED && printf 'what they printed: %s\n' "$LOGS"; }
    printf 'test result: %s. %d passed; %d failed; %d s\n' "$word" "$good" "$failed" "$SECONDS"
    ((failed == 0 && good > 0))
}

main "$@"
