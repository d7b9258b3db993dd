#!/usr/bin/env bash
# Fuzzes everything that parses, under the address and undefined-behaviour sanitizers: fuzz.sh [TARGET…] [--runs N] [--keep]
#   TARGET   one of tests/fuzz/TARGET_fuzz.cpp; all of them without any. As many run at a time as there are cores.
#   --runs   inputs to run for each (1,000,000)
#   --keep   puts new inputs that reach new code into tests/fuzz/corpus, which the tests replay
# What has been found so far is in build/fuzz/work and is gone on from. A find: exit 1, and its path.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=1000000 keep=false
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --runs) runs=${2:?--runs needs a number}; shift ;;
    --keep) keep=true ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "fuzz.sh: unknown option $1 (see scripts/fuzz.sh --help)" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
known() { basename -a -s _fuzz.cpp tests/fuzz/*_fuzz.cpp; }
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(known)
for target in "${targets[@]}"; do
  [ -e "tests/fuzz/${target}_fuzz.cpp" ] || { echo "fuzz.sh: no target $target; there are: $(known | xargs)" >&2; exit 2; }
done

build=build/fuzz
programs=$build/tests/fuzz
mkdir -p "$build/finds" "$build/logs"
if ! command -v clang++ > /dev/null; then
  as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  { "${as_root[@]}" apt-get update -q && "${as_root[@]}" apt-get install -y -q --no-install-recommends clang; } \
    > "$build/logs/apt.log" 2>&1 || { cat "$build/logs/apt.log" >&2; exit 1; }
fi
scripts/build.sh fuzz all
rm -rf "$build/seeds"
"$programs/make_seeds" "$build/seeds"

corpora() { # the folders a target starts from
  local folder
  for folder in "tests/fuzz/corpus/$1" "tests/fuzz/finds/$1" "$build/seeds/$1"; do
    [ ! -d "$folder" ] || echo "$folder"
  done
}

fuzz() {
  local target=$1 log=$build/logs/$1.log length=4096 start=$SECONDS code=0 last find=-
  local options=(-runs="$runs" -timeout=20 -rss_limit_mb=3000 -artifact_prefix="$build/finds/$target-")
  [ "$target" != archive ] || length=8192
  case $target in jpeg | png) options+=(-len_control=0) ;; esac
  [ ! -e "tests/fuzz/$target.dict" ] || options+=(-dict="tests/fuzz/$target.dict")
  mkdir -p "$build/work/$target"
  mapfile -t folders < <(corpora "$target")
  "$programs/${target}_fuzz" "${options[@]}" -max_len=$length "$build/work/$target" "${folders[@]}" > "$log" 2>&1 || code=$?
  last=$(grep -E '^#[0-9]+.*cov: ' "$log" | tail -n 1)
  [ $code = 0 ] || find=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  [[ $last =~ ^#([0-9]+).*cov:\ ([0-9]+).*ft:\ ([0-9]+) ]] || BASH_REMATCH=(- 0 0 0)
  printf '%-16s %11s %7s %7s %8s  %s\n' "$target" "${BASH_REMATCH[@]:1:3}" $((SECONDS - start)) "${find:-see $log}"
  return $code
}

printf '%-16s %11s %7s %7s %8s  %s\n' target executions cov ft seconds find
failed=0 running=0
for target in "${targets[@]}"; do
  if [ $running = "$(nproc)" ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
  fuzz "$target" &
  running=$((running + 1))
done
while [ $running -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done

if $keep; then
  for target in "${targets[@]}"; do
    mkdir -p "tests/fuzz/corpus/$target"
    # By code reached alone, not how often: a few hundred small files in place of thousands.
    "$programs/${target}_fuzz" -merge=1 -use_counters=0 -max_len=8192 "tests/fuzz/corpus/$target" "$build/work/$target" \
      "$build/seeds/$target" > "$build/logs/$target-merge.log" 2>&1 || failed=1
    echo "$target: $(find "tests/fuzz/corpus/$target" -type f | wc -l) inputs kept"
  done
fi
exit $failed
