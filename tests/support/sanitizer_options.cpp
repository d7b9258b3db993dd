// What a sanitized program begins with; ASAN_OPTIONS and UBSAN_OPTIONS in the environment go over it.

// The tests preload fault_shim.cpp, so that the sanitizer's runtime does not come first.
extern "C" const char* __asan_default_options() {
  return "verify_asan_link_order=0";
}

extern "C" const char* __ubsan_default_options() {
  return "print_stacktrace=1";
}
