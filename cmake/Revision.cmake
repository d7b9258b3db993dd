# Keeps revision.hpp (the git revision built from, "" outside a repository) up to date at every build. Also the script
# that writes it.
if(NOT SMLP_REVISION_HEADER)
  set(revision_folder "${CMAKE_CURRENT_BINARY_DIR}/generated")
  add_custom_target(smlp_revision BYPRODUCTS "${revision_folder}/revision.hpp"
    COMMAND ${CMAKE_COMMAND} -DSMLP_REVISION_HEADER=${revision_folder}/revision.hpp
      -DSMLP_REVISION_SOURCE=${PROJECT_SOURCE_DIR} -DSMLP_REVISION_VERSION=${PROJECT_VERSION} -P "${CMAKE_CURRENT_LIST_FILE}")
  add_dependencies(smlp_base smlp_revision)
  target_include_directories(smlp_base PRIVATE "${revision_folder}")
  return()
endif()

execute_process(COMMAND git -C "${SMLP_REVISION_SOURCE}" describe --always --dirty --abbrev=12 --exclude=*
  OUTPUT_VARIABLE revision ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
set(text "#define SMLP_VERSION \"${SMLP_REVISION_VERSION}\"\n#define SMLP_REVISION \"${revision}\"\n")
if(EXISTS "${SMLP_REVISION_HEADER}")
  file(READ "${SMLP_REVISION_HEADER}" old)
endif()
if(NOT "${old}" STREQUAL "${text}")
  file(WRITE "${SMLP_REVISION_HEADER}" "${text}")
endif()
