#pragma once
#include "smlp/core/error.hpp"

namespace smlp {

// A mistake that `action` finds lies in a file it reads, and is not the caller's: thrown as Error(data).
template <class Action>
auto blame_file(const Action& action) {
  try {
    return action();
  } catch (const Error& error) {
    throw Error(ErrorKind::data, error.what());
  }
}

}  // namespace smlp
