#!/usr/bin/env bash
# Table 6: linear probes of pretrained models, top-1 in %.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
columns cifar10 cifar100 stl10 tiny-imagenet imagenet

experiment() {
  pretrain b6-plain "$B6" "${without_augmentation[@]}"
  pretrain b6 "$B6"
  pretrain b12 "$B12"
  row "$B6" probe b6-plain 65.1 41.3 53.4 45.6 13.0
  row "$B6 + DA" probe b6 87.8 73.2 85.2 61.3 39.2
  row "$B12 + DA" probe b12 90.6 74.5 88.3 68.5 40.7
}
reproduce table6 "Table 6, linear probe"
