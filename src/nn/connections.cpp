#include "smlp/nn/connections.hpp"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "smlp/core/error.hpp"
#include "smlp/core/rng.hpp"

namespace smlp {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Up to which density sparse products are the faster for so many vectors: a fit to where the two kernels met
// in `smlp bench structured` (docs/results.md), of widths from 256 to 2048.
constexpr double largest_sparse_density = 0.4;
double sparse_density(std::int64_t batch) {
  return std::clamp(0.8 * std::pow(static_cast<double>(std::max<std::int64_t>(batch, 1)), -0.23), 0.18,
                    largest_sparse_density);
}

// W, for as long as a product takes.
Tensor matrix(const Tensor& values, const Tensor& places, std::int64_t out, std::int64_t in) {
  return torch::zeros({out * in}, values.options().requires_grad(false))
      .scatter_(0, places, values.detach())
      .view({out, in});
}

// With W made anew in the backward pass, so that none is kept.
class DenseProduct : public torch::autograd::Function<DenseProduct> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& values, const Tensor& bias,
                        const Tensor& places) {
    context->save_for_backward({x, values, places});
    context->saved_data["out"] = bias.size(0);
    return at::linear(x, matrix(values, places, bias.size(0), x.size(1)), bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &values = saved[1], &places = saved[2], &y = gradients[0];
    variable_list found(4);
    if (context->needs_input_grad(0)) {
      const Tensor w = matrix(values, places, context->saved_data["out"].toInt(), x.size(1));
      found[0] = y.mm(w.to(y.scalar_type())).to(x.scalar_type());
    }
    if (context->needs_input_grad(1))
      found[1] = y.t().mm(x.to(y.scalar_type())).flatten().index_select(0, places).to(values.scalar_type());
    if (context->needs_input_grad(2)) found[2] = y.sum(0).to(values.scalar_type());
    return found;
  }
};

// LibTorch says once a process that sparse rows are new, which helps no one who trains.
class Silence : public c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

Tensor sparse(const Tensor& starts, const Tensor& columns, const Tensor& values, std::int64_t rows,
              std::int64_t width) {
  static Silence silence;
  const c10::WarningUtils::WarningHandlerGuard guard(&silence);
  return at::_sparse_csr_tensor_unsafe(starts, columns, values, {rows, width},
                                       values.options().layout(torch::kSparseCsr));
}

// The libraries multiply a sparse matrix by vectors that are columns.
class SparseProduct : public torch::autograd::Function<SparseProduct> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& values, const Tensor& bias,
                        const Tensor& starts, const Tensor& columns, const Tensor& starts_t,
                        const Tensor& columns_t, const Tensor& order) {
    const std::int64_t out = bias.size(0), in = x.size(1);
    const Tensor vectors = x.t().contiguous();
    context->save_for_backward({vectors, values, starts, columns, starts_t, columns_t, order});
    const Tensor y = sparse(starts, columns, values.detach(), out, in).mm(vectors);
    Tensor result = torch::empty({x.size(0), out}, x.options().requires_grad(false));
    return at::add_out(result, y.t(), bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &vectors = saved[0], &values = saved[1];
    const Tensor y = gradients[0].t().contiguous();
    const std::int64_t out = y.size(0), in = vectors.size(0);
    variable_list found(8);
    if (context->needs_input_grad(0)) {
      const Tensor w_t = sparse(saved[4], saved[5], values.detach().index_select(0, saved[6]), in, out);
      found[0] = w_t.mm(y).t().contiguous();
    }
    if (context->needs_input_grad(1)) {
      const Tensor none = sparse(saved[2], saved[3], torch::zeros_like(values), out, in);
      found[1] = at::sparse_sampled_addmm(none, y, vectors.t(), /*beta=*/0).values();
    }
    if (context->needs_input_grad(2)) found[2] = gradients[0].sum(0);
    return found;
  }
};

// How many entries lie before each of `rows` rows, and how many there are.
Tensor starts_of(const Tensor& row_of_each, std::int64_t rows) {
  const Tensor counts = torch::bincount(row_of_each, {}, rows);
  return at::constant_pad_nd(counts.cumsum(0), {1, 0}).to(torch::kInt32);
}

// `count` of the numbers below `all`.
Tensor choose(std::int64_t count, std::int64_t all) {
  const auto seed = static_cast<std::uint64_t>(
      torch::randint(std::numeric_limits<std::int64_t>::max(), {1}, torch::kInt64).item<std::int64_t>());
  const Permutation permutation(static_cast<std::uint64_t>(all), seed, Purpose::init);
  Tensor chosen = torch::empty({count}, torch::kInt64);
  auto* const numbers = chosen.mutable_data_ptr<std::int64_t>();
  for (std::int64_t k = 0; k < count; ++k)
    numbers[k] = static_cast<std::int64_t>(permutation(static_cast<std::uint64_t>(k)));
  return chosen;
}

}  // namespace

Connections::Connections(torch::nn::Module& layer, std::int64_t count, std::int64_t in, std::int64_t out,
                         MaskedKernel kernel)
    : kernel_(kernel), mask_(layer.register_buffer("mask", torch::zeros({out, in}, torch::kBool))) {
  mask_.view(-1).index_fill_(0, choose(count, in * out), true);
  follow_mask();
}

void Connections::follow_mask() {
  if (made_of_ == mask_.const_data_ptr() && version_ == mask_._version()) return;
  const std::int64_t out = mask_.size(0), in = mask_.size(1);
  places_ = mask_.flatten().nonzero().flatten();
  made_of_ = mask_.const_data_ptr(), version_ = mask_._version();
  order_.reset();
  density_ = static_cast<double>(places_.size(0)) / static_cast<double>(mask_.numel());
  const bool wanted = kernel_ == MaskedKernel::sparse ||
                      (kernel_ == MaskedKernel::automatic && density_ <= largest_sparse_density);
  if (!wanted || !mask_.is_cpu() || !at::hasMKL()) return;
  const Tensor row = places_.div(in, "floor"), column = places_.remainder(in);
  order_ = (column * out + row).argsort();
  rows_ = {starts_of(row, out), column.to(torch::kInt32)};
  transposed_ = {starts_of(column, in), row.index_select(0, order_).to(torch::kInt32)};
}

bool Connections::is_sparse(const Tensor& x, const Tensor& values) const {
  if (kernel_ == MaskedKernel::automatic && density_ > sparse_density(x.size(0))) return false;
  return order_.defined() && x.scalar_type() == torch::kFloat32 && values.scalar_type() == torch::kFloat32 &&
         !at::autocast::is_autocast_enabled(torch::kCPU);
}

Tensor Connections::multiply(const Tensor& x, const Tensor& values, const Tensor& bias) {
  follow_mask();
  if (places_.size(0) != values.size(0))
    fail(ErrorKind::data, "a mask has {} connections, but there are {} values for them", places_.size(0),
         values.size(0));
  if (!is_sparse(x, values)) return DenseProduct::apply(x, values, bias, places_);
  return SparseProduct::apply(x, values, bias, rows_.starts, rows_.columns, transposed_.starts,
                              transposed_.columns, order_);
}

}  // namespace smlp
