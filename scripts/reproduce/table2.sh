#!/usr/bin/env bash
# Table 2: pretrained models fine-tuned, top-1 in %, mean over SEEDS; the last row with test-time augmentation.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
columns cifar10 cifar100 stl10 tiny-imagenet imagenet imagenet-real

experiment() {
  pretrain b6-plain "$B6" "${without_augmentation[@]}"
  pretrain b6 "$B6"
  pretrain b12 "$B12"
  row "$B6" finetune b6-plain 69.9 43.0 51.5 47.1 15.2 20.3
  row "$B6 + DA" finetune b6 91.5 76.4 85.0 62.7 38.7 47.0
  row "$B12 + DA" finetune b12 94.2 80.0 89.9 69.9 43.3 48.6
  row "$B12 + DA + TTA" crops b12 95.5 82.6 92.2 73.1 51.5 57.9
}
reproduce table2 "Table 2, fine-tuned"
