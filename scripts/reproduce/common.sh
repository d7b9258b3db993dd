# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share. Each defines `experiment`, a list of trainings and rows, and calls
# `reproduce NAME TITLE`, which goes through that list twice: to add up what it costs, then to do it.
#
#   SCALE=full     the paper's models, ImageNet-21k and epochs; for a CUDA GPU (the default)
#   SCALE=small    models of width 256 pretrained on Tiny-ImageNet for 20 epochs (batch 256, rate 1e-4, crops from 0.4 on),
#                  CIFAR-10 to transfer to (10 epochs; probes at rate 5e-5); for two CPU cores, under an hour each
#                  Experiments that have one size, for two CPU cores, set it to `own`, and have no values of a paper's.
#   SMLP_DATA      packed sets by these names: cifar10 cifar100 stl10 tiny-imagenet imagenet imagenet21k
#   OUT            where runs and results go (runs/reproduce-SCALE); runs found there are used or gone on with,
#                  also a checkpoint of `smlp import` in the place of a pretraining
#   SEEDS          seeds of each fine-tuning, averaged (full: "0 1 2", else: "0")
#   DRY_RUN=1      print the cost and stop
#   SMLP           the program (scripts/smlp)
#
# Ctrl-C stops script and training, and the same command goes on. A signal to the script alone does not reach the training.
# The exit code is that of the smlp command that failed.
set -euo pipefail
SCALE=${SCALE:-full}
OUT=$(realpath -m "${OUT:-runs/reproduce-$SCALE}")
SMLP=${SMLP:-$(dirname "${BASH_SOURCE[0]}")/../smlp}
: "${SMLP_DATA:?is not set: the folder of the packed data sets}"
SMLP_DATA=$(realpath -m "$SMLP_DATA")

case $SCALE in
full)
  B6=B-6/1024 B12=B-12/1024 S6_WIDE=S-6/2048 SEEDS=${SEEDS:-0 1 2} CROPS=100 PRETRAINING_SET=imagenet21k
  pretraining=(--config paper_pretrain.yaml)
  finetuning=() probing=() precision=(--precision tf32) # the published code's, also where bf16 could be had
  ;;
small)
  B6=B-6/256 B12=B-12/256 S6_WIDE=S-6/512 SEEDS=${SEEDS:-0} CROPS=20 PRETRAINING_SET=tiny-imagenet
  pretraining=(--config tiny_imagenet_pretrain.yaml)
  finetuning=(--epochs 10 -b 256)
  probing=(--lr 5e-5) precision=()
  ;;
own) SEEDS=${SEEDS:-0} precision=(--precision "${PRECISION:-bf16}") ;;
*)
  echo "SCALE is '$SCALE', expected full or small" >&2
  exit 2
  ;;
esac
without_augmentation=(--set augment.crop=null --set augment.flip=0.0 --set augment.mixup=0.0)

declare -A model_of skipped counted
counting=""
eval_options=()

fail() { # MESSAGE [EXIT CODE]
  echo "error: $1" >&2
  exit "${2:-1}"
}
skip() { # WHAT REASON, said once
  [ -n "${skipped[$1]:-}" ] || echo "skipped: $1: $2" >&2
  skipped[$1]=yes
}

# have COLUMN: whether the data for it is here. COLUMN is a set's name, or SET-real for its ReaL labels.
have() {
  local set=${1%-real}
  if [ ! -e "$SMLP_DATA/$set/train/dataset.json" ]; then
    skip "$set" "no packed data set in $SMLP_DATA/$set (smlp pack --help)"
    return 1
  fi
  [ "$set" = "$1" ] || [ -e "$SMLP_DATA/$set/test/real_labels.json" ] ||
    { skip "$1" "no ReaL labels in $SMLP_DATA/$set (smlp pack --real-labels)" && return 1; }
}
has_weights() {
  [ -e "$OUT/$1/model.safetensors" ] || compgen -G "$OUT/$1/checkpoints/step-*/model.safetensors" > /dev/null
}

# The columns of the table, as the paper has them; SCALE=small shows those of small_columns.
columns() {
  paper_columns=("$@")
  shown_columns=("$@")
  [ "$SCALE" = full ] || shown_columns=("${small_columns[@]:-cifar10}")
}
paper_value() { # COLUMN VALUE…, the values in the order of the paper's columns
  local column=$1 i
  shift
  for i in "${!paper_columns[@]}"; do
    [ "${paper_columns[$i]}" != "$column" ] || { echo "${@:i+1:1}" && return; }
  done
}

