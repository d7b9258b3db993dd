#pragma once
#include <memory>
#include <string>
#include <vector>

#include "smlp/data/dataset.hpp"
#include "smlp/run/training_state.hpp"
#include "smlp/train/predict.hpp"

namespace smlp {

// The images a command line names, in its order: files, folders, packed data sets, standard input. Of files
// only the names are held.
class GivenImages : public ImageSupply {
 public:
  // How files become what the model was trained on.
  explicit GivenImages(ImagePreparation preparation) : preparation_(std::move(preparation)) {}

  // A file, whatever its name; a folder, for the images below it as `smlp pack` takes them, in bytewise order
  // of their paths; a packed data set, its root meaning the test split, or "shapes"; "-": one image from
  // standard input. A file that is not there is an image that cannot be loaded; a folder without images:
  // Error(data).
  void add(const std::string& path);

  // A path a line, of a file or "-".
  void add_list(const std::string& file);

  std::int64_t size() const override;
  Image load(std::int64_t i) const override;
  std::string name(std::int64_t i) const;  // a path, or a pack's names.txt's line

 private:
  struct Part {
    std::int64_t first;              // number of its first image
    std::vector<std::string> names;  // paths, where there is no pack
    std::shared_ptr<const Dataset> pack;
  };
  const Part& part_of(std::int64_t i) const;
  void add_file(const std::string& path);
  void add_folder(const std::string& folder);
  void add_splits(const std::string& root, const std::vector<std::filesystem::path>& splits);
  void add_pack(std::shared_ptr<const Dataset> pack);

  const ImagePreparation preparation_;
  std::vector<Part> parts_;
  bool reads_input_ = false;  // standard input is one of them, or the list
};

// The lines of a pack's names.txt, one an image; numbers where there is none, as of the embedded set.
std::vector<std::string> image_names(const Dataset& dataset);

}  // namespace smlp
