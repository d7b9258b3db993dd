# Puts the texts of src/kernels/*.cu and include/smlp/kernels/*.hpp into kernel_sources.hpp, as NVRTC's headers and
# sources. Also the script that writes it.
if(NOT SMLP_KERNEL_HEADER)
  set(kernel_header "${CMAKE_CURRENT_BINARY_DIR}/generated/kernels/kernel_sources.hpp")
  file(GLOB kernel_files CONFIGURE_DEPENDS src/kernels/*.cu include/smlp/kernels/*.hpp)
  add_custom_command(OUTPUT "${kernel_header}" DEPENDS ${kernel_files} "${CMAKE_CURRENT_LIST_FILE}" VERBATIM
    COMMAND ${CMAKE_COMMAND} "-DSMLP_KERNEL_HEADER=${kernel_header}" "-DSMLP_KERNEL_FILES=${kernel_files}"
      -P "${CMAKE_CURRENT_LIST_FILE}")
  target_sources(smlp_lib PRIVATE "${kernel_header}")
  target_include_directories(smlp_lib PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/generated/kernels")
  return()
endif()

set(rows "")
foreach(file IN LISTS SMLP_KERNEL_FILES)
  file(READ "${file}" text)
  string(REPLACE "#pragma once\n" "" text "${text}")
  get_filename_component(name "${file}" NAME)
  if(name MATCHES "[.]hpp$")
    set(name "smlp/kernels/${name}")
    string(MAKE_C_IDENTIFIER "${name}" guard)
    set(text "#ifndef ${guard}\n#define ${guard}\n${text}#endif\n")
  endif()
  string(APPEND rows "    {\"${name}\", R\"kernel(${text})kernel\"},\n")
endforeach()
file(WRITE "${SMLP_KERNEL_HEADER}" "#pragma once\nstruct KernelSource {\n  const char *name, *text;\n};\n"
  "inline constexpr KernelSource kernel_sources[] = {\n${rows}};\n")
