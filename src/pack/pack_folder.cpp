#include "smlp/pack/pack_folder.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t state_limit = std::uint64_t{1} << 30;

// Depends on the order.
void add_to_hash(std::uint64_t& hash, std::uint64_t next) {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15;
  hash = (hash ^ next) * odd + 1;
}

}  // namespace

PackFolder::PackFolder(const fs::path& root, std::string job, bool resume)
    : root_(root), folder_(root / ".packing") {
  std::error_code error;
  made_root_ = fs::create_directories(root, error);
  if (!error) rehearse_writing(root);
  if (!error) fs::create_directory(folder_, error);
  if (error) fail(ErrorKind::failed, "cannot make the folder {}: {}", folder_.string(), error.message());
  lock_ = std::make_unique<FileLock>(folder_ / "lock", fmt::format("{} is being packed", root.string()));
  progress_.job = std::move(job);
  if (fs::exists(folder_ / "state.json")) {
    if (!resume)
      fail(ErrorKind::data, "{} holds an interrupted pack: go on with --continue, or remove it to start anew",
           folder_.string());
    restore();
    return;
  }
  for (const auto& entry : fs::directory_iterator(folder_))
    if (entry.path().filename() != "lock") fs::remove_all(entry.path());
}

PackFolder::~PackFolder() {
  if (saving_.valid()) saving_.wait();
  if (!keep_ && saved_blocks_ > 0)
    log().warn("{} images packed so far stay in {}: the same command with --continue goes on from there",
               images(), folder_.string());
  if (keep_ || saved_blocks_ > 0) return;
  writers_.clear();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  if (made_root_) fs::remove(root_, ignored);  // only when empty
}

void PackFolder::restore() {
  const fs::path state = folder_ / "state.json";
  keep_ = true;  // an error below is no reason to throw the work away
  PackProgress found = parse_pack_progress(read_file(state, state_limit), state.string());
  if (found.job != progress_.job)
    fail(ErrorKind::usage,
         "{} holds another pack, of {}; this one is of {}. Remove it, or give the same source and options",
         folder_.string(), found.job, progress_.job);
  progress_ = std::move(found);
  for (const auto& [split, done] : progress_.splits) {
    if (!progress_.complete) writers_.try_emplace(split, folder_ / split, progress_.image_size, done);
    saved_blocks_ += done.block_hashes.size();
    before_[split].names.open(folder_ / split / "names.txt");
    before_[split].samples = done.images;
  }
  for (const auto& [split, list] : progress_.left_out) before_[split].samples += std::ssize(list);
  keep_ = false;
}

bool PackFolder::is_left_out(const std::string& split, std::int64_t index) const {
  const auto list = progress_.left_out.find(split);
  return list != progress_.left_out.end() &&
         std::binary_search(list->second.begin(), list->second.end(), LeftOut{index, {}},
                            [](const LeftOut& a, const LeftOut& b) { return a.index < b.index; });
}

bool PackFolder::is_done(const RawSample& sample) {
  const std::int64_t index = asked_[sample.split]++;
  const auto before = before_.find(sample.split);
  if (before == before_.end() || index >= before->second.samples) return false;
  check_same(sample, index, before->second);
  return true;
}

void PackFolder::check_same(const RawSample& sample, std::int64_t index, Before& before) {
  std::string name;
  if (!is_left_out(sample.split, index) && (!std::getline(before.names, name) || name != sample.name))
    refuse_changed(fmt::format("\"{}\" where \"{}\" was before the interruption", sample.name, name));
  add_to_hash(before.hash, hash_of(sample));
  if (index + 1 < before.samples) return;
  const auto [then, is_new] = progress_.source_hashes.try_emplace(sample.split, before.hash);
  if (then->second != before.hash)
    refuse_changed(fmt::format("an image of {} is another than before the interruption", sample.split));
}

void PackFolder::refuse_changed(const std::string& what) {
  keep_ = true;
  fail(ErrorKind::data, "{}: {}: the source has changed. Remove {} and pack again", root_.string(), what,
       folder_.string());
}

std::int64_t PackFolder::handled(const std::string& split) const {
  const auto writer = writers_.find(split);
  const auto list = progress_.left_out.find(split);
  return (writer == writers_.end() ? 0 : writer->second.images()) +
         (list == progress_.left_out.end() ? 0 : std::ssize(list->second));
}

