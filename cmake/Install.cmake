# cmake --install: the program, headers, both libraries, configs, and a CMake package (find_package(smlp)).
include(CMakePackageConfigHelpers)
set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/smlp")

install(TARGETS smlp_base smlp_lib EXPORT smlp-targets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(TARGET smlp)
  install(TARGETS smlp RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(DIRECTORY include/smlp DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY configs/ DESTINATION "${CMAKE_INSTALL_DATADIR}/smlp/configs" OPTIONAL)

set_target_properties(smlp_lib PROPERTIES EXPORT_NAME smlp)
set_target_properties(smlp_base PROPERTIES EXPORT_NAME base)
install(EXPORT smlp-targets NAMESPACE smlp:: DESTINATION "${package_folder}")
configure_package_config_file(cmake/smlp-config.cmake.in smlp-config.cmake INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file(smlp-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/smlp-config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/smlp-config-version.cmake"
  cmake/Torch.cmake cmake/Dependencies.cmake DESTINATION "${package_folder}")
