#include <ATen/ATen.h>

#include <algorithm>
#include <array>

#include "gelu.hpp"
#include "residual_passes.hpp"
#include "smlp/device/parallel.hpp"
#include "smlp/device/vector_code.hpp"

namespace smlp {
namespace {

using at::Tensor;

template <class Element>
struct GeluLoop {
  // product → gelu(product + bias)
  [[gnu::always_inline]] static inline void run(Element* __restrict product, const Element* __restrict bias,
                                                std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i)
      product[i] =
          static_cast<Element>(gelu(static_cast<float>(product[i]) + static_cast<float>(bias[i])).value);
  }
  // product → its slope there
  [[gnu::always_inline]] static inline void run(Element* __restrict product, const Element* __restrict bias,
                                                Element* __restrict values, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      const Gelu of = gelu(static_cast<float>(product[i]) + static_cast<float>(bias[i]));
      values[i] = static_cast<Element>(of.value);
      product[i] = static_cast<Element>(of.slope);
    }
  }
};

// product += bias + z
template <class Element>
struct OutputLoop {
  [[gnu::always_inline]] static inline void run(Element* __restrict product, const Element* __restrict bias,
                                                const Element* __restrict z, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i)
      product[i] = static_cast<Element>(static_cast<float>(product[i]) + static_cast<float>(bias[i]) +
                                        static_cast<float>(z[i]));
  }
};

// gradient *= slope; sums += gradient
template <class Element>
struct GeluBackwardLoop {
  [[gnu::always_inline]] static inline void run(Element* __restrict gradient, const Element* __restrict slope,
                                                float* __restrict sums, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      const float product = static_cast<float>(gradient[i]) * static_cast<float>(slope[i]);
      gradient[i] = static_cast<Element>(product);
      sums[i] += product;
    }
  }
};

// One row: gradient → that of layer norm's input z, plus residual; sums [3, n] += those of weight, bias and
// residual.
template <class Element>
struct NormBackwardLoop {
  [[gnu::always_inline]] static inline void run(Element* __restrict gradient,
                                                const Element* __restrict residual,
                                                const Element* __restrict z, float mean, float rstd,
                                                const float* __restrict weight, float* __restrict sums,
                                                std::int64_t n) {
    float sum = 0, product = 0;
    add_up(gradient, z, mean, weight, n, sum, product);
    const float share = sum / static_cast<float>(n), slope = product * rstd * rstd / static_cast<float>(n);
    for (std::int64_t i = 0; i < n; ++i) {
      const float given = static_cast<float>(gradient[i]), centred = static_cast<float>(z[i]) - mean,
                  added = static_cast<float>(residual[i]);
      sums[i] += given * centred * rstd;
      sums[n + i] += given;
      sums[2 * n + i] += added;
      gradient[i] = static_cast<Element>(rstd * (given * weight[i] - share - centred * slope) + added);
    }
  }

  // Several running sums, so that the loop needs no reordering of additions to run on vector registers.
  [[gnu::always_inline]] static inline void add_up(const Element* __restrict gradient,
                                                   const Element* __restrict z, float mean,
                                                   const float* __restrict weight, std::int64_t n, float& sum,
                                                   float& product) {
    constexpr std::int64_t lanes = 16;
    std::array<float, lanes> sums{}, products{};
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        const float weighted = static_cast<float>(gradient[i + lane]) * weight[i + lane];
        sums[lane] += weighted;
        products[lane] += weighted * (static_cast<float>(z[i + lane]) - mean);
      }
    for (; i < n; ++i) {
      const float weighted = static_cast<float>(gradient[i]) * weight[i];
      sums[0] += weighted;
      products[0] += weighted * (static_cast<float>(z[i]) - mean);
    }
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      sum += sums[lane];
      product += products[lane];
    }
  }
};

struct SumLoop {
  [[gnu::always_inline]] static inline void run(float* __restrict sums, const float* __restrict more,
                                                std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) sums[i] += more[i];
  }
};

template <class Body>
void of_type(const Tensor& tensor, const Body& body) {
  tensor.scalar_type() == at::kBFloat16 ? body(c10::BFloat16()) : body(float());
}

// body(row, part) for every row, in parallel; a part's rows in order. They are cut the same way whatever the
// threads, so that sums over them have the same bits.
struct RowParts {
  std::int64_t rows, size = std::max<std::int64_t>(16, (rows + 63) / 64);

