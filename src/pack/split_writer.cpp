#include "smlp/pack/split_writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/hash.hpp"
#include "smlp/data/dataset_json.hpp"
#include "smlp/formats/npy.hpp"

namespace smlp {
namespace {

constexpr std::size_t names_at_once = 1 << 16;

std::string images_header(std::int64_t images, int size) {
  return npy_header_bytes("|u1", std::array<std::int64_t, 4>{images, size, size, 3});
}

std::uint64_t image_bytes(int size) {
  return std::uint64_t{3} * static_cast<std::uint64_t>(size) * static_cast<std::uint64_t>(size);
}

}  // namespace

SplitWriter::SplitWriter(fs::path folder, int image_size, const SplitProgress& progress)
    : folder_(std::move(folder)),
      image_size_(image_size),
      progress_(progress),
      header_(images_header(0, image_size)),
      images_(folder_ / "images.npy",
              progress.images == 0
                  ? 0
                  : header_.size() + static_cast<std::uint64_t>(progress.images) * image_bytes(image_size)),
      names_(folder_ / "names.txt", progress.names_bytes),
      hasher_(progress.block_hashes) {
  if (progress.images == 0) {
    images_.write(header_.data(), header_.size());
    return;
  }
  // The block that was begun is hashed again from the file.
  const MappedFile written(folder_ / "images.npy");
  const auto unfinished =
      written.bytes().subspan(header_.size() + progress.block_hashes.size() * pack_block_bytes);
  hasher_.add(unfinished.data(), unfinished.size());
}

void SplitWriter::append(const DecodedSample& sample) {
  if (std::any_of(sample.raw.name.begin(), sample.raw.name.end(), [](unsigned char c) { return c < 32; }))
    fail(ErrorKind::data, "{}: a control character in the name of image {}", sample.raw.name, images());
  images_.write(sample.image.pixels.data(), sample.image.pixels.size());
  hasher_.add(sample.image.pixels.data(), sample.image.pixels.size());
  pending_names_ += sample.raw.name;
  pending_names_ += '\n';
  if (pending_names_.size() >= names_at_once) flush_names();
  for (int c = 0; c < 3; ++c) {
    progress_.sums[c] += sample.sums[c];
    progress_.squares[c] += sample.squares[c];
  }
  ++progress_.images;
}

void SplitWriter::flush_names() {
  names_.write(pending_names_.data(), pending_names_.size());
  pending_names_.clear();
}

SplitProgress SplitWriter::progress() {
  flush_names();
  progress_.names_bytes = names_.size();
  progress_.block_hashes = hasher_.finished();
  return progress_;
}

void SplitWriter::sync() const {
  images_.sync();
  names_.sync();
}

void SplitWriter::finish(DatasetInfo info, const std::vector<std::int64_t>& labels) {
  info.image_size = image_size_;
  info.images = images();
  info.statistics = statistics_from_sums(progress_.sums, progress_.squares,
                                         static_cast<std::uint64_t>(images()) * image_bytes(image_size_) / 3);
  info.block_hashes = hasher_.finish();
  info.labels_hash = xxh3_hex(std::as_bytes(std::span(labels)));
  NpyWriter label_file(folder_ / "labels.npy", "<i8", {});
  label_file.append(labels.data(), static_cast<std::int64_t>(labels.size()));
  label_file.commit();
  flush_names();
  const std::string header = images_header(images(), image_size_);
  images_.write_at(0, header.data(), header.size());
  sync();
  write_file_atomically(folder_ / "dataset.json", dataset_json_text(info));
}

}  // namespace smlp
