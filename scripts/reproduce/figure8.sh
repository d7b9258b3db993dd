#!/usr/bin/env bash
# Figure 8: architecture and optimisation, pretrained on ImageNet-1k (small: Tiny-ImageNet), top-1 in % of a linear probe on
# CIFAR-100 (small: CIFAR-10). B2x6_GELU: 6 blocks of 2 linear layers with a skip around each; LN, BN: normalised; IB: with
# the inverted bottleneck. Widths are chosen for about equal MACs. The paper's bars have no printed values; it finds GELU
# over ReLU, a skip every two layers, LayerNorm over BatchNorm and before the block, the bottleneck; decay, clipping and
# dropout help a little, AdamW is worse. Its epochs are not stated: 100 are ours, as are the widths.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
columns cifar100
if [ "$SCALE" = full ]; then
  PRETRAINING_SET=imagenet pretraining+=(--epochs 100) even=1832
else
  pretraining+=(--epochs 10) even=376
fi
recipe=(--set optim.clip_norm=1.0 --weight-decay 1e-3)

# even_layers X Y OPTIONS…: blocks of X layers of equal width, Y of them, without normalisation unless asked for.
even_layers() {
  local x=$1 y=$2
  shift 2
  [[ "$*" == *model.norm=* ]] || set -- "$@" --set model.norm=none
  options=("${recipe[@]}" --set model.bottleneck=false --set "model.width=$even" --set "model.depth=$y"
    --set "model.layers_per_block=$x" "$@")
}
variant() { # LABEL OPTIONS…
  pretrain "figure8-$1" b_mlp "${@:2}"
  row "$1" probe "figure8-$1"
}
experiment() {
  local options size
  even_layers 1 12 && variant B1x12_GELU "${options[@]}"
  even_layers 2 6 --set model.skip=false && variant B2x6_GELU-no-skip "${options[@]}"
  even_layers 2 6 --set model.activation=relu && variant B2x6_RELU "${options[@]}"
  even_layers 2 6 && variant B2x6_GELU "${options[@]}"
  even_layers 4 3 && variant B4x3_GELU "${options[@]}"
  even_layers 2 6 --set model.norm=layer && variant B2x6_GELU_LN "${options[@]}"
  even_layers 2 6 --set model.norm=layer --set model.norm_position=post && variant B2x6_GELU_LN-post "${options[@]}"
  even_layers 2 6 --set model.norm=batch && variant B2x6_GELU_BN "${options[@]}"
  size=(--set model.depth=6 --set "model.width=${B6#B-6/}")
  variant B2x6_GELU_LN_IB "${size[@]}" "${recipe[@]}"
  variant IB-no-augmentation "${size[@]}" "${recipe[@]}" --set augment.crop=null --set augment.flip=0.0
  variant IB-no-mixup "${size[@]}" "${recipe[@]}" --set augment.mixup=0.0
  variant IB-no-clipping "${size[@]}" --set optim.clip_norm=0.0 --weight-decay 1e-3
  variant IB-no-decay "${size[@]}" --set optim.clip_norm=1.0 --weight-decay 0
  variant IB-dropout "${size[@]}" "${recipe[@]}" --set model.dropout=0.1
  variant IB-adamw "${size[@]}" "${recipe[@]}" --opt adamw
}
reproduce figure8 "Figure 8, linear probe"
