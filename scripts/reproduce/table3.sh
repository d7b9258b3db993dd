#!/usr/bin/env bash
# Table 3: parameters of the pretraining models with the head of ImageNet-21k's 11,230 classes, in millions. Trains nothing.
SMLP_DATA=${SMLP_DATA:-.}
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
shown_columns=(parameters)

millions() { # MODEL PAPER
  local ours
  ours=$("$SMLP" info "$1" --classes 11230 | awk '$1 == "all" { printf "%.1f", $2 / 1e6 }') || exit $?
  line=$(printf '%-26s' "$1")
  cell "$1" parameters "$ours" "$2"
  echo "$line"
}
experiment() {
  [ -z "$counting" ] || return 0
  millions B-6/256 9
  millions B-12/256 12
  millions B-6/512 24
  millions B-12/512 37
  millions B-6/1024 74
  millions B-12/1024 124
}
reproduce table3 "Table 3, parameters in millions"
