#!/usr/bin/env bash
# Figure 11: first-layer weights after pretraining on all of the data with and without augmentation: the picture, and how
# alike neighbouring weights are. The paper sees structure only with augmentation.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
shown_columns=(correlation)

experiment() {
  pretrain b6-plain "$B6" "${without_augmentation[@]}"
  pretrain b6 "$B6"
  first_layers figure11 "$B6" b6-plain b6
}
reproduce figure11 "Figure 11, correlation of neighbouring first-layer weights"
