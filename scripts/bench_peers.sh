#!/usr/bin/env bash
# smlp beside what a user would run instead, PyTorch compiled and plain, in turns on this machine; every figure, then the table
# of medians that docs/results.md holds. Images/s (optimizer: updates/s).
#
#   scripts/bench_peers.sh ROOT [ROW…]
#
#   ROOT       a packed data set at 64×64 or more, for epoch, loader and tta; of PyTorch the first 20,480 images
#   ROW        those whose name contains it; all of them: three quarters of an hour on two cores
#   ROUNDS     3
#   SMLP       the program              scripts/smlp
#   PYTHON     with PyTorch, and ffcv for epoch and loader (scripts/bench_pytorch.py)     python3
#   PRECISIONS "fp32 bf16"
set -euo pipefail
root=${1:?a packed data set}
here=$(dirname "${BASH_SOURCE[0]}")
smlp=${SMLP:-$here/smlp} python=${PYTHON:-python3} rounds=${ROUNDS:-3}
figures=$(mktemp)
trap 'rm -f "$figures"' EXIT
wanted=("${@:2}")

# Runs COMMAND and notes the number that it prints last.
note() { # ROW WHO COMMAND…
  local rate
  rate=$("${@:3}" 2> /dev/null | tail -n 1) || rate=
  [ -n "$rate" ] || { echo "$1: $2 did not run: ${*:3}" >&2; return; }
  printf '%s\t%s\t%s\n' "$1" "$2" "$rate" | tee -a "$figures" >&2
}
ours() { # KIND ARGUMENTS…
  "$smlp" bench "$@" --json | awk -F '[:,]' -v kind="\"$1\"" '/"kind"/ { on = index($2, kind) } on && /"images_per_s"/ { print $2 }'
}
theirs() { "$python" "$here/bench_pytorch.py" "$@" --device cpu | sed -n 's/.*"per_s": \([0-9.e+]*\).*/\1/p'; }

row() { # NAME WHAT WIDTH DEPTH CLASSES BATCH PRECISION [PEER…]
  local name="$1, $7" model=(--model "B-$4/$3" --precision "$7") clipped=(--set optim.clip_norm=1) peer
  matches "$name" || return 0
  local options=("$2" --width "$3" --depth "$4" --classes "$5" --batch "$6" --precision "$7")
  case $2 in
  step) note "$name" smlp ours step "${model[@]}" "${clipped[@]}" --classes "$5" -b "$6" ;;
  optimizer) note "$name" smlp ours optimizer "${model[@]}" "${clipped[@]}" --classes "$5" ;;
  *)
    options=("$2" "$root" "${options[@]:1}" --images 20480 --repeats 1)
    case $2 in
    loader) model=() ;;
    epoch) model+=("${clipped[@]}") ;;
    esac
    note "$name" smlp ours "$2" tiny_imagenet_b_mlp.yaml --data "$root" --set data.image_size=64 -b "$6" "${model[@]}"
    ;;
  esac
  for peer in "${@:8}"; do
    case $peer in
    compiled) note "$name" "PyTorch, compiled" theirs "${options[@]}" ;;
    plain) note "$name" "PyTorch" theirs "${options[@]}" --eager ;;
    FFCV) note "$name" FFCV theirs "${options[@]}" ;;
    torchvision) note "$name" torchvision theirs "${options[@]}" --torchvision ;;
    esac
  done
}
matches() {
  local each
  [ "${#wanted[@]}" -gt 0 ] || return 0
  for each in "${wanted[@]}"; do [[ $1 != *"$each"* ]] || return 0; done
  return 1
}

for ((round = 1; round <= rounds; ++round)); do
  for precision in ${PRECISIONS:-fp32 bf16}; do
    for batch in 512 128 32; do row "step B-6/512, batch $batch" step 512 6 200 $batch "$precision" compiled plain; done
    row "step B-6/256, batch 512" step 256 6 200 512 "$precision" compiled plain
    row "step B-12/1024, 11,230 classes, batch 256" step 1024 12 11230 256 "$precision" compiled plain
    row "epoch B-6/256, batch 512" epoch 256 6 200 512 "$precision" compiled plain
    row "epoch B-6/512, batch 512" epoch 512 6 200 512 "$precision" compiled plain
    row "tta B-6/512" tta 512 6 200 512 "$precision" plain
  done
  row "optimizer B-12/1024, 11,230 classes" optimizer 1024 12 11230 1 fp32 compiled plain
  row "loader, batch 512" loader 256 6 200 512 fp32 FFCV torchvision
done

echo
awk -F '\t' '
  function median(list,  n, each, i, j, swap) {
    n = split(list, each, " ")
    for (i = 1; i <= n; ++i) for (j = i + 1; j <= n; ++j) if (each[j] + 0 < each[i] + 0) { swap = each[i]; each[i] = each[j]; each[j] = swap }
    return n % 2 ? each[(n + 1) / 2] : (each[n / 2] + each[n / 2 + 1]) / 2
  }
  function shown(rate) { return sprintf(rate < 100 ? "%.1f" : "%.0f", rate) }
  !($1 in seen) { seen[$1] = 1; rows[++count] = $1 }
  !(($1, $2) in all) { who[$1] = who[$1] (who[$1] == "" ? "" : "\t") $2 }
  { all[$1, $2] = all[$1, $2] " " $3 }
  END {
    print "| work | smlp | others (smlp over them) |\n| --- | --- | --- |"
    for (i = 1; i <= count; ++i) {
      own = median(all[rows[i], "smlp"])
      printf "| %s | %s |", rows[i], shown(own)
      n = split(who[rows[i]], names, "\t")
      for (k = 2; k <= n; ++k) {
        other = median(all[rows[i], names[k]])
        printf "%s %s %s (%.2f)", (k > 2 ? "," : ""), names[k], shown(other), own / other
      }
      print " |"
    }
  }' "$figures"