void PackFolder::append(const DecodedSample& sample, int image_size) {
  progress_.image_size = image_size;
  auto writer = writers_.find(sample.raw.split);
  if (writer == writers_.end()) {
    fs::create_directory(folder_ / sample.raw.split);
    writer = writers_.try_emplace(sample.raw.split, folder_ / sample.raw.split, image_size).first;
  }
  writer->second.append(sample);
  add_to_hash(progress_.source_hashes[sample.raw.split], sample.source_hash);
  std::size_t blocks = 0;
  for (const auto& [split, each] : writers_) blocks += each.finished_blocks();
  if (blocks > saved_blocks_) save_in_background();
}

void PackFolder::leave_out(const DecodedSample& sample) {
  const std::int64_t index = handled(sample.raw.split);
  progress_.left_out[sample.raw.split].push_back({index, {sample.raw.name, sample.error}});
  add_to_hash(progress_.source_hashes[sample.raw.split], sample.source_hash);
}

std::int64_t PackFolder::images() const {
  std::int64_t sum = 0;
  for (const auto& [split, writer] : writers_) sum += writer.images();
  return sum;
}

std::int64_t PackFolder::left_out() const {
  std::int64_t sum = 0;
  for (const auto& [split, list] : progress_.left_out) sum += std::ssize(list);
  return sum;
}

PackProgress PackFolder::current() {
  progress_.splits.clear();
  for (auto& [split, writer] : writers_) progress_.splits[split] = writer.progress();
  return progress_;
}

std::vector<const SplitWriter*> PackFolder::open_writers() const {
  std::vector<const SplitWriter*> writers;
  for (const auto& [split, writer] : writers_) writers.push_back(&writer);
  return writers;
}

void PackFolder::write_state(const PackProgress& progress,
                             const std::vector<const SplitWriter*>& writers) const {
  for (const SplitWriter* each : writers) each->sync();
  write_file_atomically(folder_ / "state.json", pack_progress_text(progress));
}

// Syncing takes as long as packing the next block does; one that is late leaves its block to the next.
void PackFolder::save_in_background() {
  if (saving_.valid() && saving_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
  if (saving_.valid()) saving_.get();
  PackProgress progress = current();
  saved_blocks_ = 0;
  for (const auto& [split, done] : progress.splits) saved_blocks_ += done.block_hashes.size();
  saving_ = std::async(std::launch::async, [this, writers = open_writers(), progress = std::move(progress)] {
    write_state(progress, writers);
  });
}

void PackFolder::keep() {
  if (saving_.valid()) saving_.get();
  write_state(current(), open_writers());
  keep_ = true;
}

template <class T>
std::vector<T> PackFolder::without_left_out(const std::string& split,
                                            const std::vector<T>& of_samples) const {
  std::vector<T> kept;
  kept.reserve(of_samples.size());
  for (std::size_t i = 0; i < of_samples.size(); ++i)
    if (!is_left_out(split, static_cast<std::int64_t>(i))) kept.push_back(of_samples[i]);
  return kept;
}

void PackFolder::finish(const std::string& split, DatasetInfo info, const std::vector<std::int64_t>& labels) {
  if (saving_.valid()) saving_.get();
  for (const LeftOut& each : progress_.left_out[split]) info.bad_images.push_back(each.image);
  const auto writer = writers_.find(split);
  if (writer == writers_.end())
    fail(ErrorKind::data, "{}: none of the {} images of the {} split could be decoded", root_.string(),
         labels.size(), split);
  writer->second.finish(std::move(info), without_left_out(split, labels));
}

void PackFolder::write_real_labels(const std::string& split, const RealLabels& labels) {
  write_file_atomically(folder_ / split / "real_labels.json",
                        real_labels_text(without_left_out(split, labels)));
}

void PackFolder::commit() {
  if (saving_.valid()) saving_.get();
  if (!progress_.complete) {
    current();
    progress_.complete = true;
    write_state(progress_, open_writers());
  }
  keep_ = true;  // what is whole is not lost, should a rename fail
  for (const auto& [split, done] : progress_.splits) {
    if (fs::exists(folder_ / split)) {
      std::error_code error;
      fs::rename(folder_ / split, root_ / split, error);
      if (error) fail(ErrorKind::failed, "cannot write {}: {}", (root_ / split).string(), error.message());
    }
  }
  sync_directory(root_);
  keep_ = made_root_ = false;
  saved_blocks_ = 0;
}

}  // namespace smlp
