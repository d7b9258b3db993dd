#pragma once
#include <cstdint>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "smlp/core/file_lock.hpp"
#include "smlp/core/files.hpp"
#include "smlp/data/real_labels.hpp"
#include "smlp/pack/pack_progress.hpp"
#include "smlp/pack/split_writer.hpp"

namespace smlp {

// The splits of a pack while they are made: in ROOT/.packing, until commit() renames them to ROOT/train and
// so on. Each finished block of images is synced, and state.json then says how far all has come, so that a
// later process goes on from there. Removed when it is destroyed before that, unless a block was finished or
// keep() was called.
class PackFolder {
 public:
  // job: what is packed and how. resume: go on from what another process left, which must be of the same job
  // (else Error(usage)). Without `resume`, progress that was saved there is refused: Error(data).
  PackFolder(const fs::path& root, std::string job, bool resume);
  ~PackFolder();
  PackFolder(const PackFolder&) = delete;
  PackFolder& operator=(const PackFolder&) = delete;

  // Whether the next sample of its split was handled before the interruption; each is asked about once, in
  // the source's order. A name that differs from the one written then, or an image that was replaced:
  // Error(data).
  bool is_done(const RawSample& sample);

  void append(const DecodedSample& sample, int image_size);
  void leave_out(const DecodedSample& sample);

  std::int64_t images() const;    // of all splits
  std::int64_t left_out() const;  // of all splits
  const PackProgress& progress() const { return progress_; }
  void set_resized() { progress_.resized = true; }

  // Write what is known at the end. labels: one for each sample the source gave, left-out ones too.
  void finish(const std::string& split, DatasetInfo info, const std::vector<std::int64_t>& labels);
  void write_real_labels(const std::string& split, const RealLabels& labels);  // after finish()
  void commit();                                                               // all splits appear

  void keep();  // saves the progress and leaves the folder for another process

 private:
  struct Before {  // of a split, handled before the interruption
    std::int64_t samples = 0;
    std::ifstream names;
    std::uint64_t hash = 0;  // of those that were asked about
  };
  void restore();
  void check_same(const RawSample& sample, std::int64_t index, Before& before);
  [[noreturn]] void refuse_changed(const std::string& what);
  bool is_left_out(const std::string& split, std::int64_t index) const;
  template <class T>
  std::vector<T> without_left_out(const std::string& split, const std::vector<T>& of_samples) const;
  std::vector<const SplitWriter*> open_writers() const;
  std::int64_t handled(const std::string& split) const;  // samples so far, left-out ones too
  void save_in_background();
  PackProgress current();
  void write_state(const PackProgress& progress, const std::vector<const SplitWriter*>& writers) const;

  const fs::path root_, folder_;
  bool made_root_ = false, keep_ = false;
  std::unique_ptr<FileLock> lock_;
  PackProgress progress_;
  std::map<std::string, SplitWriter> writers_;
  std::map<std::string, Before> before_;
  std::map<std::string, std::int64_t> asked_;  // samples is_done() was asked about, by split
  std::size_t saved_blocks_ = 0;
  std::future<void> saving_;
};

}  // namespace smlp
