#include "bench_pack.hpp"

#include <unistd.h>

#include "smlp/core/error.hpp"
#include "smlp/core/version.hpp"
#include "smlp/device/capability.hpp"

namespace smlp {
namespace {

class Scratch {
 public:
  explicit Scratch(const std::filesystem::path& parent)
      : path_(parent / fmt::format("smlp-bench-pack-{}", ::getpid())) {
    std::error_code error;
    if (!std::filesystem::create_directory(path_, error))
      fail(ErrorKind::usage, "--scratch {}: no folder can be made there ({})", parent.string(),
           error ? error.message() : "it exists already");
  }
  ~Scratch() {
    clear();
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::filesystem::path fresh() const {
    clear();
    return path_ / "packed";
  }

 private:
  void clear() const {
    std::error_code ignored;
    std::filesystem::remove_all(path_ / "packed", ignored);
  }
  std::filesystem::path path_;
};

}  // namespace

BenchRow bench_pack(PackOptions pack, const std::filesystem::path& scratch, const BenchOptions& options) {
  const Scratch folder(scratch);
  std::vector<double> seconds;
  PackReport report;
  for (int i = -1; i < options.repeats; ++i) {
    pack.to = folder.fresh();
    report = smlp::pack(pack);
    if (i >= 0) seconds.push_back(report.seconds);
  }
  const Timing timing = summarize(seconds);
  BenchRow row{.kind = "pack",
               .model = pack.source,
               .precision = "uint8",
               .processor = cpu_capability().name,
               .revision = git_revision(),
               .threads = report.threads,
               .classes = report.classes,
               .image_size = report.image_size,
               .repeats = options.repeats,
               .spread = timing.spread,
               .batch_seconds = timing.seconds};
  for (const PackedSplit& split : report.splits) row.batch_size += split.images;
  row.images_per_s = static_cast<double>(row.batch_size) / timing.seconds;
  return row;
}

}  // namespace smlp
