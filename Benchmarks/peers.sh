# For the scripts of this folder, which source it: `python`, with the packages of the peers.
#
# PYTHON names one that has them. Otherwise it is .deps/bench, into which they are installed from PyPI if it is not there.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$root/.deps/bench/bin/python}
if [ -z "${PYTHON:-}" ] && [ ! -x "$python" ]; then
  echo "installing torch, diffusers, transformers and openvino into .deps/bench" >&2
  python3 -m venv "$root/.deps/bench"
  "$python" -m pip install --quiet -r "$root/Benchmarks/requirements.txt"
fi
