#pragma once
// What the fuzz targets share. A target hands its input to a parser; the parser may read it or throw the one
// kind of smlp::Error that its header promises. Anything else ends the program: a find.
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "smlp/core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace smlp::fuzz {

[[noreturn]] inline void find(std::string_view what) {
  std::fprintf(stderr, "find: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

inline void require(bool holds, std::string_view what) {
  if (!holds) find(what);
}

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// The message of the error that `action` ended with; empty when there was none.
template <class Action>
std::string refuses_only_as(ErrorKind kind, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    if (error.kind() != kind) find(error.what());
    return error.what();
  }
  return "";
}

// libFuzzer counts these as coverage: for the system's decoders, which are not instrumented. What tells
// inputs apart is the end of a refusal's message, or what an image looks like.
__attribute__((section("__libfuzzer_extra_counters"))) inline std::uint8_t outcomes[256];

inline void count_outcome(std::uint32_t hash) {
  outcomes[hash * 2654435761u >> 24] = 1;
}

inline void count_refusal(std::string_view message) {
  std::uint32_t hash = 0;
  std::size_t letters = 0;
  for (std::size_t i = message.size(); i-- > 0 && letters < 24;) {
    const auto c = static_cast<unsigned char>(message[i]);
    if (std::isalpha(c) == 0) continue;
    hash = hash * 31 + c;
    ++letters;
  }
  if (letters > 0) count_outcome(hash);
}

}  // namespace smlp::fuzz
