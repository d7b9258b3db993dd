#include "smlp/core/text.hpp"

#include <locale.h>
#include <spdlog/fmt/fmt.h>
#include <wchar.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace smlp {
namespace {

std::string scaled(double value, double base, const std::array<const char*, 6>& units) {
  std::size_t unit = 0;
  while (value >= base && unit + 1 < units.size()) {
    value /= base;
    ++unit;
  }
  return fmt::format("{:.{}f}{}", value, unit == 0 || value >= 100 ? 0 : 1, units[unit]);
}

// The thread's characters are UTF-8 while it lives; the C library knows their widths only in a locale.
class Utf8Scope {
 public:
  Utf8Scope() : before_(::uselocale(utf8())) {}
  ~Utf8Scope() { ::uselocale(before_); }
  Utf8Scope(const Utf8Scope&) = delete;
  Utf8Scope& operator=(const Utf8Scope&) = delete;

 private:
  static locale_t utf8() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
  }
  locale_t before_;
};

struct Character {
  std::size_t bytes, columns;
};

// The first one of a text that is not empty.
Character first_character(std::string_view text) {
  wchar_t code = 0;
  mbstate_t state{};
  const std::size_t bytes = ::mbrtowc(&code, text.data(), text.size(), &state);
  if (bytes == 0 || bytes > text.size()) return {1, 1};
  return {bytes, static_cast<std::size_t>(std::max(0, ::wcwidth(code)))};
}

}  // namespace

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    const int more = lead >= 0xc2 && lead <= 0xdf   ? 1
                     : (lead & 0xf0) == 0xe0        ? 2
                     : lead >= 0xf0 && lead <= 0xf4 ? 3
                                                    : 0;
    if (more == 0 || text.size() - i < static_cast<std::size_t>(more)) return false;
    std::uint32_t code = lead & (0x3f >> more);
    for (int k = 0; k < more; ++k) {
      const auto next = static_cast<unsigned char>(text[i++]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    const bool too_long = code < (more == 1 ? 0x80u : more == 2 ? 0x800u : 0x10000u);
    if (too_long || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
  }
  return true;
}

std::string_view without_mark(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

std::vector<std::string> text_lines(std::string_view text) {
  text = without_mark(text);
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\r\n", start), text.size());
    if (end > start) lines.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string printable(std::string_view name) {
  const bool utf8 = is_utf8(name);
  std::string out;
  for (const char c : name.substr(0, 500)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8))
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out;
}

std::string_view cut_to_width(std::string_view text, std::size_t columns) {
  const Utf8Scope utf8;
  std::size_t used = 0, bytes = 0;
  while (bytes < text.size()) {
    const Character next = first_character(text.substr(bytes));
    used += next.columns;
    if (used > columns) break;
    bytes += next.bytes;
  }
  return text.substr(0, bytes);
}

std::size_t display_width(std::string_view text) {
  const Utf8Scope utf8;
  std::size_t columns = 0;
  for (std::size_t bytes = 0; bytes < text.size();) {
    const Character next = first_character(text.substr(bytes));
    columns += next.columns;
    bytes += next.bytes;
  }
  return columns;
}

std::string human_count(double value) {
  return scaled(value, 1000, {"", "k", "M", "G", "T", "P"});
}

std::string counted(std::int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string human_bytes(double bytes) {
  return scaled(bytes, 1024, {" B", " KiB", " MiB", " GiB", " TiB", " PiB"});
}

std::string human_time(double seconds) {
  if (seconds < 60) return fmt::format("{:.2g} s", seconds);
  if (seconds < 3600) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.3g} h", seconds / 3600);
}

}  // namespace smlp
