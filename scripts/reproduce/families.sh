#!/usr/bin/env bash
# Every family with about half a million parameters on CIFAR-10, five epochs each (configs/cifar10_small_*.yaml): what it costs,
# and what it takes for granted about images, seen from outside: top-1 in % of images as they are; with one permutation
# of the pixels for all images (data.permute_pixels), which an MLP does not notice; and how many predictions in % stay when
# an image moves by 1, 2 and 4 pixels, padded with zeros and cropped from a larger one (smlp eval --shifts).
#
#   FAMILIES    which: names of configurations without cifar10_small_
#   PRECISION   bf16 or fp32
#
# Under two hours on two CPU cores, on which nothing else should run for the images/s.
SCALE=own
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
FAMILIES=${FAMILIES:-b_mlp s_mlp sparse_mlp mixer rp_mixer gmlp resmlp repmlp vit resnet}
shown_columns=(parameters MACs images/s top1 permuted padded-1 padded-2 padded-4 cropped-1 cropped-2 cropped-4)

# agreement FILE: padded and cropped, by 1, 2 and 4 pixels.
agreement() {
  awk -F '[ :,]+' '$2 == "\"pixels\"" { pixels = $3 } $2 == "\"padded\"" || $2 == "\"cropped\"" { kind = $2 }
    $2 == "\"agreement\"" { found[kind, pixels] = $3 }
    END { for (k = 1; k <= 2; ++k) for (n = 1; n <= 4; n *= 2) print found[k == 1 ? "\"padded\"" : "\"cropped\"", n] }' "$1"
}

experiment() {
  local family seed plain permuted values i
  for family in $FAMILIES; do
    plain=() permuted=()
    for seed in $SEEDS; do
      plain+=("$family-${precision[1]}-seed$seed") permuted+=("$family-permuted-${precision[1]}-seed$seed")
      set -- train --config "cifar10_small_$family.yaml" --data "$SMLP_DATA/cifar10" --seed "$seed"
      launch "${plain[-1]}" "$@"
      launch "${permuted[-1]}" "$@" --set data.permute_pixels=1
    done
    [ -z "$counting" ] || continue
    kept "$family-step.json" bench step "cifar10_small_$family.yaml" --classes 10 "${precision[@]}"
    kept "$family-shifts.json" eval "$OUT/${plain[0]}" --shifts 4
    mapfile -t values < <(
      for key in parameters macs images_per_s; do sed -n "s/^ *\"$key\": \([0-9.]*\),*$/\1/p" "$OUT/$family-step.json"; done
      measure cifar10 "${plain[@]}" && echo
      measure cifar10 "${permuted[@]}" && echo
      agreement "$OUT/$family-shifts.json")
    line=$(printf '%-26s' "$family")
    for i in "${!shown_columns[@]}"; do
      cell "$family" "${shown_columns[i]}" "$(awk -v i="$i" -v value="${values[i]}" 'BEGIN { printf i < 3 ? "%.0f" : "%.2f", value }')"
    done
    echo "$line"
  done
}
reproduce families "Families at equal parameters, CIFAR-10"
