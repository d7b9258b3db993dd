#!/usr/bin/env bash
# How the time of a training step grows with batch, width, depth and classes, and how it should: the slope of log time against
# log size by least squares, beside that of the limit (matrix products and the optimiser's bytes at the machine's rates).
#
#   scripts/bench_growth.sh [PRECISION]     fp32
#   SMLP  the program, scripts/smlp
#
# Two minutes on two cores.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}") precision=${1:-fp32}
smlp=${SMLP:-$here/smlp}

step() { # DEPTH WIDTH CLASSES BATCH: seconds, seconds of the limit
  "$smlp" bench step --model "B-$1/$2" --classes "$3" -b "$4" --precision "$precision" --repeats 5 --json 2> /dev/null |
    awk -F '[:,]' '/"batch_seconds"/ { seconds = $2 } /"of_limit"/ { print seconds, seconds * $2 }'
}

echo "| what grows | ms a step | slope | slope of the limit |"
echo "| --- | --- | --- | --- |"
table() { # LABEL "SIZES" DEPTH WIDTH CLASSES BATCH, with @ for the size
  local size words
  for size in $2; do
    read -ra words <<< "${*:3}"
    echo "$size $(step "${words[@]//@/$size}")"
  done | awk -v label="$1" '
    { size[NR] = log($1); time[NR] = log($2); limit[NR] = log($3); shown = shown (NR > 1 ? ", " : "") sprintf("%s: %.3g", $1, 1000 * $2) }
    function slope(y,  i, n, sx, sy, sxx, sxy) {
      for (i = 1; i <= NR; ++i) { sx += size[i]; sy += y[i]; sxx += size[i] ^ 2; sxy += size[i] * y[i] }
      return (NR * sxy - sx * sy) / (NR * sxx - sx ^ 2)
    }
    END { printf "| %s | %s | %.2f | %.2f |\n", label, shown, slope(time), slope(limit) }'
}
table "batch, B-6/512" "32 64 128 256 512 1024" 6 512 1000 @
table "width, depth 6, batch 256" "128 256 512 1024" 6 @ 1000 256
table "depth, width 512, batch 256" "2 4 8 16" @ 512 1000 256
table "classes, B-6/256, batch 256" "1000 4000 16000" 6 256 @ 256
