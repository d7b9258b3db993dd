#!/usr/bin/env bash
# Wider and sparser at the same number of connections ("Understanding MLP-Mixer as a Wide and Sparse MLP" finds it better):
# CIFAR-10, five epochs, top-1 in %. Inverted-bottleneck MLPs of width 256 to 2,048 whose every layer has 81,920 random fixed
# connections (masked) or, as a Monarch matrix, 81,920 between its features (the first, from the pixels, 213,000 to 41,000);
# beside them Mixers of 16 tokens, whose effective width, tokens times features, is the same, with the commutation of tokens and
# features fixed (mixer) or random (rp_mixer). A Mixer's connections grow: each of its weights is used at every token.
# The rate falls as a layer's inputs grow, so that features move as much at every width.
#
#   WIDTHS      "256 512 1024 2048"
#
# An hour on one CPU core.
SCALE=own PRECISION=${PRECISION:-fp32}
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
read -ra shown_columns <<< "${WIDTHS:-256 512 1024 2048}"

variant() { # LABEL MODEL-KEYS…, of the width in $width with $features a token
  local name="width-$1-$width" inputs=$features key options=()
  [[ $1 == *mixer ]] || inputs=$width
  for key in "${@:2}"; do options+=(--set "model.$key"); done
  for seed in $SEEDS; do
    launch "$name-seed$seed" train --config cifar10_small_b_mlp.yaml --data "$SMLP_DATA/cifar10" --seed "$seed" \
      --set "optim.lr=$(awk "BEGIN { print 0.024 / $inputs }")" "${options[@]}"
  done
  [ -n "$counting" ] || cell "$1" "$width" "$(measure cifar10 $(printf "$name-seed%s " $SEEDS))" -
}
experiment() {
  local label width features seed
  for label in masked monarch mixer rp_mixer; do
    line=$(printf '%-26s' "$label")
    for width in "${shown_columns[@]}"; do
      features=$((width / 16))
      case $label in
      masked) variant $label name=sparse_mlp structured_input=true "width=$width" structure=masked connections=81920 factor_rates=true ;;
      monarch) variant $label name=sparse_mlp structured_input=true "width=$width" structure=monarch "blocks=$((16384 / width))" factor_rates=true ;;
      *mixer) variant $label "name=$label" patch_size=8 "width=$features" token_hidden=64 "channel_hidden=$((4 * features))" ;;
      esac
    done
    [ -n "$counting" ] || echo "$line"
  done
}
reproduce width "Width at fixed connections, CIFAR-10, top-1 by effective width"
