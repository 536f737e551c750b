#!/usr/bin/env bash
# Flux. The first call fetches what is missing and builds; later calls only run.
root=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
program=$root/.build/release/flux
# The program says so, too; a build would begin in a folder that was deleted, and fail.
[ -d "$PWD" ] || { echo "flux: the working folder does not exist any more: change into another one (cd)" >&2; exit 1; }
if [ ! -x "$program" ] || [ -n "$(find "$root/Sources" "$root/Package.swift" -newer "$program" -type f -print -quit)" ]; then
  "$root/Scripts/setup" || exit 1
  echo "flux: building (the first time takes some minutes; log in .deps/build.log)" >&2
  "$root/Scripts/build" build -c release --product flux >"$root/.deps/build.log" 2>&1 || {
    grep -E "error:" "$root/.deps/build.log" | head -20 >&2
    echo "flux: the build failed; all of it is in $root/.deps/build.log" >&2
    exit 1
  }
  touch "$program"
fi
# Waiting threads of libtorch spin briefly, then sleep: on busy cores, longer spinning takes most of the time.
exec env FLUX_HOME="$root" GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-3000}" "$program" "$@"
