#!/usr/bin/env bash
# With the whole wheel, on a machine without a CUDA device: LibTorch's CUDA half loads into the same program, and is
# said to have no device; with one, it trains as on a CPU. check_cuda_half.sh PROGRAM SCRATCH
set -euo pipefail
program=$(realpath "$1")
scratch=$(realpath "$2")
cd "$(dirname "$0")/.."
scripts/setup.sh --cuda --torch-folder "$scratch/torch-cuda"
export LD_LIBRARY_PATH=$scratch/torch-cuda/torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

"$program" info --system | tee "$scratch/system.txt"
grep -q "loaded, $scratch/torch-cuda/torch/lib/libtorch_cuda.so" "$scratch/system.txt"
if ! grep -q 'CUDA devices *none' "$scratch/system.txt"; then
  for device in cuda cpu; do
    "$program" train --config quickstart.yaml --device $device --epochs 2 --precision fp32 --output "$scratch" \
      --name "on-$device" | tee "$scratch/$device.txt"
  done
  python3 - "$scratch" << 'END'
import re, sys
top1 = {d: float(re.search(r"last .* top1 +([0-9.]+)", open(f"{sys.argv[1]}/{d}.txt").read())[1]) for d in ("cuda", "cpu")}
assert abs(top1["cuda"] - top1["cpu"]) < 2, top1
END
else
  code=0
  "$program" train --config quickstart.yaml --set device.type=cuda --dry-run --output "$scratch" 2> "$scratch/refused.txt" || code=$?
  cat "$scratch/refused.txt"
  [ "$code" = 1 ] && grep -q 'no usable CUDA device' "$scratch/refused.txt"
fi
rm -rf "$scratch/torch-cuda"  # 4.7 GB
