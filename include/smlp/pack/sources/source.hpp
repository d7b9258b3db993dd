#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "smlp/data/real_labels.hpp"
#include "smlp/formats/image.hpp"
#include "smlp/pack/sources/source_options.hpp"

namespace smlp {

// One image of a raw data set, as `smlp pack` reads it.
struct RawSample {
  std::string split;               // "train", "test" or "unlabeled"
  std::string name;                // where it is in the archive; one line of names.txt
  std::vector<std::byte> encoded;  // the image's file, where `pixels` is empty
  Image pixels;
};

// XXH3-64 of its bytes, or of its pixels where it has no file.
std::uint64_t hash_of(const RawSample& sample);

struct SourceRequest {
  std::filesystem::path from;       // a folder, or the archive as downloaded
  std::vector<std::string> splits;  // of "train", "test", "val", "unlabeled"; empty: every split found
  SourceOptions options;
  bool wants(std::string_view split) const;  // "test" and "val" are one split
  bool wants_only(std::string_view split) const;
  bool wants_folder(std::string_view name) const;  // where test/ and val/ are two folders
};

// What is known only when the whole archive was read once: labels may come after their images.
struct SourceResult {
  std::vector<std::string> classes;                         // label i is classes[i]
  std::map<std::string, std::vector<std::int64_t>> labels;  // by split, in the order the samples were given
  std::int64_t skipped = 0;  // files that are no image, or in no split or class that was asked for
  std::map<std::string, RealLabels> real_labels{};  // as `labels`; none for a split that was given none
  std::vector<std::string> warnings{};              // what is not packed though nobody asked for that
};

// Called with every sample, split by split or mixed, in the archive's order.
using SampleSink = std::function<void(RawSample&&)>;

// Streams a data set once. Error(data) naming archive, entry and reason.
using ReadSource = SourceResult (*)(const SourceRequest& request, const SampleSink& sink);

// A raw layout.
struct DataSource {
  const char* name;
  const char* help;     // one line
  const char* page;     // where it is downloaded
  const char* options;  // the flags it understands of source_option_table, blanks between
  const char* family;   // normalisation family, "" for the pack's own statistics
  int native_size;      // pixels a side; 0: any
  ReadSource read;
  bool understands(std::string_view flag) const;
};

// Files that are not packed though they lie among those that are: how many, by place (a class's folder) and
// kind.
class PassedOver {
 public:
  void add(const std::string& place, std::string_view file);  // the kind is its extension
  std::int64_t count() const;
  std::vector<std::string> warnings() const;  // a line a place, for the first of them

 private:
  std::map<std::string, std::map<std::string, std::int64_t>> files_;
};

// Bytewise, or where all are whole numbers by these: "2" before "10".
std::vector<std::string> class_order(std::vector<std::string> names);

// Labels by class name, numbered once every name is known.
class NamedLabels {
 public:
  void add(const std::string& split, const std::string& class_name);  // the next sample of the split
  bool has(const std::string& split) const { return ids_.contains(split); }

  // classes: their order, every name that was added among them; empty: the names added, in class_order().
  SourceResult finish(std::vector<std::string> classes, std::int64_t skipped) const;

 private:
  std::unordered_map<std::string, std::int64_t> id_of_;  // in the order they were met
  std::map<std::string, std::vector<std::int64_t>> ids_;
};

// The file's name when it lies at the top or in the one folder a distribution has, and is not hidden; else
// "".
std::string top_file_name(std::string_view path);
bool may_hold_top_files(std::string_view folder);  // a folder whose files top_file_name() knows

// options.classes, read; empty where it is not given.
std::vector<std::string> listed_classes(const SourceRequest& request);

// "a/b/c" → {a, b, c}.
std::vector<std::string_view> path_parts(std::string_view path);

// Any part begins with '.', or is what systems put beside files ("__MACOSX", "lost+found").
bool is_hidden(const std::vector<std::string_view>& parts);

std::string class_of_tar(std::string_view file);  // "n01440764" of "n01440764.tar"; "" of anything else

// By its extension, in any case: formats that are read, and others that hold images.
bool named_like_an_image(std::string_view file);

std::string file_kind(std::string_view file);  // ".txt" of "a/B.TXT"; "without extension"

}  // namespace smlp
