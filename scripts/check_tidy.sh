#!/usr/bin/env bash
# clang-tidy with the checks of .clang-tidy, as many files at a time as there are cores: check_tidy.sh [--all] [FILE…]
#   FILE    sources below src/ or tools/; without any, those that need no LibTorch
#   --all   every source, with LibTorch's headers: many minutes
# A finding: exit 1.
set -euo pipefail
cd "$(dirname "$0")/.."
all=false files=()
while [ $# -gt 0 ]; do
  case $1 in
    --all) all=true ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "check_tidy.sh: unknown option $1 (see scripts/check_tidy.sh --help)" >&2; exit 2 ;;
    *) [ -f "$1" ] || { echo "check_tidy.sh: $1: no such file" >&2; exit 2; }; files+=("$1") ;;
  esac
  shift
done
command -v clang-tidy > /dev/null || { echo "check_tidy.sh: clang-tidy is missing: apt-get install clang-tidy" >&2; exit 2; }

rooms=(src/{core,formats,config,data,pack,models,run,scaling})
if $all; then rooms=(src tools); fi
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files --cached --others --exclude-standard -- "${rooms[@]/%//*.cpp}")

# The sanitizers' build knows how sources without LibTorch are compiled, and needs none; the release's knows it of all.
preset=asan
for file in "${files[@]}"; do
  case $file in src/core/* | src/formats/* | src/config/* | src/data/* | src/pack/* | src/models/* | src/run/* | src/scaling/*) ;; *) preset=release ;; esac
done
scripts/build.sh "$preset" smlp_revision
if [ -e .deps/environment.sh ]; then . .deps/environment.sh; fi
# Each source by itself, beside what is generated in the build. clang cannot read the precompiled headers of GCC; sources
# include what they use, so it needs none.
commands=build/tidy/$preset
cmake --preset "$preset" -B "$commands" -DCMAKE_UNITY_BUILD=OFF > /dev/null
sed -i -E 's/ -Winvalid-pch -include [^ ]+//; s#/build/tidy/#/build/#g' "$commands/compile_commands.json"

check() { # clang-tidy's count of what it left out in other headers is not shown
  local said
  if ! said=$(clang-tidy -p "$1" --quiet --extra-arg=-Wno-unknown-warning-option "$2" 2>&1); then
    grep -vE '^[0-9]+ (warning|error)s?( and [0-9]+ errors?)? (generated|treated as)' <<< "$said"
    exit 1
  fi
}
export -f check
# The largest first, so that no core waits for another at the end.
ls -S -- "${files[@]}" | tr '\n' '\0' | xargs -0 -n 1 -P "$(nproc)" bash -c 'check "$0" "$1"' "$commands" ||
  { echo "tidy: see above" >&2; exit 1; }
echo "tidy: ${#files[@]} files, no findings ($SECONDS s)"