# launch NAME COMMAND OPTIONS…: a run of that name, made once and shared by all scripts.
launch() {
  local name=$1 run="$OUT/$1" code=0
  shift
  [ ! -e "$run/model.safetensors" ] && [ ! -e "$run/finished" ] || return 0
  if [ -n "$counting" ]; then
    count "$name" "$@"
    return
  fi
  echo "$(date +%T) $name" >&2
  "$SMLP" "$@" "${precision[@]}" --name "$name" --output "$OUT" --resume auto >> "$OUT/$name.log" 2>&1 || code=$?
  [ $code = 0 ] || fail "$name: $(tail -n 1 "$OUT/$name.log") (the whole output: $OUT/$name.log)" $code
  touch "$run/finished"
}

# count NAME COMMAND OPTIONS…: adds what the run would cost. A transfer is counted as a training of its model: the
# checkpoint it starts from may not be there yet.
count() {
  local name=$1 command=$2 words=() base=() cost
  shift 2
  [ -z "${counted[$name]:-}" ] || return 0
  counted[$name]=yes
  words=("$@")
  if [ "$command" != train ]; then
    mapfile -t base <<< "${model_of[${name%%--*}]}"
    words=(--config "$command.yaml" "${base[@]}" "${@:3}") # without --from CHECKPOINT
  fi
  cost=$("$SMLP" train "${words[@]}" --device cpu --precision fp32 --dry-run 2>&1) || fail "$name: $cost" $?
  awk -v name="$name" '
    function value(text) { return text * (10 ^ (3 * index("kMGTPE", substr(text, match(text, /[kMGTPE]/), 1)))) }
    $1 == "images" { images = $2 }
    $1 == "compute" { macs = $7 }
    END { printf "%s\t%s\t%s\t%.4g\t%.4g\n", name, images, macs, value(images), value(macs) }' \
    <<< "$cost" >> "$costs"
}

# pretrain NAME MODEL OPTIONS…
pretrain() {
  local model=(--model "$2") option
  for option in "${@:3}"; do [[ $option != model.* ]] || model+=(--set "$option"); done
  model_of[$1]=$(printf '%s\n' "${model[@]}")
  [ ! -e "$OUT/$1/model.safetensors" ] || return 0
  have "$PRETRAINING_SET" || return 0
  launch "$1" train "${pretraining[@]}" --model "$2" --data "$SMLP_DATA/$PRETRAINING_SET" "${@:3}"
}

# What fills a cell: each trains what it needs and prints a top-1 accuracy in %.
# scratch NAME COLUMN OPTIONS… | finetune PRETRAINED COLUMN | crops PRETRAINED COLUMN | probe PRETRAINED COLUMN
scratch() {
  launch "$1--$2" train --data "$SMLP_DATA/$2" "${@:3}"
  measure "$2" "$1--$2"
}
finetune() {
  local seed set=${2%-real} runs=()
  for seed in $SEEDS; do
    launch "$1--finetune-$set-seed$seed" finetune --from "$OUT/$1" --data "$SMLP_DATA/$set" --seed "$seed" \
      "${finetuning[@]}"
    runs+=("$1--finetune-$set-seed$seed")
  done
  measure "$2" "${runs[@]}"
}
crops() {
  eval_options=(--tta "$CROPS")
  finetune "$1" "$2"
  eval_options=()
}
probe() {
  launch "$1--probe-$2" probe --from "$OUT/$1" --data "$SMLP_DATA/$2" "${probing[@]}"
  measure "$2" "$1--probe-$2"
}

# kept FILE BENCH-OR-EVAL OPTIONS…: the JSON of a measurement, made once.
kept() {
  [ -e "$OUT/$1" ] && return 0
  "$SMLP" "${@:2}" --json > "$OUT/$1.part" 2> "$OUT/$1.log" || fail "$1: $(tail -n 1 "$OUT/$1.log")" $?
  mv "$OUT/$1.part" "$OUT/$1"
}

# value_of KEY FILE: of an evaluation; nothing where it was not made, or by a version that had no such key.
value_of() {
  [ ! -e "$2" ] || sed -n "s/^  \"$1\": \([0-9.]*\),*$/\1/p" "$2"
}

