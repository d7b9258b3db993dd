#!/usr/bin/env bash
# Installs what smlp is built with; run again, it does only what is missing.
#   scripts/setup.sh [--no-root] [--cuda] [--torch-folder DIR]
#     --no-root       no sudo: system packages are downloaded with apt and unpacked in .deps/system (a C++ compiler must be there)
#     --cuda          LibTorch with its CUDA libraries (4.7 GB) also where no NVIDIA driver is found
#     --torch-folder  LibTorch goes here instead of .deps/torch or .deps/torch-cuda
# What is found below CMAKE_PREFIX_PATH (conda, spack, by hand) is taken from there; LibTorch also from Torch_DIR.
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.11.0
no_root=false cuda=false torch_folder=
while [ $# -gt 0 ]; do
  case $1 in
    --no-root) no_root=true ;;
    --cuda) cuda=true ;;
    --torch-folder) torch_folder=${2:?--torch-folder needs a folder}; shift ;;
    -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "setup.sh: unknown option $1 (see scripts/setup.sh --help)" >&2; exit 2 ;;
  esac
  shift
done

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }

prefixes() { # folders that libraries may be installed in, one a line
  echo "${CMAKE_PREFIX_PATH:-}" | tr ':;' '\n\n'
  printf '%s\n' "$PWD/.deps/system/usr" /usr /usr/local
}
has_header() {
  local prefix
  while read -r prefix; do
    [ -n "$prefix" ] || continue
    compgen -G "$prefix/include/$1" > /dev/null || compgen -G "$prefix/include/*-linux-gnu/$1" > /dev/null && return 0
  done < <(prefixes)
  return 1
}
has_compiler() { command -v "${CXX:-c++}" > /dev/null || command -v g++ > /dev/null || command -v clang++ > /dev/null; }
has_certificates() { # root's rights are needed to put them together
  $no_root || [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ]
}
has_pip() { python3 -m pip --version > /dev/null 2>&1; }
torch_given() { # the user names a LibTorch of their own
  local prefix
  [ -z "${Torch_DIR:-}" ] || return 0
  while read -r prefix; do
    [ -n "$prefix" ] || continue
    for root in "$prefix" "$prefix/../.." "$prefix/torch"; do
      [ ! -e "$root/lib/libtorch_cpu.so" ] || return 0
    done
  done < <(echo "${CMAKE_PREFIX_PATH:-}" | tr ':;' '\n\n')
  return 1
}
has_driver() { [ -e /dev/nvidiactl ] || command -v nvidia-smi > /dev/null || ldconfig -p 2> /dev/null | grep -q 'libcuda\.so\.1'; }

missing_packages() {
  has_compiler || echo g++
  command -v cmake > /dev/null || echo cmake
  command -v ninja > /dev/null || echo ninja-build
  has_header CLI/CLI.hpp || echo libcli11-dev
  has_header yaml-cpp/yaml.h || echo libyaml-cpp-dev
  has_header spdlog/spdlog.h || echo libspdlog-dev
  has_header nlohmann/json.hpp || echo nlohmann-json3-dev
  has_header gtest/gtest.h || echo libgtest-dev
  has_header turbojpeg.h || echo libturbojpeg0-dev
  has_header zlib.h || echo zlib1g-dev
  has_header png.h || echo libpng-dev
  has_header webp/demux.h || echo libwebp-dev
  has_header gif_lib.h || echo libgif-dev
  has_header archive.h || echo libarchive-dev
  has_header xxhash.h || echo libxxhash-dev
  has_header stb/stb_easy_font.h || echo libstb-dev
  has_header curl/curl.h || echo libcurl4-openssl-dev
  has_header openssl/evp.h || echo libssl-dev
  has_certificates || echo ca-certificates
  torch_given || torch_complete || has_pip || echo python3-pip
}

install_packages() { # with root's rights
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || die "these packages are missing: $*. Install them as root (apt-get install $*), or run scripts/setup.sh --no-root."
    as_root=(sudo)
  fi
  say "installing with apt: $*"
  "${as_root[@]}" apt-get update -q > .deps/apt.log 2>&1 || { cat .deps/apt.log >&2; die "apt-get update failed"; }
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 "$@" < /dev/null >> .deps/apt.log 2>&1 ||
    { tail -n 30 .deps/apt.log >&2; die "apt-get install failed (all of it is in .deps/apt.log). Without root: scripts/setup.sh --no-root."; }
}

