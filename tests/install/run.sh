#!/usr/bin/env bash
# Installs a build, then builds and runs the consumer with it alone: run.sh BUILD SCRATCH
set -euo pipefail
build=$(realpath "$1")
scratch=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
cmake --install "$build" --prefix "$scratch/prefix" > "$scratch/install.log"
cmake -S "$here" -B "$scratch/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" > "$scratch/consumer.log"
ninja -C "$scratch/consumer" >> "$scratch/consumer.log" || { cat "$scratch/consumer.log"; exit 1; }

shape=$("$scratch/consumer/consumer")
echo "consumer: $shape"
[ "$shape" = "[2, 10]" ]
cd "$scratch"  # the sources' configs must not be what is found
"$scratch/prefix/bin/smlp" --help > /dev/null
"$scratch/prefix/bin/smlp" config show quickstart.yaml > /dev/null
ls "$scratch"/prefix/share/smlp/configs/quickstart.yaml
