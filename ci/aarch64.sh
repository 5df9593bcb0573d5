#!/usr/bin/env bash
# Tests on aarch64, on a machine that is not: built by a cross compiler, run by QEMU's user mode.
#
#   ci/aarch64.sh --lib --test order          # what follows goes to `cargo test`
#   ci/aarch64.sh --profile ci --test sync    # optimised: an emulator takes its time
#
# It needs, on Debian:
#
#   rustup target add aarch64-unknown-linux-gnu
#   apt install gcc-aarch64-linux-gnu qemu-user qemu-user-binfmt
#
# binfmt is for tests that start themselves again. QEMU 10 is much faster than 7 with large reservations of address
# space. tests/README.md has the tests that fail for a reason of QEMU's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly OTHER=aarch64-unknown-linux-gnu
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v "$tool" >/dev/null || { echo "aarch64.sh: no $tool here" >&2; exit 2; }
done
[[ -d $(rustc --print target-libdir --target "$OTHER") ]] ||
    { echo "aarch64.sh: rustup target add $OTHER" >&2; exit 2; }
[[ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]] ||
    echo "aarch64.sh: no binfmt for aarch64: tests that start themselves again will fail" >&2

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64
export QEMU_LD_PREFIX="${QEMU_LD_PREFIX:-/usr/aarch64-linux-gnu}"
exec cargo test --locked --target "$OTHER" -p gosched --no-fail-fast "$@"
