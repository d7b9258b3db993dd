#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace smlp {

// TensorBoard's event file: TFRecord frames (length, masked CRC-32C, payload, masked CRC-32C) around Event
// protocol buffers, written by hand because LibTorch exports protobuf's symbols and a second copy invites a
// clash.

std::uint32_t crc32c(std::string_view bytes);   // Castagnoli, as in RFC 3720
std::string tfevents_header(double wall_time);  // the first record: file_version "brain.Event:2"
std::string tfevents_scalar(double wall_time, std::int64_t step, std::string_view tag,
                            float value);  // one framed record

}  // namespace smlp
