#pragma once

namespace smlp {

// Called while an exception is handled: throws it as an Error. LibTorch's errors keep their text without the
// backtrace; memory that ran out, on the host or a device, is recognised and comes with advice.
[[noreturn]] void throw_as_error();

// Runs `action`; whatever it throws leaves as an Error.
template <class Action>
auto with_errors(const Action& action) {
  try {
    return action();
  } catch (...) {
    throw_as_error();
  }
}

}  // namespace smlp
