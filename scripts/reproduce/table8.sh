#!/usr/bin/env bash
# Table 8: a wide S-MLP beside a B-MLP, pretrained and fine-tuned, top-1 in %. As in Table 4, fine-tuning is our guess.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
columns cifar10 cifar100 tiny-imagenet imagenet

experiment() {
  pretrain b6 "$B6"
  pretrain s6-wide "$S6_WIDE"
  row "$B6" finetune b6 90.0 74.6 59.6 36.2
  row "$S6_WIDE" finetune s6-wide 87.1 68.3 52.1 30.2
}
reproduce table8 "Table 8, S-MLP"
