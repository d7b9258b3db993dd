#include "smlp/formats/tfevents.hpp"

#include <array>
#include <bit>

namespace smlp {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}();

void put_little_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 0xff);
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}

// Protocol buffers' wire types. As proto3 writes them: a plain field that is zero or empty is left out.
enum Wire { varint = 0, fixed64 = 1, length_delimited = 2, fixed32 = 5 };

void put_key(std::string& out, int field, Wire wire) {
  out += static_cast<char>(field << 3 | wire);
}

void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_key(out, field, length_delimited);
  put_varint(out, bytes.size());
  out += bytes;
}

// Event: wall_time = 1, step = 2; one of file_version = 3, summary = 5.
std::string event(double wall_time, std::int64_t step) {
  std::string out;
  if (const auto bits = std::bit_cast<std::uint64_t>(wall_time)) {
    put_key(out, 1, fixed64);
    put_little_endian(out, bits, 8);
  }
  if (step != 0) {
    put_key(out, 2, varint);
    put_varint(out, static_cast<std::uint64_t>(step));
  }
  return out;
}

std::uint32_t masked(std::uint32_t crc) {
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

std::string framed(std::string_view payload) {
  std::string out;
  put_little_endian(out, payload.size(), 8);
  put_little_endian(out, masked(crc32c(out)), 4);
  out += payload;
  put_little_endian(out, masked(crc32c(payload)), 4);
  return out;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const char byte : bytes) crc = crc >> 8 ^ crc_table[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

std::string tfevents_header(double wall_time) {
  std::string payload = event(wall_time, 0);
  put_bytes(payload, 3, "brain.Event:2");
  return framed(payload);
}

std::string tfevents_scalar(double wall_time, std::int64_t step, std::string_view tag, float value) {
  std::string entry;  // Summary.Value: tag = 1, simple_value = 2
  if (!tag.empty()) put_bytes(entry, 1, tag);
  put_key(entry, 2, fixed32);
  put_little_endian(entry, std::bit_cast<std::uint32_t>(value), 4);
  std::string summary;  // Summary: value = 1
  put_bytes(summary, 1, entry);
  std::string payload = event(wall_time, step);
  put_bytes(payload, 5, summary);
  return framed(payload);
}

}  // namespace smlp
