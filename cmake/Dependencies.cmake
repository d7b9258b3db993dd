# Finds the libraries that smlp_base is linked with, as targets; says what to install when one is missing. Installed,
# for the CMake package has to find them again.

# smlp_require(<variable that says found> <name> <Debian package>)
function(smlp_require found name package)
  if(NOT ${found})
    message(FATAL_ERROR "${name} was not found. On Debian or Ubuntu: apt-get install ${package}. Without root: "
      "scripts/setup.sh --no-root, or name the folder it is installed in with -DCMAKE_PREFIX_PATH=….")
  endif()
endfunction()

# smlp_library(<target> <name> <header> <library> <Debian package>): for libraries without a CMake package everywhere.
function(smlp_library target name header library package)
  if(TARGET ${target})
    return()
  endif()
  find_path(SMLP_${library}_INCLUDE ${header})
  find_library(SMLP_${library}_LIBRARY ${library})
  mark_as_advanced(SMLP_${library}_INCLUDE SMLP_${library}_LIBRARY)
  if(SMLP_${library}_INCLUDE AND SMLP_${library}_LIBRARY)
    set(found TRUE)
  endif()
  smlp_require(found ${name} ${package})
  add_library(${target} UNKNOWN IMPORTED)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${SMLP_${library}_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${SMLP_${library}_INCLUDE}")
endfunction()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(spdlog QUIET)
smlp_require(spdlog_FOUND spdlog libspdlog-dev)
find_package(nlohmann_json QUIET)
smlp_require(nlohmann_json_FOUND nlohmann-json nlohmann-json3-dev)
find_package(yaml-cpp QUIET)
smlp_require(yaml-cpp_FOUND yaml-cpp libyaml-cpp-dev)
if(NOT TARGET yaml-cpp::yaml-cpp)  # before 0.8
  add_library(yaml-cpp::yaml-cpp INTERFACE IMPORTED)
  set_target_properties(yaml-cpp::yaml-cpp PROPERTIES INTERFACE_LINK_LIBRARIES "yaml-cpp"
    INTERFACE_INCLUDE_DIRECTORIES "${YAML_CPP_INCLUDE_DIR}")
endif()
find_package(ZLIB QUIET)
smlp_require(ZLIB_FOUND zlib zlib1g-dev)
find_package(PNG QUIET)
smlp_require(PNG_FOUND libpng libpng-dev)
find_package(LibArchive QUIET)
smlp_require(LibArchive_FOUND libarchive libarchive-dev)
find_package(CURL 7.85 QUIET)  # the first with CURLOPT_PROTOCOLS_STR
smlp_require(CURL_FOUND libcurl libcurl4-openssl-dev)
find_package(OpenSSL QUIET)
smlp_require(OPENSSL_FOUND OpenSSL libssl-dev)
smlp_library(smlp::turbojpeg TurboJPEG turbojpeg.h turbojpeg libturbojpeg0-dev)
smlp_library(smlp::webp libwebp webp/decode.h webp libwebp-dev)
smlp_library(smlp::webpdemux libwebpdemux webp/demux.h webpdemux libwebp-dev)
find_package(GIF QUIET)
smlp_require(GIF_FOUND giflib libgif-dev)
smlp_library(smlp::xxhash xxHash xxhash.h xxhash libxxhash-dev)
