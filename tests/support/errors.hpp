#pragma once
#include <gtest/gtest.h>

#include <string>

#include "smlp/core/error.hpp"

namespace smlp::testing {

// The message of the Error that `action` must throw, of this kind.
template <class Action>
std::string error_of(ErrorKind kind, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

}  // namespace smlp::testing
