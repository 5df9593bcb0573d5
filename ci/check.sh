#!/usr/bin/env bash
# All that a change must pass: what people run before they commit, and what CI runs.
#
#   ci/check.sh               every step
#   ci/check.sh fmt clippy    only these, in the order given
#   ci/check.sh list          the names of the steps
#
# A step fails when one of its commands fails or hangs, or when it should have run tests and
# ran none. The last line is `N passed, M failed`: tests over all steps, where a step that
# failed without a failed test counts as one failure. Exit status 0 only if M is 0.
#
# TEST_TIMEOUT: seconds for one test command, build not included (default 600).
# STRESS_SECS and its like: how long each storm blows here; longer finds more.
set -Eeuo pipefail
exec </dev/null # may be closed or a terminal: no test shall read it
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly ALL=(fmt spelling msrv clippy aarch64 core test test-release doctest examples benches docs loom)
readonly TARGET="${CARGO_TARGET_DIR:-$PWD/target}"
readonly TEST_TIMEOUT="${TEST_TIMEOUT:-600}"
readonly BUILD_TIMEOUT=900
export STRESS_SECS="${STRESS_SECS:-0.2}" TORTURE_SECS="${TORTURE_SECS:-2}"
export SOAK_SECS="${SOAK_SECS:-1}" PLAIN_SECS="${PLAIN_SECS:-1}" FOREIGN_SECS="${FOREIGN_SECS:-0.5}"
export GOSCHED_REFUSED_SECONDS="${GOSCHED_REFUSED_SECONDS:-3}"
export CARGO_TARGET_DIR="$TARGET" CARGO_TERM_COLOR=never RUST_BACKTRACE="${RUST_BACKTRACE:-1}"
# What a first build writes for the next one costs it a quarter more.
[[ -d $TARGET/debug/incremental ]] || export CARGO_INCREMENTAL=0
# They take the place of those in .cargo/config.toml.
[[ -z ${RUSTFLAGS:-} ]] || export RUSTFLAGS="$RUSTFLAGS --cfg gosched_test"

passed=0 # over all steps
failed=0
log=""   # what the running step prints
child="" # the running command

# Runs a command in the step's log; the step fails with it. A time-out kills its whole group.
# In the background, so that Ctrl-C is heard at once; a shell makes such commands ignore
# SIGINT and SIGQUIT, which tests of signals would inherit: `env` undoes that.
run() {
    local limit=$1 status=0
    shift
    printf '$ %s\n' "$*" >>"$log"
    timeout --kill-after=10 "$limit" env --default-signal=INT,QUIT "$@" >>"$log" 2>&1 &
    child=$!
    wait "$child" || status=$?
    child=""
    if ((status == 124 || status == 137)); then
        printf 'check.sh: no end after %s seconds: %s\n' "$limit" "$*" >>"$log"
    fi
    return "$status"
}

interrupted() {
    trap - INT TERM
    [[ -z $child ]] || { kill -TERM "$child" && wait "$child"; } || true
    printf '\ncheck.sh: interrupted\n' >&2
    exit 130
}
trap interrupted INT TERM

build() { run "$BUILD_TIMEOUT" "$@"; }

# cargo test with these arguments: built first, so that the time-out is for the tests alone.
# Arguments after `--` go to the test programs.
tests() {
    local args=()
    for arg in "$@"; do
        [[ $arg == -- ]] && break
        args+=("$arg")
    done
    build cargo test --locked --no-run "${args[@]}" || return
    run "$TEST_TIMEOUT" cargo test --locked --no-fail-fast "$@"
}

# Fails when no file matches: an empty set of examples is a mistake, not a pass.
some() { compgen -G "$1" >>"$log" || { echo "check.sh: there is no $1" >>"$log"; return 1; }; }

step_fmt() { build cargo fmt --check --all; }

# Where typos is installed (crates.io: typos-cli, PyPI: typos): nothing is installed here.
step_spelling() {
    if ! command -v typos >>"$log"; then
        echo "(no typos here) " | tee -a "$log" | tr -d '\n'
        return
    fi
    run "$TEST_TIMEOUT" typos
}

# The oldest compiler that Cargo.toml promises: this one, or one that rustup has.
step_msrv() {
    local oldest
    oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if [[ $(rustc --version) == "rustc $oldest."* ]]; then
        echo "(it is this compiler) " | tee -a "$log" | tr -d '\n'
    elif cargo "+$oldest" --version >>"$log" 2>&1; then
        CARGO_TARGET_DIR="$TARGET/msrv" build cargo "+$oldest" check --locked
    else
        echo "(no Rust $oldest here) " | tee -a "$log" | tr -d '\n'
    fi
}

# The report is a member that only those build who ask for it.
step_clippy() {
    build cargo clippy --locked --all-targets -- -D warnings || return
    build cargo clippy --locked -p gosched-mini --all-targets -- -D warnings || return
    build cargo clippy --locked -p gosched-report --all-targets -- -D warnings
}

