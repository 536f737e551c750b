#!/usr/bin/env bash
# Flux. The first call fetches what is missing and builds; later calls only run.
root=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# `flux serve` is a program of its own, since its packages take minutes to build; nothing else needs them.
if [ "${1:-}" = serve ]; then
  shift
  name=flux-serve; folder=$root/.build/server/release; package=(--package-path Server --scratch-path .build/server)
  sources=("$root/Sources" "$root/Package.swift" "$root/Server/Sources" "$root/Server/Package.swift")
else
  name=flux; folder=$root/.build/release; package=()
  sources=("$root/Sources" "$root/Package.swift")
fi
program=$folder/$name
# The program says so, too; a build would begin in a folder that was deleted, and fail.
[ -d "$PWD" ] || { echo "flux: the working folder does not exist any more: change into another one (cd)" >&2; exit 1; }
if [ ! -x "$program" ] || [ -n "$(find "${sources[@]}" -newer "$program" -type f -print -quit)" ]; then
  "$root/Scripts/setup" || exit 1
  echo "flux: building $name (the first time takes some minutes; log in .deps/build.log)" >&2
  "$root/Scripts/build" build -c release "${package[@]}" --product $name >"$root/.deps/build.log" 2>&1 || {
    grep -E "error:" "$root/.deps/build.log" | head -20 >&2
    echo "flux: the build failed; all of it is in $root/.deps/build.log" >&2
    exit 1
  }
  touch "$program"
fi
# Waiting threads of libtorch spin briefly, then sleep: on busy cores, longer spinning takes most of the time.
exec env FLUX_HOME="$root" GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-3000}" "$program" "$@"
