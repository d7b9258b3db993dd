#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include "given_images.hpp"

namespace smlp {

// How `smlp predict` prints, a line an image: for people, as CSV (a header; the fields of an image that could
// not be read are empty), or as a JSON object (which then has `error` in place of `top`).
enum class PredictFormat { text, csv, json };

class PredictOutput {
 public:
  // classes: names by label; "" for one that is not known, whose number stands for it. top: of an image.
  PredictOutput(std::ostream& out, PredictFormat format, std::vector<std::string> classes, std::size_t top);

  void print(const PredictedBatch& batch, const GivenImages& images);

 private:
  std::string line(const std::string& name, const std::string& error, const Predictions& predictions,
                   std::size_t begin) const;  // of the image whose first class is at `begin`
  std::string class_name(std::int64_t label) const;

  std::ostream& out_;
  const PredictFormat format_;
  const std::vector<std::string> classes_;
  const std::size_t top_;
};

}  // namespace smlp
