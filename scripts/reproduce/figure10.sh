#!/usr/bin/env bash
# Figure 10: first-layer weights at initialisation and after pretraining on growing parts of the data: a picture, and how
# alike neighbouring weights are (0 in noise). The paper shows pictures: structure and locality grow with the data.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
shown_columns=(correlation)

experiment() {
  local part
  for part in 0.01 0.1; do pretrain "b6-part$part" "$B6" --set "data.fraction=$part"; done
  pretrain b6 "$B6"
  first_layers figure10 "$B6" b6-part0.01 b6-part0.1 b6
}
reproduce figure10 "Figure 10, correlation of neighbouring first-layer weights"
