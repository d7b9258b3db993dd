#!/usr/bin/env bash
# Table 7: the MLP and the networks it is compared with at 64×64: parameters, MACs, images/s forward at the best of some batch
# sizes and in training, and the memory that training takes at most. The paper's: one A5000, inference only.
#
#   DEVICE      cpu (the default) or cuda
#   PRECISIONS  "fp32 bf16"
#   BATCHES     of forward passes ("16 128"), the best of which counts; TRAINED: of training steps ("16")
#   REPEATS     of each measurement (3)
#   OUT         where measurements are kept (runs/table7); those found there are not made again
#   SMLP        the program (scripts/smlp)
#
# About fifteen minutes on two CPU cores, on which nothing else should run.
set -euo pipefail
DEVICE=${DEVICE:-cpu} PRECISIONS=${PRECISIONS:-fp32 bf16} BATCHES=${BATCHES:-16 128} TRAINED=${TRAINED:-16}
REPEATS=${REPEATS:-3} OUT=${OUT:-runs/table7} SMLP=${SMLP:-$(dirname "${BASH_SOURCE[0]}")/../smlp}
models=(B-12/768 resnet152_64 vit_b4_64 mixer_b4_64)
paper=("16,063" 506 222 319) # images/s
mkdir -p "$OUT"

measure() { # FILE BENCH OPTIONS…
  [ ! -e "$OUT/$1.json" ] || return 0
  echo "$(date +%T) $1" >&2
  "$SMLP" bench "${@:2}" --device "$DEVICE" --repeats "$REPEATS" --json > "$OUT/$1.json.part"
  mv "$OUT/$1.json.part" "$OUT/$1.json"
}
value() { # FILE KEY: the numbers of that key
  sed -n "s/^ *\"$2\": \([0-9.e+]*\),*$/\1/p" "$OUT/$1.json"
}
for precision in $PRECISIONS; do
  for i in "${!models[@]}"; do
    options=(--precision "$precision" --classes 1000)
    for batch in $BATCHES; do
      measure "$precision-$i-forward-$batch" models "${models[$i]}" -b "$batch" "${options[@]}"
    done
    for batch in $TRAINED; do
      measure "$precision-$i-training-$batch" step --model "${models[$i]}" -b "$batch" "${options[@]}"
    done
  done
done

best() { # KIND I PRECISION BATCH…
  local batch
  for batch in "${@:4}"; do value "$3-$2-$1-$batch" images_per_s; done | sort -g | tail -1
}
printf '%-13s %9s %11s %11s %10s %11s %9s %10s %11s %12s\n' model precision parameters MACs images/s "B-12/768's" "in MACs" training memory "the paper's"
for precision in $PRECISIONS; do
  for i in "${!models[@]}"; do
    forward=$(best forward "$i" "$precision" $BATCHES) training=$(best training "$i" "$precision" $TRAINED)
    last="$precision-$i-training-${TRAINED##* }"
    [ "$i" -ne 0 ] || first=$forward first_macs=$(value "$last" macs)
    awk -v model="${models[$i]}" -v precision="$precision" -v parameters="$(value "$last" parameters)" \
      -v macs="$(value "$last" macs)" -v forward="$forward" -v first="$first" -v first_macs="$first_macs" \
      -v paper="${paper[$i]}" -v training="$training" -v memory="$(value "$last" memory)" 'BEGIN {
        printf "%-13s %9s %10.2fM %10.2fM %10.1f %10.1fx %8.1fx %10.2f %7.0f MiB %12s\n", model, precision, parameters / 1e6,
          macs / 1e6, forward, first / forward, macs / first_macs, training, memory / 1048576, paper }'
  done
done
echo "images/s and the paper's, on one A5000: forward; B-12/768's: how many times as many it makes, in MACs: how many times fewer it has"