# measure COLUMN RUN…: the runs' mean accuracy, ReaL's for SET-real. An evaluation is made once, and kept beside its run.
measure() {
  local column=$1 set=${1%-real} key=top1 run file value values=() options=("${eval_options[@]}")
  [ -z "$counting" ] || return 0
  [ ! -e "$SMLP_DATA/$set/test/real_labels.json" ] || options+=(--real-labels)
  [ "$set" = "$column" ] || key=real
  [ ${#eval_options[@]} -eq 0 ] || key=tta_$key
  for run in "${@:2}"; do
    file="$OUT/$run/eval$(printf %s "${options[@]}").json"
    if [ -z "$(value_of $key "$file")" ]; then
      "$SMLP" eval "$OUT/$run" --data "$SMLP_DATA/$set" --json "${options[@]}" > "$file.part" 2> "$OUT/$run.eval.log" ||
        fail "eval of $run: $(tail -n 1 "$OUT/$run.eval.log")" $?
      mv "$file.part" "$file"
    fi
    value=$(value_of $key "$file")
    [ -n "$value" ] || fail "$file says no $key"
    values+=("$value")
  done
  printf '%s\n' "${values[@]}" | awk '{ sum += $1 } END { printf "%.2f", sum / NR }'
}

# row LABEL KIND NAME PAPER… [-- OPTIONS…]: a line of the table, a value of that kind in each column; the paper's, - for
# none, come in the order of its columns. Options go to the kind.
row() {
  local label=$1 kind=$2 name=$3 paper=() options=() column ours
  shift 3
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    paper+=("$1")
    shift
  done
  [ $# -eq 0 ] || options=("${@:2}")
  line=$(printf '%-26s' "$label")
  for column in "${shown_columns[@]}"; do
    ours=-
    if have "$column" && { [ "$kind" = scratch ] || has_weights "$name" || have "$PRETRAINING_SET"; }; then
      if [ -n "$counting" ]; then
        "$kind" "$name" "$column" "${options[@]}"
      else
        ours=$("$kind" "$name" "$column" "${options[@]}") || exit $?
      fi
    fi
    [ -n "$counting" ] || cell "$label" "$column" "$ours" "$(paper_value "$column" "${paper[@]}")"
  done
  [ -n "$counting" ] || echo "$line"
}
cell() { # ROW COLUMN OURS PAPER: appends to the row's line, and to the file
  local shown="$3 (${4:--})"
  [ "$SCALE" != own ] || shown=$3
  line+=$(printf '  %16s' "$shown")
  echo "\"$1\",$2,$3,${4:--}" >> "$csv"
}

# Of first layers, of pretrained models or a model's name: how alike neighbouring weights are, and a picture of all.
first_layers() { # PICTURE SUBJECT…
  local picture=$OUT/$1.png subjects=() subject value
  [ -z "$counting" ] || return 0
  shift
  for subject in "$@"; do
    if has_weights "$subject"; then subjects+=("$OUT/$subject"); elif [ "$subject" = "$B6" ]; then subjects+=("$B6"); fi
  done
  "$SMLP" viz "${subjects[@]}" -o "$picture" > "$picture.txt" || fail "viz: $picture" $?
  sed -E '1d;$d;s/ +([^ ]+)$/\t\1/' "$picture.txt" | while IFS=$'\t' read -r subject value; do
    [ "$subject" != "$B6" ] || subject=untrained
    line=$(printf '%-26s' "${subject##*/}")
    cell "${subject##*/}" correlation "$value" -
    echo "$line"
  done
  tail -n 1 "$picture.txt"
}

# reproduce NAME TITLE: what it costs, then the table, and NAME.csv.
reproduce() {
  csv="$OUT/$1.csv.part" costs=$(mktemp) counting=yes
  mkdir -p "$OUT"
  trap 'rm -f "$costs"' EXIT
  experiment
  awk -F '\t' '
    BEGIN { print "cost of what is not done yet (MACs: three times a forward pass)" }
    { printf "  %-44s %8s images  %8s MACs\n", $1, $2, $3; images += $4; macs += $5 }
    END { printf "  %-44s %8.3g images  %8.3g PMACs\n\n", NR " trainings", images, macs / 1e15 }' "$costs"
  [ -z "${DRY_RUN:-}" ] || return 0
  counting=""
  echo "$2$([ "$SCALE" = own ] || echo ": ours (the paper's)")"
  [ "$SCALE" != small ] || echo "SCALE=small: $B6 and the like, pretrained on Tiny-ImageNet: compare directions, not values"
  printf '%-26s' ''
  printf '  %16s' "${shown_columns[@]}"
  echo
  echo "row,column,ours,paper" > "$csv"
  experiment
  mv "$csv" "$OUT/$1.csv"
  echo "written: $OUT/$1.csv"
}
