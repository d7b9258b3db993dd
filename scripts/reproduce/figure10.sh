#!/usr/bin/env bash
# Figure 10: first-layer weights at initialisation and after pretraining on growing parts of the data: a picture each, and
# how alike neighbouring weights are (0 in noise). The paper shows pictures: structure and locality grow with the data.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
small_columns=("$PRETRAINING_SET")
columns "$PRETRAINING_SET"
fractions=(0.01 0.1 1.0)

experiment() {
  local fraction subjects=("$B6")
  row "untrained" neighbours untrained
  for fraction in "${fractions[@]}"; do
    local name=b6-part$fraction
    [ "$fraction" != 1.0 ] || name=b6
    pretrain "$name" "$B6" --set "data.fraction=$fraction"
    row "part $fraction" neighbours "$name"
    subjects+=("$OUT/$name")
  done
  picture figure10 "${subjects[@]}"
}
reproduce figure10 "Figure 10, correlation of neighbouring first-layer weights"
