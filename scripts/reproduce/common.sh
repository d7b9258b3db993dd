# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share. Each defines `experiment`, a list of trainings and rows, and calls
# `reproduce NAME TITLE`, which goes through that list twice: to add up what it costs, then to do it.
#
#   SCALE=full     the paper's models, ImageNet-21k and epochs; for a CUDA GPU (the default)
#   SCALE=small    small models, Tiny-ImageNet for pretraining, CIFAR-10 below it; under an hour on two CPU cores
#   SMLP_DATA      packed sets by these names: cifar10 cifar100 stl10 tiny-imagenet imagenet imagenet21k
#   OUT            where runs and results go (runs/reproduce-SCALE); runs found there are used or gone on with,
#                  also a checkpoint of `smlp import` in the place of a pretraining
#   SEEDS          seeds of each fine-tuning, averaged (full: "0 1 2", small: "0")
#   SMLP           the program (scripts/smlp)
set -euo pipefail
SCALE=${SCALE:-full}
OUT=${OUT:-runs/reproduce-$SCALE}
SMLP=${SMLP:-$(dirname "${BASH_SOURCE[0]}")/../smlp}
: "${SMLP_DATA:?is not set: the folder of the packed data sets}"
export SMLP_DATA

case $SCALE in
full)
  B6=B-6/1024 B12=B-12/1024 S6_WIDE=S-6/2048 SEEDS=${SEEDS:-0 1 2} CROPS=100 PRETRAINING_SET=imagenet21k
  pretraining=(--config paper_pretrain.yaml)
  finetuning=() probing=()
  ;;
small)
  B6=B-6/256 B12=B-12/256 S6_WIDE=S-6/512 SEEDS=${SEEDS:-0} CROPS=20 PRETRAINING_SET=tiny-imagenet
  pretraining=(--config tiny_imagenet_pretrain.yaml)
  finetuning=(--epochs 10 -b 256)
  probing=(--lr 5e-5)
  ;;
*)
  echo "SCALE is '$SCALE', expected full or small" >&2
  exit 2
  ;;
esac
without_augmentation=(--set augment.crop=null --set augment.flip=0.0 --set augment.mixup=0.0)

declare -A model_of skipped
counting=""
eval_options=()

fail() {
  echo "error: $1" >&2
  exit 1
}

# have SET: whether it is packed; names it once when not.
have() {
  [ -e "$SMLP_DATA/$1/train/dataset.json" ] && return
  [ -n "${skipped[$1]:-}" ] || echo "skipped: $1: no packed data set in $SMLP_DATA/$1 (smlp pack --help)" >&2
  skipped[$1]=yes
  return 1
}

# The columns of the table: packed sets, those that are here.
columns() {
  all_columns=("$@")
  [ "$SCALE" = full ] || all_columns=("${small_columns[@]:-cifar10}")
}

# launch NAME COMMAND OPTIONS…: a run of that name, made once and shared by all scripts.
launch() {
  local name=$1 run="$OUT/$1"
  shift
  [ ! -e "$run/model.safetensors" ] && [ ! -e "$run/finished" ] || return 0
  if [ -n "$counting" ]; then
    count "$name" "$@"
    return
  fi
  echo "$(date +%T) $name" >&2
  "$SMLP" "$@" --name "$name" --output "$OUT" --resume auto >> "$OUT/$name.log" 2>&1 ||
    fail "$name: $(tail -n 1 "$OUT/$name.log") (the whole output: $OUT/$name.log)"
  touch "$run/finished"
}

# count NAME COMMAND OPTIONS…: adds what the run would cost. A transfer is counted as a training of its model: the
# checkpoint it starts from may not be there yet.
count() {
  local name=$1 command=$2 model words=() cost
  shift 2
  model=${model_of[${name%%--*}]:-}
  case $command in
  train) words=("$@") ;;
  *) words=(--config "$command.yaml" --model "$model" "${@:3}") ;;  # without --from CHECKPOINT
  esac
  [ -z "${counted[$name]:-}" ] || return 0
  counted[$name]=yes
  cost=$("$SMLP" train "${words[@]}" --device cpu --precision fp32 --dry-run 2>&1) || fail "$name: $cost"
  awk -v name="$name" '
    function value(text) { return text * (10 ^ (3 * index("kMGTPE", substr(text, match(text, /[kMGTPE]/), 1)))) }
    $1 == "images" { images = $2 }
    $1 == "compute" { sub(/MACs$/, "", $6); macs = $6 }
    END { printf "%s\t%s\t%s\t%.4g\t%.4g\n", name, images, macs, value(images), value(macs) }' \
    <<< "$cost" >> "$costs"
}

# pretrain NAME MODEL OPTIONS…
pretrain() {
  model_of[$1]=$2
  have "$PRETRAINING_SET" || return 0
  launch "$1" train "${pretraining[@]}" --model "$2" --data "$PRETRAINING_SET" "${@:3}"
}