# The library for the other processor, where rustup has its std. `ci/aarch64.sh` runs the tests.
step_aarch64() {
    local other=aarch64-unknown-linux-gnu
    if [[ ! -d $(rustc --print target-libdir --target "$other") ]]; then
        echo "(no std for $other here) " | tee -a "$log" | tr -d '\n'
        return
    fi
    build cargo clippy --locked --target "$other" -p gosched -p gosched-mini --lib -- -D warnings
}

# The core without the extras: no warning, Go's orders and schedules, and its small API.
step_core() {
    build cargo clippy --locked -p gosched --no-default-features -- -D warnings || return
    tests -p gosched --no-default-features --lib --test order --test core_alone
}

# Unit and integration tests; tests/tidy.rs is one of them.
# Some of them run these two examples; clippy has seen the others.
step_test() {
    build cargo build --locked --example schedule --example mini_limits || return
    tests --lib --tests || return
    mini
}

# The package in runtime/mini, its steps (which are examples) and its exercises (not in release).
mini() { tests -p gosched-mini --lib --tests --examples "$@"; }

# Once more in release (the profile `ci` is release that builds in less time): bugs of
# thread-locals and of inlining show only there. The examples have a step of their own.
step_test-release() {
    build cargo build --locked --profile ci --examples || return
    tests --profile ci --lib --tests -- --skip every_example_ --skip every_timeline_ || return
    mini --profile ci -- --skip exercise_
}

step_doctest() { run "$TEST_TIMEOUT" cargo test --locked --doc -p gosched -p gosched-mini; }

# tests/examples.rs runs each one and compares what it prints with its last comment.
step_examples() {
    some 'examples/*.rs' || return
    build cargo build --locked --profile ci --examples || return
    tests --profile ci --test examples || return
    tests --profile ci --test chapters
}

step_benches() {
    some 'benches/*.rs' || return
    build cargo bench --locked --profile ci --no-run
}

step_docs() { RUSTDOCFLAGS="-D warnings" build cargo doc --locked --no-deps; }

# The models of the protocol words. Other flags mean another build, so another folder.
step_loom() {
    local -x RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR="$TARGET/loom"
    tests --release -p gosched --lib model || return
    tests --release -p gosched-mini --lib model || return
    # Exercise 5: a model that must pass. Exercise 6: one that must fail.
    tests --release -p gosched-mini --test exercises || return
    # That a model which must fail does so: `ci/broken.sh` goes through all of them, by hand.
    CARGO_TARGET_DIR="$TARGET" run "$BUILD_TIMEOUT" ci/broken.sh "rest stores"
}

# Adds up cargo's `test result:` lines of a log: "PASSED FAILED".
count() {
    awk '/^test result:/ {
             for (i = 2; i <= NF; i++) {
                 if ($i == "passed;") p += $(i - 1)
                 if ($i == "failed;") f += $(i - 1)
             }
         }
         END { print p + 0, f + 0 }' "$1"
}

# Of a failed step's log: each test program that failed, the end of what it printed; then the end.
excerpt() {
    awk -v most=100 '
        function flush(   i) {
            if (bad) {
                print name
                for (i = (n > most ? n - most : 0); i < n; i++) print lines[i]
                shown = 1
            }
            n = bad = 0
        }
        /^ +(Running|Doc-tests) / { flush(); name = $0; next }
        /^error: (doc)?test failed/ { bad = 1; lines[n++] = $0; flush(); name = "..."; next }
        { lines[n++] = $0 }
        END { exit !shown }' "$1" && tail -n 20 "$1" || tail -n 150 "$1"
}

has_tests() { [[ $1 == core || $1 == test* || $1 == doctest || $1 == examples || $1 == loom ]]; }

step() {
    local name=$1 began=$SECONDS status=0 p f words=""
    log="$TARGET/check/$name.log"
    : >"$log"
    printf '%-13s ' "$name"
    "step_$name" || status=$?
    read -r p f < <(count "$log")
    if has_tests "$name"; then
        words=", $p tests"
        if ((status == 0 && p == 0)); then
            echo "check.sh: $name ran no test" >>"$log"
            status=1
        fi
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    if ((status == 0)); then
        printf 'ok, %d s%s\n' $((SECONDS - began)) "$words"
    else
        ((f > 0)) || failed=$((failed + 1))
        printf 'FAILED, %d s%s, %d failed; from %s:\n' \
            $((SECONDS - began)) "$words" "$f" "$log"
        excerpt "$log" | sed 's/^/    /'
    fi
}

main() {
    local names=("$@") name
    ((${#names[@]})) || names=("${ALL[@]}")
    if [[ ${names[0]} == list ]]; then
        printf '%s\n' "${ALL[@]}"
        return
    fi
    for name in "${names[@]}"; do
        if [[ " ${ALL[*]} " != *" $name "* ]]; then
            echo "check.sh: no step '$name'; there are: ${ALL[*]}" >&2
            return 2
        fi
    done
    mkdir -p "$TARGET/check"
    for name in "${names[@]}"; do
        step "$name"
    done
    printf '%d s in all\n' "$SECONDS"
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
}

main "$@"
