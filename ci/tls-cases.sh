#!/bin/sh
# Builds tests/tls-cases in several profiles and runs its cases and bodies, with the guard and
# without. Fails if one that the guard must get right is wrong. Some minutes.
#   ci/tls-cases.sh [PROFILE...]      default: dev release thin fat size
set -eu
cd "$(dirname "$0")/../tests/tls-cases"
[ $# -gt 0 ] || set -- dev release thin fat size
target=${CARGO_TARGET_DIR:-target}
bad=0
for profile in "$@"; do
    cargo build --quiet --profile "$profile"
    folder=$profile
    [ "$profile" = dev ] && folder=debug
    program=$target/$folder/tls-cases
    echo "== $profile, guarded"
    "$program" all || bad=1
    "$program" bodies || bad=1
    echo "== $profile, without the guard"
    "$program" all unguarded | grep -E 'WRONG|wrong' || true
done
exit $bad
