#!/usr/bin/env bash
# Figure 4: batch size and epochs of pretraining against the error in % of a linear probe on CIFAR-100 (small: CIFAR-10).
# The paper's curves have no printed values; it finds larger batches better. Batch sizes but its 16,384 are ours.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
columns cifar100
if [ "$SCALE" = full ]; then
  batches=(1024 4096 16384) epochs=(50 100 200 400 800)
else
  batches=(64 256 1024) epochs=(5 10 20)
fi

images() { sed -n 's/.*"images": \([0-9]*\).*/\1/p' "$SMLP_DATA/$PRETRAINING_SET/train/dataset.json"; }
probe_at() { # PRETRAINED SET EPOCH BATCH: the error
  local step name="$1--probe-$2-epoch$3" top1
  step=$(printf 'step-%09d' $((($3 * $(images) + $4 - 1) / $4)))
  launch "$name" probe --from "$OUT/$1/checkpoints/$step" --data "$SMLP_DATA/$2" "${probing[@]}"
  top1=$(measure "$2" "$name") || exit $?
  [ -n "$counting" ] || awk -v top1="$top1" 'BEGIN { printf "%.2f", 100 - top1 }'
}

experiment() {
  local batch epoch
  for batch in "${batches[@]}"; do
    pretrain "b6-batch$batch" "$B6" -b "$batch" --set "checkpoint.keep_epochs=[$(IFS=,; echo "${epochs[*]}")]"
    for epoch in "${epochs[@]}"; do
      row "batch $batch, epoch $epoch" probe_at "b6-batch$batch" -- "$epoch" "$batch"
    done
  done
}
reproduce figure4 "Figure 4, error of a linear probe"