  std::int64_t count() const { return (rows + size - 1) / size; }
  template <class Body>
  void for_each_row(const Body& body) const {
    for_each_in_parallel(count(), [&](std::int64_t part) {
      for (std::int64_t row = part * size; row < std::min((part + 1) * size, rows); ++row) body(row, part);
    });
  }
};

// [parts, …] → […], in `like`'s type.
Tensor sum_of(const Tensor& parts, const Tensor& like) {
  const Tensor sums = parts[0];
  for (std::int64_t k = 1; k < parts.size(0); ++k)
    run_vectorized<SumLoop>(sums.mutable_data_ptr<float>(), parts[k].const_data_ptr<float>(), sums.numel());
  return sums.to(like.scalar_type());
}

class CpuPasses : public ResidualPasses {
 public:
  Hidden hidden(const Tensor& x, const Tensor& w1, const Tensor& b1, bool keep) const override {
    const Tensor product = x.mm(w1.t());
    const Tensor values = keep ? at::empty_like(product) : product;
    const std::int64_t n = product.size(1);
    of_type(product, [&](auto zero) {
      using Element = decltype(zero);
      Element *const from = product.mutable_data_ptr<Element>(), *const to =
                                                                     values.mutable_data_ptr<Element>();
      const Element* const bias = b1.const_data_ptr<Element>();
      RowParts{product.size(0)}.for_each_row([&](std::int64_t row, std::int64_t) {
        if (keep)
          run_vectorized<GeluLoop<Element>>(from + row * n, bias, to + row * n, n);
        else
          run_vectorized<GeluLoop<Element>>(from + row * n, bias, n);
      });
    });
    return {.values = values, .kept = keep ? product : Tensor()};
  }

  Tensor output(const Tensor& hidden, const Tensor& w2, const Tensor& b2, const Tensor& z) const override {
    Tensor product = hidden.mm(w2.t());
    const std::int64_t n = product.size(1);
    of_type(product, [&](auto zero) {
      using Element = decltype(zero);
      Element* const out = product.mutable_data_ptr<Element>();
      const Element *const bias = b2.const_data_ptr<Element>(), *const residual = z.const_data_ptr<Element>();
      RowParts{product.size(0)}.for_each_row([&](std::int64_t row, std::int64_t) {
        run_vectorized<OutputLoop<Element>>(out + row * n, bias, residual + row * n, n);
      });
    });
    return product;
  }

  GeluGradients gelu_gradients(const Tensor& gradient, const Tensor& kept) const override {
    const std::int64_t n = kept.size(1);
    const RowParts parts{kept.size(0)};
    const Tensor sums = at::zeros({parts.count(), n}, at::kFloat);
    of_type(kept, [&](auto zero) {
      using Element = decltype(zero);
      Element* const out = gradient.mutable_data_ptr<Element>();
      const Element* const slopes = kept.const_data_ptr<Element>();
      float* const all = sums.mutable_data_ptr<float>();
      parts.for_each_row([&](std::int64_t row, std::int64_t part) {
        run_vectorized<GeluBackwardLoop<Element>>(out + row * n, slopes + row * n, all + part * n, n);
      });
    });
    return {.input = gradient, .bias = sum_of(sums, kept)};
  }

  NormGradients norm_gradients(const Tensor& gradient, const Tensor& residual, const Tensor& z,
                               const Tensor& mean, const Tensor& rstd, const Tensor& weight) const override {
    const std::int64_t n = z.size(1);
    const RowParts parts{z.size(0)};
    const Tensor sums = at::zeros({parts.count(), 3, n}, at::kFloat);
    of_type(z, [&](auto zero) {
      using Element = decltype(zero);
      Element* const out = gradient.mutable_data_ptr<Element>();
      const Element *const added = residual.const_data_ptr<Element>(), *const input =
                                                                           z.const_data_ptr<Element>();
      const float *const means = mean.const_data_ptr<float>(), *const rstds = rstd.const_data_ptr<float>(),
                         *const weights = weight.const_data_ptr<float>();
      float* const all = sums.mutable_data_ptr<float>();
      parts.for_each_row([&](std::int64_t row, std::int64_t part) {
        const std::int64_t at = row * n;
        run_vectorized<NormBackwardLoop<Element>>(out + at, added + at, input + at, means[row], rstds[row],
                                                  weights, all + part * 3 * n, n);
      });
    });
    const Tensor columns = sum_of(sums, weight);
    return {.input = gradient,
            .weight = columns[0],
            .bias = columns[1],
            .last_bias = columns[2].to(z.scalar_type())};
  }
};

}  // namespace

const ResidualPasses& cpu_passes() {
  static const CpuPasses passes;
  return passes;
}

}  // namespace smlp
