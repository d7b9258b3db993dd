#!/usr/bin/env bash
# Sets up, builds and runs the tests: test.sh [--long] [--preset release|asan] [ctest's options]
# --long adds those that train for minutes. With SMLP_TEST_DATA=cifar10-jpeg.tar.xz (CIFAR-10 as class folders of JPEG files
# below train/ and test/) two tests pack its images and train on them.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=release
label=(-LE long)
while [ $# -gt 0 ]; do
  case $1 in
    --long) label=() ;;
    --preset) preset=${2:?--preset needs release or asan}; shift ;;
    -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
    *) break ;;
  esac
  shift
done
scripts/build.sh "$preset" all
if [ -e .deps/environment.sh ]; then . .deps/environment.sh; fi
if [ -z "${SMLP_TEST_DATA:-}" ]; then
  echo "skipped: the tests on CIFAR-10's real images (SMLP_TEST_DATA names no cifar10-jpeg.tar.xz)"
fi
exec ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "${label[@]}" "$@"
