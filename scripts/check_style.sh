#!/usr/bin/env bash
# clang-format and the order of the rooms: check_style.sh [--fix]
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' '*.cu')
if [ "${1:-}" = --fix ]; then
  clang-format -i "${files[@]}"
else
  clang-format --dry-run --Werror "${files[@]}"
fi
scripts/check_includes.sh
echo "style: ${#files[@]} files are formatted and include only rooms below their own"
