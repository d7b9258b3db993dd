#!/usr/bin/env bash
# Figure 11: first-layer weights after pretraining on all of the data with and without augmentation: the pictures, and how
# alike neighbouring weights are. The paper sees structure only with augmentation.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
small_columns=("$PRETRAINING_SET")
columns "$PRETRAINING_SET"

experiment() {
  pretrain b6-plain "$B6" "${without_augmentation[@]}"
  pretrain b6 "$B6"
  row "untrained" neighbours untrained
  row "without augmentation" neighbours b6-plain
  row "with augmentation" neighbours b6
  picture figure11 "$B6" "$OUT/b6-plain" "$OUT/b6"
}
reproduce figure11 "Figure 11, correlation of neighbouring first-layer weights"
