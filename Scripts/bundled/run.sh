#!/usr/bin/env bash
# Flux on a machine with PyTorch and a C++ compiler. The first call compiles the shim; later calls only run.
#
# FLUX_TORCH is the folder of an installed torch; without it, python3 is asked for its own.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
torch=${FLUX_TORCH:-$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])' 2>/dev/null)} ||
  { echo "flux: python3 has no torch; set FLUX_TORCH to the folder of an installed torch" >&2; exit 1; }
[ -f "$torch/lib/libtorch_cpu.so" ] && [ -d "$torch/include/ATen" ] ||
  { echo "flux: $torch has no lib/libtorch_cpu.so and include/ATen: it should be the folder of an installed torch" >&2; exit 1; }
if [ ! -f "$here/lib/libFluxTorch.so" ] || [ "$(cat "$here/lib/built-for" 2>/dev/null)" != "$torch" ]; then
  command -v "${CXX:-c++}" >/dev/null || { echo "flux: there is no C++ compiler: install one, or set CXX" >&2; exit 1; }
  echo "flux: compiling the shim against $torch" >&2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  "$here/build-shim" "$torch" "$here/shim" "$work"
  mv "$work/libFluxTorch.so" "$here/lib/libFluxTorch.so"
  echo "$torch" >"$here/lib/built-for"
  rm -rf "$work" # exec leaves no shell behind that could
fi
# The libraries in lib/ need others that lie there, too.
export LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
FLUX_HOME=$here FLUX_EMOJI_FONT=${FLUX_EMOJI_FONT:-$here/share/NotoColorEmoji.ttf} exec "$here/bin/flux" "$@"
