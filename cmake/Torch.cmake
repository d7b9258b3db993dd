# Makes the target smlp::torch: LibTorch's headers with libtorch_cpu and libc10, and sets SMLP_TORCH_ROOT to the folder
# with its include/ and lib/. Every workaround for finding and linking LibTorch is in this file; it is installed too.
#
# find_package(Torch) is not used: with a CUDA build it wants a CUDA toolkit even to compile for a CPU, and its
# find_library() prefers a libc10.so of the system to the one beside it.
#
# Looked for in this order: SMLP_TORCH_ROOT, Torch_DIR, CMAKE_PREFIX_PATH (variable, then environment), SMLP_TORCH_DEFAULTS.

set(SMLP_TORCH_VERSION 2.11.0)
set(SMLP_TORCH_ROOT "" CACHE PATH "LibTorch: the folder with include/ and lib/ (empty: looked for)")

function(smlp_find_torch result)
  set(candidates ${SMLP_TORCH_ROOT})
  foreach(dir IN ITEMS "${Torch_DIR}" "$ENV{Torch_DIR}")
    if(dir)
      list(APPEND candidates "${dir}/../../..")
    endif()
  endforeach()
  string(REPLACE ":" ";" environment_prefixes "$ENV{CMAKE_PREFIX_PATH}")
  foreach(prefix IN LISTS CMAKE_PREFIX_PATH environment_prefixes)
    # A prefix, a wheel's torch.utils.cmake_prefix_path (…/torch/share/cmake), or a site-packages folder.
    list(APPEND candidates "${prefix}" "${prefix}/../.." "${prefix}/torch")
  endforeach()
  foreach(root IN LISTS candidates SMLP_TORCH_DEFAULTS)
    if(EXISTS "${root}/lib/libtorch_cpu.so" AND EXISTS "${root}/include/ATen/ATen.h")
      get_filename_component(root "${root}" REALPATH)
      set(${result} "${root}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "LibTorch ${SMLP_TORCH_VERSION} was not found (lib/libtorch_cpu.so with include/ATen). "
    "Run scripts/setup.sh, or name yours with -DTorch_DIR=…/share/cmake/Torch or -DCMAKE_PREFIX_PATH=….\n"
    "Looked in: ${candidates} ${SMLP_TORCH_DEFAULTS}")
endfunction()

function(smlp_check_torch_version root)
  foreach(header torch/headeronly/version.h torch/version.h torch/csrc/api/include/torch/version.h)
    if(EXISTS "${root}/include/${header}")
      file(STRINGS "${root}/include/${header}" lines REGEX "define TORCH_VERSION_(MAJOR|MINOR) ")
      string(REGEX MATCHALL "[0-9]+" numbers "${lines}")
      if(numbers)
        list(JOIN numbers "." found)
        break()
      endif()
    endif()
  endforeach()
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" wanted ${SMLP_TORCH_VERSION})
  if("${found}" STREQUAL "${wanted}" OR "$ENV{SMLP_ANY_TORCH}" OR SMLP_ANY_TORCH)
    return()
  endif()
  message(FATAL_ERROR "LibTorch in ${root} is version '${found}'; this program is made for ${wanted}. "
    "Give that version, or build with this one at your own risk: SMLP_ANY_TORCH=1 in the environment.")
endfunction()

# Links a function that takes and returns std::string: fails to link where the compiler's std::string is another one.
function(smlp_check_torch_abi root)
  if(SMLP_TORCH_ABI_OF STREQUAL "${root}")
    return()
  endif()
  set(source "${CMAKE_BINARY_DIR}/CMakeFiles/torch_abi.cpp")
  file(WRITE "${source}" "#include <string>\nnamespace c10 { std::string demangle(const char*); }\n"
    "int main() { return c10::demangle(\"i\").empty(); }\n")
  try_compile(linked "${CMAKE_BINARY_DIR}/CMakeFiles/torch_abi" "${source}"
    LINK_LIBRARIES "${root}/lib/libc10.so" OUTPUT_VARIABLE output)
  if(NOT linked)
    message(FATAL_ERROR "A program made by ${CMAKE_CXX_COMPILER} cannot be linked with LibTorch in ${root}: another "
      "C++ ABI (LibTorch ${SMLP_TORCH_VERSION} is made with _GLIBCXX_USE_CXX11_ABI=1 for x86-64), or a C++ library "
      "older than its own. Use g++ 11 or newer without -D_GLIBCXX_USE_CXX11_ABI=0. The linker said:\n${output}")
  endif()
  set(SMLP_TORCH_ABI_OF "${root}" CACHE INTERNAL "LibTorch whose ABI was checked")
endfunction()

# A folder with only LibTorch's own headers: beside them are copies of fmt and others, which must not hide those that
# spdlog was built with.
function(smlp_torch_headers root result)
  set(folder "${CMAKE_BINARY_DIR}/torch-headers")
  file(REMOVE_RECURSE "${folder}")
  file(MAKE_DIRECTORY "${folder}")
  foreach(name ATen c10 caffe2 torch)
    file(CREATE_LINK "${root}/include/${name}" "${folder}/${name}" SYMBOLIC)
  endforeach()
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

if(NOT TARGET smlp::torch)
  smlp_find_torch(smlp_torch_root)
  smlp_check_torch_version("${smlp_torch_root}")
  smlp_check_torch_abi("${smlp_torch_root}")
  message(STATUS "LibTorch: ${smlp_torch_root}")
  smlp_torch_headers("${smlp_torch_root}" smlp_torch_include)
  add_library(smlp::torch INTERFACE IMPORTED)
  # Headers of CUDA's runtime, which LibTorch's headers for CUDA's memory include; nothing of it is linked.
  foreach(folder IN ITEMS "${smlp_torch_root}/../nvidia/cu13/include" "${smlp_torch_root}/../nvidia/cuda_runtime/include")
    if(EXISTS "${folder}/cuda_runtime_api.h" AND EXISTS "${folder}/crt/host_defines.h")
      get_filename_component(SMLP_CUDA_HEADERS "${folder}" REALPATH)
    endif()
  endforeach()
  set_target_properties(smlp::torch PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${smlp_torch_include};${smlp_torch_include}/torch/csrc/api/include"
    # libtorch_cpu's own libraries (CUDA's runtime, libgomp) are found at run time by its RPATH, or were loaded with it.
    INTERFACE_LINK_LIBRARIES "${smlp_torch_root}/lib/libtorch_cpu.so;${smlp_torch_root}/lib/libc10.so"
    INTERFACE_LINK_OPTIONS "-Wl,--allow-shlib-undefined")
endif()
