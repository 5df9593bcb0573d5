#!/bin/sh
# Builds tests/tls-cases in several profiles and runs its cases and bodies, with the guard and
# without. Fails if one that the guard must get right is wrong. Some minutes.
#   ci/tls-cases.sh [PROFILE...]      default: dev release native thin fat size
# native: release, for the CPU of this machine.
# The last lines are a table, as in docs/thread-locals.md.
set -eu
cd "$(dirname "$0")/../tests/tls-cases"
[ $# -gt 0 ] || set -- dev release native thin fat size
target=${CARGO_TARGET_DIR:-target}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
bad=0
table="profile: wrong with the guard, without it; bodies"
for profile in "$@"; do
    case $profile in
    dev) folder=$target/debug flags=${RUSTFLAGS:-} ;;
    native) folder=$target/native/release flags="${RUSTFLAGS:-} -C target-cpu=native" ;;
    *) folder=$target/$profile flags=${RUSTFLAGS:-} ;;
    esac
    if [ "$profile" = native ]; then
        RUSTFLAGS=$flags cargo build --quiet --locked --release --target-dir "$target/native"
    else
        RUSTFLAGS=$flags cargo build --quiet --locked --profile "$profile" --target-dir "$target"
    fi
    program=$folder/tls-cases
    echo "== $profile, guarded"
    "$program" all >"$log" || bad=1
    cat "$log"
    guarded=$(sed -n 's/^\([0-9]* of [0-9]*\) wrong.*/\1/p' "$log")
    "$program" bodies >"$log" || bad=1
    cat "$log"
    bodies=$(tail -n 1 "$log")
    echo "== $profile, without the guard"
    "$program" all unguarded >"$log" || true
    grep WRONG "$log" || true
    unguarded=$(sed -n 's/^\([0-9]* of [0-9]*\) wrong.*/\1/p' "$log")
    table="$table
$profile: ${guarded:-failed}, ${unguarded:-failed}; ${bodies:-failed}"
done
echo "== table"
echo "$table"
exit $bad
