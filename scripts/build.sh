#!/usr/bin/env bash
# Sets up once, configures once, builds what changed, quietly: build.sh [preset [target…]] (default: release smlp)
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in -h | --help) sed -n '2s/^# //p' "$0"; exit 0 ;; esac
preset=${1:-release}
[ $# -gt 0 ] && shift
build=build/$preset

mkdir -p .deps "$build"
# One at a time: two terminals may start the same build.
exec 9> .deps/.lock
flock 9

stamp=.deps/.setup-$(cksum < scripts/setup.sh | cut -d' ' -f1)
if [ ! -e "$stamp" ]; then
  scripts/setup.sh
  rm -f .deps/.setup-*
  touch "$stamp"
fi
if [ -e .deps/environment.sh ]; then . .deps/environment.sh; fi

log=$build/build.log
run() { # says what went wrong, and nothing else
  local code=0
  "$@" > "$log" 2>&1 || code=$?
  [ $code -ne 0 ] || return 0
  grep -vE '^\[[0-9]+/[0-9]+\]|^ninja: Entering' "$log" >&2
  echo "failed: $* (all of it is in $log)" >&2
  exit $code
}
if [ ! -e "$build/build.ninja" ]; then
  echo "building in $build (the first time takes minutes: 5 to 20 on two cores)" >&2
  run cmake --preset "$preset"
elif [ .deps/torch-cuda/.complete -nt "$build/build.ninja" ] || [ CMakePresets.json -nt "$build/build.ninja" ]; then
  run cmake --preset "$preset"
fi
# A compiler with LibTorch's headers needs 1.5 GB.
memory=$(awk '/^MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
jobs=$(nproc)
if [ "$memory" -lt "$jobs" ]; then jobs=$((memory > 0 ? memory : 1)); fi
run ninja -C "$build" -j "$jobs" "${@:-smlp}"
