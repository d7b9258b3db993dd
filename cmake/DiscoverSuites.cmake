# smlp_discover_suites(<test program>): one ctest entry per GoogleTest suite, listed when the program is built. (A test
# per process, as gtest_discover_tests() does, would load LibTorch hundreds of times.) Suites called Long… are labelled
# "long", those that need a CUDA device and are called Cuda… "cuda". This file is also the script that makes the list.
if(NOT SMLP_SUITES_OF)
  set(SMLP_DISCOVER_SUITES "${CMAKE_CURRENT_LIST_FILE}")
  function(smlp_discover_suites target)
    set(list "${CMAKE_CURRENT_BINARY_DIR}/${target}_suites.cmake")
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
      COMMAND ${CMAKE_COMMAND} -DSMLP_SUITES_OF=$<TARGET_FILE:${target}> -DSMLP_SUITES_LIST=${list}
        -P "${SMLP_DISCOVER_SUITES}")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${list}")
    file(WRITE "${list}.missing" "message(FATAL_ERROR \"${target} is not built\")\n")
  endfunction()
  return()
endif()

execute_process(COMMAND "${SMLP_SUITES_OF}" --gtest_list_tests OUTPUT_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${SMLP_SUITES_OF} --gtest_list_tests: ${result}\n${output}")
endif()
string(REGEX MATCHALL "(^|\n)[A-Za-z_][A-Za-z0-9_/]*\\." suites "${output}")
list(TRANSFORM suites STRIP)
list(REMOVE_DUPLICATES suites)
set(script "")
foreach(suite IN LISTS suites)
  string(REGEX REPLACE "\\.$" "" name "${suite}")
  string(APPEND script "add_test([=[${name}]=] [=[${SMLP_SUITES_OF}]=] [=[--gtest_filter=${name}.*]=])\n"
    # Skipped only when no test of the suite ran and none failed.
    "set_tests_properties([=[${name}]=] PROPERTIES TIMEOUT 1200 SKIP_REGULAR_EXPRESSION "
    "[=[PASSED  ] 0 tests\\.\n(\\[  SKIPPED ] [^\n]*\n)+\n*$]=]")
  if(name MATCHES "(^|/)Cuda[A-Z]" AND NOT name MATCHES "CudaKernels")
    string(APPEND script " LABELS cuda")
  elseif(name MATCHES "(^|/)Long")
    string(APPEND script " LABELS long RUN_SERIAL TRUE")
  endif()
  string(APPEND script ")\n")
endforeach()
file(WRITE "${SMLP_SUITES_LIST}" "${script}")