# A library whose package is installed in the system was not downloaded, but its development package's link expects it
# beside itself.
mend_links() {
  local link target real
  find .deps/system -xtype l | while read -r link; do
    target=$(readlink "$link")
    for real in "${link#.deps/system}" "$(dirname "${link#.deps/system}")/$target" "$target"; do
      if [ -e "$real" ] && [ "${real#/}" != "$real" ]; then
        ln -sf "$(dirname "$real")/$(basename "$target")" "$link"
        break
      fi
    done
  done
}

unpack_packages() { # without root's rights
  local apt=$PWD/.deps/apt package
  has_compiler || die "--no-root needs a C++ compiler (g++ 11 or clang 14, or newer), and there is none."
  say "downloading with apt and unpacking in .deps/system: $*"
  mkdir -p "$apt/lists/partial" "$apt/archives/partial" .deps/system/usr/{bin,lib,sbin,lib64}
  for package in bin lib sbin lib64; do ln -sfn "usr/$package" ".deps/system/$package"; done
  local options=(-o Debug::NoLocking=1 -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt" -o APT::Sandbox::User=)
  apt-get "${options[@]}" update -q > .deps/apt.log 2>&1 || { cat .deps/apt.log >&2; die "apt-get update failed"; }
  apt-get "${options[@]}" install -y -q --no-install-recommends --download-only "$@" >> .deps/apt.log 2>&1 ||
    { tail -n 30 .deps/apt.log >&2; die "the packages could not be downloaded (all of it is in .deps/apt.log)"; }
  for package in "$apt"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C .deps/system
  done
  mend_links
  rm -rf "$apt"
}

# For the other scripts: where the tools and libraries unpacked in .deps/system are.
write_environment() {
  local usr=$PWD/.deps/system/usr
  cat > .deps/environment.sh << END
usr='$usr'
export PATH="\$usr/bin:\$PATH"
for folder in "\$usr"/lib/*-linux-gnu "\$usr/lib"; do
  export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+\$LD_LIBRARY_PATH:}\$folder"
done
export PYTHONPATH="\${PYTHONPATH:+\$PYTHONPATH:}\$usr/lib/python3/dist-packages"
unset usr folder
END
}

torch_complete() { [ "$(cat "$torch_folder/.complete" 2> /dev/null)" = "$torch_contents" ]; }

install_torch() {
  # NVRTC compiles the kernels, here in the tests; CUDA's headers want crt/.
  local making=$torch_folder.partial wanted headers=(nvidia-cuda-nvrtc==13.0.88 nvidia-cuda-crt==13.0.88)
  if [ "$torch_part" = cuda ]; then
    wanted=("torch==$torch_version" "${headers[@]}")
    say "downloading LibTorch $torch_version with its CUDA libraries to $torch_folder (4.7 GB)"
  else
    # The two libraries of CUDA that libtorch_cpu.so itself is linked with.
    wanted=(--no-deps "torch==$torch_version" nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85 "${headers[@]}")
    say "downloading LibTorch $torch_version, CPU part, to $torch_folder (1.4 GB)"
  fi
  [ "$(uname -m)" = x86_64 ] || die "the wheel is pinned for x86-64, this is $(uname -m): name a LibTorch $torch_version with Torch_DIR"
  rm -rf "$making"
  mkdir -p "$making.tmp"
  # --target: nothing of the user's Python is touched, so PEP 668 does not apply. TMPDIR: the same disk.
  TMPDIR=$making.tmp python3 -m pip install -q --no-compile --only-binary=:all: --disable-pip-version-check --no-warn-conflicts \
    --root-user-action=ignore --target "$making" "${wanted[@]}" >&2 ||
    { rm -rf "$making" "$making.tmp"; die "LibTorch could not be downloaded; run this again, or name one with Torch_DIR"; }
  [ -e "$making/torch/lib/libtorch_cpu.so" ] || die "the wheel has no torch/lib/libtorch_cpu.so"
  echo "$torch_contents" > "$making/.complete"
  rm -rf "$making.tmp" "$torch_folder"
  mv "$making" "$torch_folder"
}

mkdir -p .deps
[ ! -e .deps/environment.sh ] || . .deps/environment.sh
if ! $cuda && has_driver; then
  say "an NVIDIA driver is there: LibTorch with CUDA"
  cuda=true
fi
torch_part=cpu
if $cuda; then torch_part=cuda; fi
torch_contents="$torch_version $torch_part, nvrtc"
default=.deps/torch
if $cuda; then default=.deps/torch-cuda; fi
torch_folder=$(realpath -m "${torch_folder:-$default}")

mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get > /dev/null ||
    die "missing, by their Debian names: ${missing[*]}. There is no apt here: install them your way and name their folder with CMAKE_PREFIX_PATH."
  if $no_root; then
    unpack_packages "${missing[@]}"
    write_environment
    . .deps/environment.sh
  else
    install_packages "${missing[@]}"
  fi
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -eq 0 ] || die "still missing after installing: ${missing[*]}"
fi

if torch_given; then
  say "LibTorch: the one of Torch_DIR or CMAKE_PREFIX_PATH"
elif torch_complete; then
  say "LibTorch $torch_version ($torch_part): there, in $torch_folder"
else
  install_torch
fi
say "done"
