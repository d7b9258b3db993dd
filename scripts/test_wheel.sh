#!/usr/bin/env bash
# Tests the wheel as a user meets it: test_wheel.sh [--wheel FILE] [--scratch DIR] [--trackers] [PYTHON…]
#   --wheel    one that is there; otherwise scripts/bundle.sh makes it
#   --scratch  virtual environments go here (default: build/wheel-test); one that is there is made anew, but for its torch
#   --trackers also wandb, mlflow and trackio, whose examples then run, offline
#   PYTHON     interpreters, 3.10 or newer (default: python3)
# Each gets a fresh virtual environment with torch from PyPI (a download of 2 GB, kept by pip), then the wheel; then the
# first commands of the README, and tests/python.
set -euo pipefail
cd "$(dirname "$0")/.."
wheel='' scratch=build/wheel-test packages=(pytest safetensors) pythons=()
while [ $# -gt 0 ]; do
  case $1 in
    --wheel) wheel=${2:?--wheel needs a file}; shift ;;
    --scratch) scratch=${2:?--scratch needs a folder}; shift ;;
    --trackers) packages+=(wandb mlflow-skinny trackio) ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "test_wheel.sh: unknown option $1 (see scripts/test_wheel.sh --help)" >&2; exit 2 ;;
    *) pythons+=("$1") ;;
  esac
  shift
done
[ ${#pythons[@]} -gt 0 ] || pythons=(python3)
mkdir -p "$scratch"
scratch=$(realpath "$scratch")
if [ -z "$wheel" ]; then
  scripts/bundle.sh --to "$scratch/wheel"
  wheel=$(ls "$scratch"/wheel/*.whl)
fi
wheel=$(realpath "$wheel") tests=$PWD/tests/python
export PIP_DISABLE_PIP_VERSION_CHECK=1 OMP_WAIT_POLICY=passive

for python in "${pythons[@]}"; do
  name=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
  environment=$scratch/$name
  echo "== $name: torch"
  [ -e "$environment/.complete" ] || { rm -rf "$environment"; "$python" -m venv "$environment"; }
  "$environment/bin/pip" install -q torch==2.11.0 numpy "${packages[@]}"
  touch "$environment/.complete"
  "$environment/bin/pip" uninstall -q -y smlp 2> /dev/null
  begin=$(date +%s%N)
  "$environment/bin/pip" install -q "$wheel"
  echo "== $name: the wheel was installed in $((($(date +%s%N) - begin) / 1000000)) ms"
  (
    work=$(mktemp -d "$scratch/work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    PATH=$environment/bin:$PATH
    smlp train --config quickstart.yaml --name quickstart
    smlp eval runs/quickstart | grep top1
    smlp info --system | grep -E '^(smlp|LibTorch|CUDA)'
    pytest -q -p no:cacheprovider "$tests"
  )
done
