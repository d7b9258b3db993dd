#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace smlp {

// True for well-formed UTF-8 (no overlong forms, no surrogates, up to U+10FFFF).
bool is_utf8(std::string_view text);

// A name read from a file as an error message may show it: control characters, and bytes that are not UTF-8,
// become \xNN (a hostile name can hold terminal commands); cut after 500 bytes.
std::string printable(std::string_view name);

// Columns that a terminal gives a UTF-8 text: two for a wide character, none for one that combines. A byte
// that is not UTF-8 takes one.
std::size_t display_width(std::string_view text);

// The longest beginning of a text, of whole characters, that fits into so many columns.
std::string_view cut_to_width(std::string_view text, std::size_t columns);

std::string human_count(double value);  // 12345678: "12.3M"
std::string human_bytes(double bytes);  // "1.5 GiB"

}  // namespace smlp
