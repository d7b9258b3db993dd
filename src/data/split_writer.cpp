#include "smlp/data/split_writer.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/data/dataset_json.hpp"

namespace smlp {
namespace {

constexpr std::size_t names_at_once = 1 << 16;

}  // namespace

SplitWriter::SplitWriter(const fs::path& target, int image_size)
    : folder_(target),
      image_size_(image_size),
      images_(folder_.path() / "images.npy", "|u1", {image_size, image_size, 3}),
      names_(folder_.path() / "names.txt") {}

void SplitWriter::append(const DecodedSample& sample) {
  if (std::any_of(sample.raw.name.begin(), sample.raw.name.end(), [](unsigned char c) { return c < 32; }))
    fail(ErrorKind::data, "{}: a control character in the name of image {}", sample.raw.name, images());
  images_.append(sample.image.pixels.data(), 1);
  hasher_.add(sample.image.pixels.data(), sample.image.pixels.size());
  pending_names_ += sample.raw.name;
  pending_names_ += '\n';
  if (pending_names_.size() >= names_at_once) {
    names_.write(pending_names_);
    pending_names_.clear();
  }
  for (int c = 0; c < 3; ++c) {
    sums_[c] += sample.sums[c];
    squares_[c] += sample.squares[c];
  }
}

void SplitWriter::finish(DatasetInfo info, const std::vector<std::int64_t>& labels) {
  info.image_size = image_size_;
  info.images = images();
  info.statistics =
      statistics_from_sums(sums_, squares_, static_cast<std::uint64_t>(images()) * image_size_ * image_size_);
  info.block_hashes = hasher_.finish();
  NpyWriter label_file(folder_.path() / "labels.npy", "<i8", {});
  label_file.append(labels.data(), static_cast<std::int64_t>(labels.size()));
  label_file.commit();
  names_.write(pending_names_);
  names_.commit();
  images_.commit();
  write_file_atomically(folder_.path() / "dataset.json", dataset_json_text(info));
}

}  // namespace smlp
