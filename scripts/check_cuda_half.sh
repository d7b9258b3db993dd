#!/usr/bin/env bash
# With the whole wheel, on a machine without a CUDA device: LibTorch's CUDA half loads into the same program, and is
# said to have no device. check_cuda_half.sh PROGRAM SCRATCH
set -euo pipefail
program=$(realpath "$1")
scratch=$(realpath "$2")
cd "$(dirname "$0")/.."
scripts/setup.sh --cuda --torch-folder "$scratch/torch-cuda"
export LD_LIBRARY_PATH=$scratch/torch-cuda/torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

"$program" info --system | tee "$scratch/system.txt"
grep -q "loaded, $scratch/torch-cuda/torch/lib/libtorch_cuda.so" "$scratch/system.txt"
if ! grep -q 'CUDA devices *none' "$scratch/system.txt"; then
  echo "a CUDA device is here: nothing to refuse"
else
  code=0
  "$program" train --config quickstart.yaml --set device.type=cuda --dry-run --output "$scratch" 2> "$scratch/refused.txt" || code=$?
  cat "$scratch/refused.txt"
  [ "$code" = 1 ] && grep -q 'no usable CUDA device' "$scratch/refused.txt"
fi
rm -rf "$scratch/torch-cuda"  # 4.7 GB
