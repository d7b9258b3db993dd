# What scripts/bundle.sh puts into the Python wheel, and nothing else builds: the program once more as `smlp_wheel`, and
# the library behind the Python module. Both find LibTorch in the environment they are installed in.
#
# They are linked with libarchive.a: Debian's shared one needs libxml2, and that 31 MB of ICU, for a format that is not
# read here. What the objects that are read do need goes along by the names of their shared libraries, so that no more
# development packages are wanted.
set(archive_libraries "")
foreach(name libarchive.a libnettle.so.8 liblzma.so.5 libzstd.so.1 libbz2.so.1.0)
  find_library(SMLP_${name} ${name})
  mark_as_advanced(SMLP_${name})
  if(NOT SMLP_${name})
    message(STATUS "No wheel can be made here: ${name} was not found")
    return()
  endif()
  list(APPEND archive_libraries "${SMLP_${name}}")
endforeach()

file(GLOB python_sources CONFIGURE_DEPENDS src/python/*.cpp)
add_executable(smlp_wheel EXCLUDE_FROM_ALL $<TARGET_OBJECTS:smlp>)
add_library(smlp_python SHARED EXCLUDE_FROM_ALL ${python_sources})
target_include_directories(smlp_python PRIVATE src)
smlp_optimize_little(smlp_python)
set_target_properties(smlp_wheel PROPERTIES OUTPUT_NAME smlp)
set_target_properties(smlp_python PROPERTIES CXX_VISIBILITY_PRESET hidden)
foreach(target smlp_wheel smlp_python)
  # As objects, so that libarchive.a is looked through after all that needs it.
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:smlp_lib> $<TARGET_OBJECTS:smlp_base>)
  target_link_libraries(${target} PRIVATE ${archive_libraries} smlp_lib smlp_warnings)
  target_link_options(${target} PRIVATE -s LINKER:--exclude-libs,ALL)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/wheel"
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/wheel"
    INSTALL_RPATH "$ORIGIN/../../torch/lib" INSTALL_RPATH_USE_LINK_PATH OFF)
endforeach()
install(TARGETS smlp_wheel RUNTIME DESTINATION bin COMPONENT wheel EXCLUDE_FROM_ALL)
install(TARGETS smlp_python LIBRARY DESTINATION lib COMPONENT wheel EXCLUDE_FROM_ALL)
