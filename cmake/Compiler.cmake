# Flags of every target of this project, and the refusal of compilers that cannot build it.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(oldest 11)
elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(oldest 14)
endif()
if(NOT DEFINED oldest OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS oldest)
  message(FATAL_ERROR "C++20 needs g++ 11 or clang 14 or newer; found ${CMAKE_CXX_COMPILER_ID} "
    "${CMAKE_CXX_COMPILER_VERSION} (${CMAKE_CXX_COMPILER}). On Debian or Ubuntu: apt-get install g++; another "
    "compiler is chosen with CXX=… in the environment and an empty build folder.")
endif()
if(NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
  message(FATAL_ERROR "LibTorch is 64 bits only; ${CMAKE_CXX_COMPILER} makes 32-bit programs.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()

# The same code generation for libraries and programs, so that they share one precompiled header.
add_compile_options(-fPIC -fno-semantic-interposition)
# Nobody reads the flags that floating-point operations raise; with them g++ vectorizes no choice between two values.
add_compile_options(-fno-trapping-math)
add_link_options(-Wl,--as-needed)

option(SMLP_BASE_ONLY "Only what needs no LibTorch: smlp_base and its tests" OFF)
option(SMLP_SANITIZE "Address and undefined-behaviour sanitizers" OFF)
option(SMLP_FUZZ "With SMLP_BASE_ONLY and SMLP_SANITIZE: smlp_base and the fuzz targets of tests/fuzz, with libFuzzer" OFF)
if(SMLP_SANITIZE)
  set(smlp_sanitizers address,undefined,float-cast-overflow)
  add_compile_options(-fsanitize=${smlp_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${smlp_sanitizers})
endif()
# LibTorch itself is not instrumented. Nothing has to be switched off for that: it takes its memory from the sanitizer's
# allocator, and libstdc++ marks the unused part of a vector only under _GLIBCXX_SANITIZE_VECTOR, so do not define that.
function(smlp_sanitizer_options target)
  if(SMLP_SANITIZE)
    target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/sanitizer_options.cpp")
  endif()
endfunction()
if(SMLP_FUZZ)
  if(NOT SMLP_BASE_ONLY OR NOT SMLP_SANITIZE OR NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "SMLP_FUZZ needs clang, SMLP_BASE_ONLY and SMLP_SANITIZE: use cmake --preset fuzz, or "
      "scripts/fuzz.sh.")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# The command line and the tests take no time to run, but a third of a build if they are optimised fully.
function(smlp_optimize_little target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# The same for those sources of a library that only decide, read and write what is small: the loops over pixels,
# weights and gradients are elsewhere. Compiled in batches they share what costs, and a file with an option of its own
# would be in none.
function(smlp_optimize_little_files)
  if(CMAKE_UNITY_BUILD)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  set_property(SOURCE ${sources} APPEND PROPERTY COMPILE_OPTIONS "$<$<CONFIG:Release>:-O1>")
endfunction()

# Errors only where the compilers are known: a newer one may warn of what no one has seen.
option(SMLP_WERROR "Warnings are errors" OFF)
add_library(smlp_warnings INTERFACE)
# Sources compiled in batches see one another's names: there only what hides a local one is a mistake.
set(smlp_shadow -Wshadow)
if(CMAKE_UNITY_BUILD)
  set(smlp_shadow $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
endif()
target_compile_options(smlp_warnings INTERFACE -Wall -Wextra -Wpedantic ${smlp_shadow} $<$<BOOL:${SMLP_WERROR}>:-Werror>
  # Raised falsely inside the headers of LibTorch and of std::string once they are inlined.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-stringop-overflow;-Wno-stringop-overread;-Wno-restrict;-Wno-array-bounds>)

find_program(SMLP_CCACHE ccache)
mark_as_advanced(SMLP_CCACHE)
if(SMLP_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${SMLP_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()