# What a column of a row holds; each trains what it needs and prints a top-1 accuracy in %.
# scratch NAME SET OPTIONS… | finetune PRETRAINED SET | probe PRETRAINED SET | crops PRETRAINED SET
scratch() {
  launch "$1--$2" train --data "$2" "${@:3}"
  measure "$2" "$OUT/$1--$2"
}
finetune() {
  local seed runs=()
  for seed in $SEEDS; do
    launch "$1--finetune-$2-seed$seed" finetune --from "$OUT/$1" --data "$2" --seed "$seed" "${finetuning[@]}"
    runs+=("$OUT/$1--finetune-$2-seed$seed")
  done
  measure "$2" "${runs[@]}"
}
crops() {
  finetune "$1" "$2" > /dev/null
  eval_options=(--tta "$CROPS")
  finetune "$1" "$2"
  eval_options=()
}
probe() {
  launch "$1--probe-$2" probe --from "$OUT/$1" --data "$2" "${probing[@]}"
  measure "$2" "$OUT/$1--probe-$2"
}

# Of the first layer of a pretrained model, or of an untrained one: how alike neighbouring weights are; a picture.
neighbours() {
  [ -z "$counting" ] || return 0
  local subject=$OUT/$1
  [ "$1" != untrained ] || subject=$B6
  "$SMLP" viz "$subject" -o "$OUT/$1-first-layer.png" | awk 'NR == 2 { printf "%s", $NF }'
}
picture() { # NAME SUBJECT…
  [ -z "$counting" ] && have "$PRETRAINING_SET" || return 0
  "$SMLP" viz "${@:2}" -o "$OUT/$1.png" | tail -n 1
}

# measure SET RUN…: the mean of the runs' accuracy; ReaL's where the column asks for it.
measure() {
  local run key=top1 options=(${eval_options[@]+"${eval_options[@]}"})
  [ -z "$counting" ] || return 0
  if [ -n "${real:-}" ]; then key=real options+=(--real-labels); fi
  for run in "${@:2}"; do
    "$SMLP" eval "$run" --data "$1" --json ${options[@]+"${options[@]}"} 2> /dev/null |
      sed -n "s/^  \"$key\": \([0-9.]*\),*$/\1/p" | head -n 1
  done | awk '{ sum += $1 } END { if (NR) printf "%.2f", sum / NR; else print "-" }'
}

# row LABEL KIND NAME PAPER… [-- OPTIONS…]: a line of the table, one value a column; the paper's, - for none, come in
# the columns' order. Options go to the kind.
row() {
  local label=$1 kind=$2 name=$3 values=() options=() i set ours
  shift 3
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    values+=("$1")
    shift
  done
  [ $# -eq 0 ] || options=("${@:2}")
  [ -n "$counting" ] || printf '%-26s' "$label"
  for i in "${!all_columns[@]}"; do
    set=${all_columns[$i]} ours=-
    if have "${set%-real}" && { [ "$kind" = scratch ] || have "$PRETRAINING_SET" || has_weights "$name"; }; then
      real=${set#"${set%-real}"}
      if [ -n "$counting" ]; then
        "$kind" "$name" "${set%-real}" ${options[@]+"${options[@]}"}
      elif [ -z "$real" ] || [ -e "$SMLP_DATA/${set%-real}/test/real_labels.json" ]; then
        ours=$("$kind" "$name" "${set%-real}" ${options[@]+"${options[@]}"})
      fi
    fi
    [ -n "$counting" ] || cell "$label" "$set" "$ours" "${values[$i]:--}"
  done
  [ -n "$counting" ] || echo
}
has_weights() { [ -e "$OUT/$1/model.safetensors" ] || [ -e "$OUT/$1/checkpoints/last" ]; }
cell() {
  printf '  %16s' "$3 ($4)"
  echo "\"$1\",$2,$3,$4" >> "$csv"
}

# reproduce NAME TITLE: what it costs, then the table, and NAME.csv.
reproduce() {
  csv="$OUT/$1.csv" costs=$(mktemp) counting=yes
  declare -gA counted=()
  mkdir -p "$OUT"
  trap 'rm -f "$costs"' EXIT
  experiment
  awk -F '\t' '
    BEGIN { print "cost of what is not done yet (MACs: three times a forward pass)" }
    { printf "  %-44s %8s images  %8sMACs\n", $1, $2, $3; images += $4; macs += $5 }
    END { printf "  %-44s %8.3g images  %8.3g PMACs\n\n", NR " trainings", images, macs / 1e15 }' "$costs"
  [ -z "${DRY_RUN:-}" ] || return 0
  counting=
  echo "$2: ours (the paper's)"
  [ "$SCALE" = full ] || echo "SCALE=small: $B6 and the like, pretrained on Tiny-ImageNet: compare directions, not values"
  header
  echo "row,set,ours,paper" > "$csv"
  experiment
  echo "written: $csv"
}
header() {
  local set
  printf '%-26s' ''
  for set in "${all_columns[@]}"; do printf '  %16s' "$set"; done
  echo
}
