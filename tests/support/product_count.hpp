#pragma once
#include <ATen/record_function.h>
#include <torch/types.h>

#include <cstdint>
#include <string>

namespace smlp::testing {

// Counts the multiply-adds of this thread's matrix products while it lives: of mm, addmm and bmm, a sparse
// matrix by its entries.
class ProductCount {
 public:
  ProductCount() {
    current() = this;
    handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(enter, leave).needsInputs(true));
  }
  ~ProductCount() {
    at::removeCallback(handle_);
    current() = nullptr;
  }
  ProductCount(const ProductCount&) = delete;
  ProductCount& operator=(const ProductCount&) = delete;
  std::int64_t macs() const { return macs_; }

 private:
  struct Inside : at::ObserverContext {};

  static ProductCount*& current() {
    static thread_local ProductCount* count = nullptr;
    return count;
  }
  static std::int64_t macs_of(const torch::Tensor& a, const torch::Tensor& b) {
    const std::int64_t entries = a.layout() == torch::kSparseCsr ? a._nnz() : a.numel();
    return entries * b.size(-1);
  }
  // A product may be made of others.
  static std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& function) {
    const std::string name = function.name();
    const std::size_t first = name == "aten::addmm" ? 1 : 0;
    if (name != "aten::mm" && name != "aten::bmm" && first == 0) return nullptr;
    if (current()->depth_++ == 0)
      current()->macs_ +=
          macs_of(function.inputs()[first].toTensor(), function.inputs()[first + 1].toTensor());
    return std::make_unique<Inside>();
  }
  static void leave(const at::RecordFunction&, at::ObserverContext* inside) {
    if (inside != nullptr) --current()->depth_;
  }

  at::CallbackHandle handle_;
  std::int64_t macs_ = 0;
  int depth_ = 0;
};

}  // namespace smlp::testing
