#!/usr/bin/env bash
# Table 1: S-MLP and B-MLP of depth 6 from scratch, top-1 in % after so many epochs, without and with augmentation (DA).
small_columns=(cifar10 tiny-imagenet)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
columns cifar10 cifar100 tiny-imagenet imagenet
if [ "$SCALE" = full ]; then
  short=100 middle=1000 long=5000
  recipe() { options=(--config "scratch_${1}6.yaml" --epochs "$2" "${@:3}"); }
else
  short=5 middle=15 long=30
  recipe() {
    options=(--config tiny_imagenet_pretrain.yaml --model "${1^^}-6/256" --epochs "$2" "${@:3}")
  }
fi

# from_scratch LABEL s|b EPOCHS PAPER… [-- OPTIONS…]
from_scratch() {
  local label=$1 model=$2 epochs=$3 paper=("${@:4:4}") options
  recipe "$model" "$epochs" "${@:9}"
  row "$label @ $epochs" scratch "${label// /}@$epochs" "${paper[@]}" -- "${options[@]}"
}

experiment() {
  from_scratch "S-MLP" s $short 54.2 28.8 8.5 9.2 -- "${without_augmentation[@]}"
  from_scratch "S-MLP + DA" s $middle 68.9 43.3 25.2 24.3
  from_scratch "S-MLP + DA" s $long 72.3 44.5 27.3 26.8
  from_scratch "B-MLP" b $short 58.1 30.5 8.9 8.7 -- "${without_augmentation[@]}"
  from_scratch "B-MLP + DA" b $middle 70.1 48.3 27.2 28.7
  from_scratch "B-MLP + DA" b $long 75.4 50.4 31.2 31.7
}
reproduce table1 "Table 1, from scratch"
