#!/usr/bin/env bash
# Structured layers at equal compute ("Compute Better Spent" finds block tensor trains better than dense layers): CIFAR-10 with
# permuted pixels, as there, five epochs; multiply-adds and error in % of residual MLPs of depth 3 and growing width whose every
# layer but the head has that structure, with the factors' rates as there (factor_rates) and with one rate for all.
# The rate falls as width grows.
#
# An hour and a half on one CPU core.
SCALE=own
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
shown_columns=(width MACs "error, %" "one rate")

variant() { # LABEL WIDTH MODEL-KEYS…
  local name="structures-$1-$2" key rates options=() errors=()
  for key in name=sparse_mlp structured_input=true depth=3 "width=$2" "${@:3}"; do options+=(--set "model.$key"); done
  for rates in true false; do
    [ "$1-$rates" != dense-false ] || continue
    launch "$name-$rates" train --config cifar10_small_b_mlp.yaml --data "$SMLP_DATA/cifar10" --set data.permute_pixels=1 \
      --set "optim.lr=$(awk "BEGIN { print 0.024 / $2 }")" "${options[@]}" --set "model.factor_rates=$rates"
    [ -n "$counting" ] || errors+=("$(measure cifar10 "$name-$rates" | awk '{ printf "%.2f", 100 - $1 }')")
  done
  [ -z "$counting" ] || return 0
  line=$(printf '%-26s' "$1")
  cell "$1-$2" width "$2"
  cell "$1-$2" MACs "$("$SMLP" info "$OUT/$name-true" | sed -n 's/^all *[0-9]* *\([0-9]*\).*/\1/p')"
  cell "$1-$2" error "${errors[0]}"
  cell "$1-$2" "one rate" "${errors[1]:--}"
  echo "$line"
}
experiment() {
  local width
  for width in 32 64 128 256; do variant dense "$width" structure=dense; done
  for width in 128 256 512 1024; do
    variant low_rank "$width" structure=low_rank rank=16
    variant kronecker "$width" structure=kronecker rank=4
    variant btt "$width" structure=btt rank=2
    variant monarch "$width" structure=monarch blocks=16
  done
}
reproduce structures "Structures at equal compute, CIFAR-10 with permuted pixels"
