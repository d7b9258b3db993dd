#include "smlp/models/tensor_layout.hpp"

#include <cctype>

namespace smlp {

TensorLayout::TensorLayout(std::string_view text) {
  const std::string_view before = text.substr(0, text.find("->")), after = text.substr(text.find("->") + 2);
  std::vector<char> names;
  for (const char c : before)
    if (c != ' ') names.push_back(c);
  bool inside = false;
  for (const char c : after) {
    if (c == '(') joined_.push_back(0);
    if (c == '(' || c == ')') inside = c == '(';
    if (c == '1') joined_.push_back(0);
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) continue;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] == c) order_.push_back(static_cast<std::int64_t>(i));
    inside ? void(++joined_.back()) : joined_.push_back(1);
  }
}

std::optional<std::vector<std::int64_t>> TensorLayout::shape(const std::vector<std::int64_t>& from) const {
  if (from.size() != order_.size()) return std::nullopt;
  std::vector<std::int64_t> shape;
  auto next = order_.begin();
  for (const std::size_t count : joined_) {
    std::int64_t product = 1;
    for (std::size_t i = 0; i < count; ++i)
      if (__builtin_mul_overflow(product, from[static_cast<std::size_t>(*next++)], &product))
        return std::nullopt;
    shape.push_back(product);
  }
  return shape;
}

}  // namespace smlp
