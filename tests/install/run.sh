#!/usr/bin/env bash
# Installs a build, then builds and runs two programs with it alone: run.sh BUILD SCRATCH
set -euo pipefail
build=$(realpath "$1")
scratch=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
cmake --install "$build" --prefix "$scratch/prefix" > "$scratch/install.log"
cmake -S "$here" -B "$scratch/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" > "$scratch/consumer.log"
ninja -C "$scratch/consumer" >> "$scratch/consumer.log" || { cat "$scratch/consumer.log"; exit 1; }

rm -rf "$scratch/runs"
said=$(cd "$scratch" && "$scratch/consumer/consumer" "$scratch/runs" 2> "$scratch/consumer.err") || { cat "$scratch/consumer.err"; exit 1; }
echo "consumer: $said"
grep -qE '^steps [0-9]+, images 4000, top1 [0-9.]+' <<< "$said"
ls "$scratch"/runs/*/checkpoints/last/state.json "$scratch/runs/exported/model.safetensors" > /dev/null
said=$("$scratch/consumer/own_module")
echo "$said"
awk '{exit !($5 == "top1" && $6 > 40)}' <<< "${said/,/}"
cd "$scratch"  # the sources' configs must not be what is found
"$scratch/prefix/bin/smlp" --help > /dev/null
"$scratch/prefix/bin/smlp" config show quickstart.yaml > /dev/null
ls "$scratch"/prefix/share/smlp/configs/quickstart.yaml
