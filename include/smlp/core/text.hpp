#pragma once
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

std::string human_count(double value);  // 12345678: "12.3M"
std::string human_bytes(double bytes);  // "1.5 GiB"

}  // namespace smlp
