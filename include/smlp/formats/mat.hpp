#pragma once
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace smlp {

// A structure array of a MATLAB level 5 file; fields that are neither a single number nor a text are left
// out.
class MatStructArray {
 public:
  using Value = std::variant<double, std::string>;

  MatStructArray(std::string name, std::vector<std::map<std::string, Value>> elements)
      : name_(std::move(name)), elements_(std::move(elements)) {}
  std::size_t size() const { return elements_.size(); }
  double number(std::size_t element, const std::string& field) const;  // no such number: Error(data)
  std::string text(std::size_t element, const std::string& field) const;

 private:
  const Value& at(std::size_t element, const std::string& field) const;

  std::string name_;
  std::vector<std::map<std::string, Value>> elements_;
};

// The variable `variable` of a little-endian level 5 file (MAT-File Format, MathWorks), compressed or not, as
// ImageNet's development kit has it in meta.mat. Anything broken, over 64 MiB unpacked or without that
// variable: Error(data) naming `name`.
MatStructArray parse_mat_struct(std::span<const std::byte> bytes, std::string_view variable,
                                std::string_view name);

}  // namespace smlp
