#include "smlp/data/dataset.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/hash.hpp"
#include "smlp/data/block_hash.hpp"
#include "smlp/data/dataset_json.hpp"

namespace smlp {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

NpyFile open_array(const fs::path& path, std::string_view dtype, const std::vector<std::int64_t>& shape) {
  NpyFile file(path);
  const NpyHeader& header = file.header();
  if (header.dtype != dtype || header.shape != shape)
    fail(ErrorKind::data,
         "{}: holds {} of shape {}, dataset.json beside it says {} of shape {}; pack the data again",
         path.string(), header.dtype, shape_text(header.shape), dtype, shape_text(shape));
  return file;
}

// Advice on bytes that may begin and end within a page.
void advise(const void* bytes, std::uint64_t size, int advice) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t before = reinterpret_cast<std::uintptr_t>(bytes) % page;
  ::madvise(const_cast<std::byte*>(static_cast<const std::byte*>(bytes)) - before, size + before, advice);
}

// Shuffled reads of a file much larger than memory must not read ahead: the kernel would fetch megabytes for
// each image. A smaller file is better read ahead, it will be used whole.
void expect_random_reads(const NpyFile& file) {
  const std::uint64_t memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                               static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (file.data_bytes() >= memory / 2) advise(file.data(), file.data_bytes(), MADV_RANDOM);
}

}  // namespace

std::shared_ptr<const Dataset> Dataset::open(const fs::path& directory) {
  const std::shared_ptr<Dataset> set(new Dataset);
  const fs::path json = directory / "dataset.json";
  set->info_ = parse_dataset_json(read_file(json, max_dataset_json_bytes), json.string());
  const DatasetInfo& info = set->info_;
  const std::int64_t side = info.image_size;
  set->description_ = directory.string();
  set->mapped_images_ = open_array(directory / "images.npy", "|u1", {info.images, side, side, 3});
  set->mapped_labels_ = open_array(directory / "labels.npy", "<i8", {info.images});
  set->images_ = reinterpret_cast<const std::uint8_t*>(set->mapped_images_.data());
  expect_random_reads(set->mapped_images_);
  if (reinterpret_cast<std::uintptr_t>(set->mapped_labels_.data()) % alignof(std::int64_t) != 0)
    fail(ErrorKind::data, "{}: its data starts at a byte not divisible by 8; save it again with numpy",
         (directory / "labels.npy").string());
  set->labels_ = reinterpret_cast<const std::int64_t*>(set->mapped_labels_.data());
  set->image_bytes_ = side * side * 3;
  if (!fs::is_regular_file(directory / "names.txt"))
    fail(ErrorKind::data, "{}: missing; pack the data again", (directory / "names.txt").string());
  set->check_labels();
  set->verify_labels();
  return set;
}

std::shared_ptr<const Dataset> Dataset::from_memory(DatasetInfo info, std::vector<std::uint8_t> images,
                                                    std::vector<std::int64_t> labels) {
  const std::shared_ptr<Dataset> set(new Dataset);
  set->info_ = std::move(info);
  set->description_ = set->info_.source + " (generated)";
  set->image_bytes_ = std::int64_t{set->info_.image_size} * set->info_.image_size * 3;
  set->owned_images_ = std::move(images);
  set->owned_labels_ = std::move(labels);
  set->images_ = set->owned_images_.data();
  set->labels_ = set->owned_labels_.data();
  const auto count = static_cast<std::uint64_t>(set->size());
  if (set->owned_labels_.size() != count || set->owned_images_.size() != count * set->image_bytes_ ||
      count == 0)
    fail(ErrorKind::data, "{}: {} bytes of images and {} labels for {} images of {} pixels a side",
         set->description_, set->owned_images_.size(), set->owned_labels_.size(), count, set->image_size());
  set->check_labels();
  return set;
}

void Dataset::check_labels() const {
  const std::int64_t low = info_.classes.empty() ? -1 : 0, high = classes() - 1;
  const auto bad = std::find_if(labels_, labels_ + size(),
                                [&](std::int64_t label) { return label < low || label > high; });
  if (bad != labels_ + size())
    fail(ErrorKind::data, "{}: label {} of image {} is not one of {} classes; pack the data again",
         description_, *bad, bad - labels_, classes());
}

void Dataset::will_need(std::int64_t first, std::int64_t last) const {
  if (owned_images_.empty())
    advise(image(first), static_cast<std::uint64_t>((last - first) * image_bytes_), MADV_WILLNEED);
}

std::string Dataset::fingerprint() const {
  std::string text = fmt::format("{}\n{}\n{}\n", info_.resize, info_.images, info_.image_size);
  for (const std::vector<std::string>* list : {&info_.classes, &info_.block_hashes})
    for (const std::string& each : *list) text += each + '\n';
  text += info_.labels_hash;
  return xxh3_hex(std::as_bytes(std::span(text)));
}

void Dataset::check_files() const {
  if (!owned_images_.empty()) return;
  for (const auto& [name, file] :
       {std::pair("images.npy", &mapped_images_), std::pair("labels.npy", &mapped_labels_)}) {
    const fs::path path = fs::path(description_) / name;
    const std::uint64_t expected = file->header().data_offset + file->data_bytes();
    std::error_code error;
    const std::uintmax_t found = fs::file_size(path, error);
    if (error)
      fail(ErrorKind::data, "{}: {}; it was there when it was opened", path.string(), error.message());
    if (found != expected)
      fail(ErrorKind::data, "{}: {} bytes, {} when it was opened: it was changed while in use", path.string(),
           found, expected);
  }
}

void Dataset::verify(const std::function<void(std::uint64_t)>& progress) const {
  verify_labels();
  if (info_.block_hashes.empty())
    fail(ErrorKind::data, "{}: dataset.json has no hashes to verify against", description_);
  const auto bytes = static_cast<std::uint64_t>(size()) * image_bytes_;
  const auto all = std::as_bytes(std::span(images_, bytes));
  for (std::size_t block = 0; block < info_.block_hashes.size(); ++block) {
    const std::uint64_t start = block * pack_block_bytes;
    const auto part = all.subspan(start, std::min(pack_block_bytes, bytes - start));
    advise(part.data(), part.size(), MADV_WILLNEED);
    const std::string found = xxh3_hex(part);
    if (found != info_.block_hashes[block])
      fail(ErrorKind::data, "{}: images {} to {} have changed since packing (block {}: hash {}, expected {})",
           description_, start / image_bytes_, (std::min(start + pack_block_bytes, bytes) - 1) / image_bytes_,
           block, found, info_.block_hashes[block]);
    if (progress) progress(start + part.size());
  }
}

void Dataset::verify_labels() const {
  const std::string found =
      xxh3_hex(std::as_bytes(std::span(labels_, static_cast<std::size_t>(info_.images))));
  if (!info_.labels_hash.empty() && found != info_.labels_hash)
    fail(ErrorKind::data, "{}: labels.npy has changed since packing (hash {}, expected {})", description_,
         found, info_.labels_hash);
}

}  // namespace smlp
