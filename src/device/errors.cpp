#include "smlp/device/errors.hpp"

#include <c10/util/Exception.h>

#include <new>
#include <string>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

bool is_out_of_memory(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         text.find("allocate memory") != std::string::npos || text.find("out of memory") != std::string::npos;
}

[[noreturn]] void fail_for_memory(const std::string& text) {
  fail(ErrorKind::failed,
       "out of memory: {}. Use smaller micro-batches (--set train.micro_batch=N) or a smaller model; "
       "--dry-run "
       "estimates the need",
       text);
}

}  // namespace

void throw_as_error() {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) fail_for_memory(error.what_without_backtrace());
    throw Error(ErrorKind::failed, error.what_without_backtrace());
  } catch (const std::bad_alloc& error) {
    fail_for_memory(error.what());
  } catch (const std::exception& error) {
    throw Error(ErrorKind::failed, error.what());
  }
}

}  // namespace smlp
