#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smlp {

// True for well-formed UTF-8 (no overlong forms, no surrogates, up to U+10FFFF).
bool is_utf8(std::string_view text);

// A text file's content without the byte order mark that editors on Windows put before UTF-8.
std::string_view without_mark(std::string_view text);

// The lines of a text file without their ends (\n, \r\n or \r) and without a byte order mark; empty ones are
// left out.
std::vector<std::string> text_lines(std::string_view text);

// ASCII letters only.
std::string lower_case(std::string_view text);

// A name read from a file as an error message may show it: control characters, and bytes that are not UTF-8,
// become \xNN (a hostile name can hold terminal commands); cut after 500 bytes.
std::string printable(std::string_view name);

// Columns that a terminal gives a UTF-8 text: two for a wide character, none for one that combines. A byte
// that is not UTF-8 takes one.
std::size_t display_width(std::string_view text);

// The longest beginning of a text, of whole characters, that fits into so many columns.
std::string_view cut_to_width(std::string_view text, std::size_t columns);

std::string counted(std::int64_t count, std::string_view what);  // "1 epoch", "2 epochs"

std::string human_count(double value);   // 12345678: "12.3M"
std::string human_bytes(double bytes);   // "1.5 GiB"
std::string human_time(double seconds);  // "25 s", "14 min", "3.2 h"

}  // namespace smlp
