#include "smlp/nn/structured_linear.hpp"

#include <c10/core/Allocator.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "support/errors.hpp"
#include "support/golden_tensors.hpp"
#include "support/product_count.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::expect_close;
using torch::Tensor;

struct Case {
  const char* name;
  StructureConfig config;
  std::int64_t in, out;
};

constexpr auto dense_kernel = MaskedKernel::dense, sparse_kernel = MaskedKernel::sparse;

std::vector<Case> cases() {
  using enum Structure;
  return {{"Dense", {.structure = dense}, 12, 20},
          {"MaskedDense", {.structure = masked, .density = 0.3, .masked_kernel = dense_kernel}, 12, 20},
          {"MaskedSparse", {.structure = masked, .density = 0.3, .masked_kernel = sparse_kernel}, 12, 20},
          {"MaskedOne", {.structure = masked, .connections = 1, .masked_kernel = sparse_kernel}, 5, 7},
          {"MaskedAll", {.structure = masked, .density = 1, .masked_kernel = sparse_kernel}, 5, 7},
          {"BlockDiagonal", {.structure = block_diagonal, .blocks = 4}, 12, 20},
          {"LowRank", {.structure = low_rank, .rank = 3}, 12, 20},
          {"Kronecker", {.structure = kronecker, .rank = 1}, 12, 20},
          {"KroneckerWide", {.structure = kronecker, .rank = 3}, 12, 48},
          {"KroneckerNarrow", {.structure = kronecker, .rank = 3}, 48, 12},
          {"Btt", {.structure = btt, .rank = 1}, 12, 20},
          {"BttWide", {.structure = btt, .rank = 3}, 12, 48},
          {"BttNarrow", {.structure = btt, .rank = 2}, 48, 12},
          {"Monarch", {.structure = monarch, .blocks = 4}, 12, 20},
          {"MonarchOne", {.structure = monarch, .blocks = 1}, 12, 20}};
}

std::map<std::string, Tensor> tensors_of(const torch::nn::Module& layer) {
  std::map<std::string, Tensor> tensors;
  for (const auto& item : layer.named_parameters()) tensors[item.key()] = item.value();
  for (const auto& item : layer.named_buffers()) tensors[item.key()] = item.value();
  return tensors;
}

// A product of entries of two factors that W[row, column] has; second: "" for 1.
struct Term {
  std::int64_t row, column;
  std::string first;
  std::int64_t at;
  std::string second;
  std::int64_t second_at;
};
using Terms = std::vector<Term>;

// Σ_σ L[α,γ,σ]·R[β,δ,σ] of kronecker and Σ_σ L[α,β,γ,σ]·R[β,γ,δ,σ] of btt, wherever the tensors keep them.
Terms two_core_terms(const std::map<std::string, Tensor>& t) {
  const bool kron = t.contains("left");
  const Tensor left = t.at(kron ? "left" : "left_blocks"), right = t.at(kron ? "right" : "right_blocks");
  const std::int64_t a = left.size(1), d = right.size(2), c = kron ? left.size(2) : right.size(0),
                     b = kron ? right.size(1) : left.size(0), r = kron ? left.size(0) : left.size(2) / c;
  Terms terms;
  for (std::int64_t alpha = 0; alpha < a; ++alpha)
    for (std::int64_t beta = 0; beta < b; ++beta)
      for (std::int64_t gamma = 0; gamma < c; ++gamma)
        for (std::int64_t delta = 0; delta < d; ++delta)
          for (std::int64_t s = 0; s < r; ++s)
            terms.push_back({alpha * b + beta, gamma * d + delta, kron ? "left" : "left_blocks",
                             kron ? (s * a + alpha) * c + gamma : (beta * a + alpha) * c * r + gamma * r + s,
                             kron ? "right" : "right_blocks",
                             kron ? (s * b + beta) * d + delta : (gamma * b * r + beta * r + s) * d + delta});
  return terms;
}

Terms terms_of(const std::map<std::string, Tensor>& t, std::int64_t in, std::int64_t out) {
  if (t.contains("left") || t.contains("left_blocks")) return two_core_terms(t);
  Terms terms;
  std::int64_t seen = 0;  // connections before
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t i = 0; i < in; ++i) {
      if (t.contains("weight")) terms.push_back({o, i, "weight", o * in + i, "", 0});
      if (t.contains("mask") && t.at("mask")[o][i].item<bool>())
        terms.push_back({o, i, "values", seen++, "", 0});
      if (t.contains("blocks")) {
        const std::int64_t d = t.at("blocks").size(2), a = t.at("blocks").size(1);
        if (o / a == i / d) terms.push_back({o, i, "blocks", o * d + i % d, "", 0});
      }
      for (std::int64_t s = 0; t.contains("u") && s < t.at("u").size(1); ++s)
        terms.push_back({o, i, "u", o * t.at("u").size(1) + s, "v", s * in + i});
    }
  return terms;
}

class Structured : public ::testing::TestWithParam<Case> {};

TEST_P(Structured, EqualsTheMatrixThatItsFormulaSpellsOut) {
  const auto& [name, config, in, out] = GetParam();
  torch::manual_seed(2);
  StructuredLinear layer(config, in, out);
  const auto tensors = tensors_of(layer);
  const Tensor x = torch::randn({6, in}).requires_grad_(), weights = torch::randn({6, out});
  const Terms terms = terms_of(tensors, in, out);
  const auto entry = [&](const std::string& factor, std::int64_t at) {
    return factor.empty() ? 1.0 : tensors.at(factor).detach().flatten()[at].item<double>();
  };
  Tensor w = torch::zeros({out, in}, torch::kFloat64);
  for (const Term& t : terms) w[t.row][t.column] += entry(t.first, t.at) * entry(t.second, t.second_at);

  const Tensor y = layer.forward(x);
  (y * weights).sum().backward();
  const Tensor expected = x.detach().to(torch::kFloat64).mm(w.t()) + tensors.at("bias").detach();
  expect_close(y.detach().to(torch::kFloat64), expected, "forward", 1e-5, 1e-5);
  expect_close(x.grad(), weights.mm(w.to(torch::kFloat32)), "input", 1e-4, 1e-5);
  expect_close(tensors.at("bias").grad(), weights.sum(0), "bias", 1e-4, 1e-5);

  const Tensor of_w = weights.t().mm(x.detach()).to(torch::kFloat64);
  std::map<std::string, Tensor> gradients;
  for (const auto& [key, tensor] : tensors) gradients[key] = torch::zeros(tensor.numel(), torch::kFloat64);
  for (const Term& t : terms) {
    const Tensor g = of_w[t.row][t.column];
    gradients[t.first][t.at] += g * entry(t.second, t.second_at);
    if (!t.second.empty()) gradients[t.second][t.second_at] += g * entry(t.first, t.at);
  }
  for (const auto& [key, tensor] : tensors)
    if (key != "bias" && key != "mask")
      expect_close(tensor.grad().flatten(), gradients[key].to(torch::kFloat32), key, 1e-4, 2e-5);
}

INSTANTIATE_TEST_SUITE_P(Cases, Structured, ::testing::ValuesIn(cases()),
                         [](const auto& each) { return each.param.name; });

// The whole matrix, of the unit vectors.
Tensor matrix_of(StructuredLinear& layer, std::int64_t in) {
  const torch::NoGradGuard no_grad;
  const Tensor nothing = layer.forward(torch::zeros({1, in}));
  return (layer.forward(torch::eye(in)) - nothing).t();
}

TEST(StructuredLinear, OneTermIsTheKroneckerProduct) {
  StructuredLinear layer({.structure = Structure::kronecker, .rank = 1}, 12, 20);
  const auto tensors = tensors_of(layer);
  expect_close(matrix_of(layer, 12), torch::kron(tensors.at("left")[0], tensors.at("right")[0]).detach(),
               "matrix", 1e-5, 1e-6);
}

TEST(StructuredLinear, MonarchIsABlockTensorTrainOfRankOne) {
  StructuredLinear btt({.structure = Structure::btt, .rank = 1}, 16, 16),
      monarch({.structure = Structure::monarch, .blocks = 4}, 16, 16);
  {
    const torch::NoGradGuard no_grad;
    for (const auto& item : monarch.named_parameters())
      item.value().copy_(btt.named_parameters()[item.key()]);
  }
  const Tensor x = torch::randn({3, 16});
  EXPECT_TRUE(testing::same_bits(btt.forward(x), monarch.forward(x)));
}

TEST(StructuredLinear, AMaskHasExactlyTheConnectionsAskedFor) {
  for (const auto& [config, count] :
       {std::pair(StructureConfig{.density = 0.1}, 154), std::pair(StructureConfig{.density = 1}, 1536),
        std::pair(StructureConfig{.connections = 77}, 77)}) {
    torch::manual_seed(4);
    StructuredLinear layer(config, 48, 32);
    const Tensor mask = tensors_of(layer).at("mask");
    EXPECT_EQ(mask.sum().item<std::int64_t>(), count);
    EXPECT_EQ(tensors_of(layer).at("values").numel(), count);
    torch::manual_seed(4);
    EXPECT_TRUE(torch::equal(tensors_of(StructuredLinear(config, 48, 32)).at("mask"), mask));
    torch::manual_seed(5);
    EXPECT_EQ(torch::equal(tensors_of(StructuredLinear(config, 48, 32)).at("mask"), mask), count == 1536);
  }
}

// Each output may have any connections: rows and columns have as many as chance gives.
TEST(StructuredLinear, ConnectionsAreSpreadEvenly) {
  torch::manual_seed(6);
  StructuredLinear layer({.density = 0.2}, 100, 100);
  const Tensor mask = tensors_of(layer).at("mask").to(torch::kFloat32);
  for (const std::int64_t side : {0, 1}) {
    const Tensor counts = mask.sum(side);  // 20, deviation 4
    EXPECT_NEAR(counts.std().item<double>(), 4, 1);
    EXPECT_LT(counts.max().item<double>(), 40);
  }
}

TEST(StructuredLinear, AMaskThatIsReplacedIsFollowed) {
  StructuredLinear layer({.connections = 2, .masked_kernel = MaskedKernel::sparse}, 3, 3);
  const auto tensors = tensors_of(layer);
  const torch::NoGradGuard no_grad;
  layer.forward(torch::eye(3));
  Tensor mask = tensors.at("mask");
  mask.zero_();
  mask[1][2] = true, mask[2][0] = true;
  tensors.at("values").fill_(7);
  EXPECT_TRUE(torch::equal(matrix_of(layer, 3),
                           torch::tensor({{0., 0., 0.}, {0., 0., 7.}, {7., 0., 0.}}).to(torch::kFloat32)));
  mask[0][0] = true;
  EXPECT_NE(error_of(ErrorKind::data, [&] { layer.forward(torch::eye(3)); }).find("3 connections"),
            std::string::npos);
}

// Bytes of a CPU's tensors at the most.
class PeakMemory : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device) override {
    peak = std::max(peak, live += size);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t live = 0, peak = 0;
};

// Neither in forward nor in backward pass: a dense matrix would be 4 MiB and 1,048,576 multiply-adds.
TEST(StructuredLinear, MultipliesInItsStructure) {
  constexpr std::int64_t n = 1024, batch = 4;
  using enum Structure;
  for (const StructureConfig& config : {StructureConfig{.structure = masked, .density = 0.01},
                                        {.structure = block_diagonal, .blocks = 16},
                                        {.structure = low_rank, .rank = 16},
                                        {.structure = kronecker, .rank = 2},
                                        {.structure = btt, .rank = 2},
                                        {.structure = monarch, .blocks = 16}}) {
    SCOPED_TRACE(config.text());
    StructuredLinear layer(config, n, n);
    const LayerShape shape = layer_shape(config, n, n);
    const Tensor x = torch::randn({batch, n}).requires_grad_();
    const auto memory = std::make_shared<PeakMemory>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, memory);
    Tensor y;
    {
      const testing::ProductCount count;
      y = layer.forward(x);
      EXPECT_EQ(count.macs(), batch * shape.macs);
    }
    EXPECT_LT(shape.macs, n * n / 4);
    y.sum().backward();
    EXPECT_LT(memory->peak, n * n * 4 / 2);
  }
}

TEST(StructuredLinear, StartsWithTheDeviationsOfItsFactors) {
  torch::manual_seed(8);
  StructuredLinear layer({.structure = Structure::kronecker, .rank = 4}, 1024, 256);
  const LayerShape shape = layer_shape({.structure = Structure::kronecker, .rank = 4}, 1024, 256);
  layer.structured_start_(false);
  for (const Factor& factor : shape.factors) {
    const Tensor values = tensors_of(layer).at(factor.name).detach();
    const double deviation =
        std::sqrt(1 / factor.fan_in) * std::min(1.0, std::sqrt(factor.fan_out / factor.fan_in));
    EXPECT_NEAR(values.std().item<double>(), deviation, 0.05 * deviation) << factor.name;
  }
  layer.structured_start_(true);
  EXPECT_EQ(tensors_of(layer).at(shape.factors[1].name).abs().max().item<double>(), 0);
  EXPECT_GT(tensors_of(layer).at(shape.factors[0].name).abs().max().item<double>(), 0);
  EXPECT_EQ(matrix_of(layer, 1024).abs().max().item<double>(), 0);
}

// d_in / i / the number of factors, i worked out by hand.
TEST(StructuredLinear, RatesAreByTheFactorsFanIn) {
  const auto rate = [](const StructureConfig& config, const std::string& factor) {
    for (const auto& [name, times] : StructuredLinear(config, 64, 256).rates())
      if (name == factor) return times;
    return 0.0;
  };
  using enum Structure;
  EXPECT_EQ(rate({.structure = dense}, "weight"), 1);
  EXPECT_EQ(rate({.structure = masked, .density = 0.25}, "values"), 4);
  EXPECT_EQ(rate({.structure = block_diagonal, .blocks = 8}, "blocks"), 8);
  EXPECT_EQ(rate({.structure = low_rank, .rank = 4}, "v"), 0.5);
  EXPECT_EQ(rate({.structure = low_rank, .rank = 4}, "u"), 8);
  EXPECT_EQ(rate({.structure = btt, .rank = 2}, "right_blocks"), 4);  // of 8 inputs
  EXPECT_EQ(rate({.structure = btt, .rank = 2}, "left_blocks"), 2);   // of 8 · 2
  EXPECT_EQ(rate({.structure = kronecker, .rank = 2}, "left"), 4);    // first, of 8
  EXPECT_EQ(rate({.structure = kronecker, .rank = 2}, "right"), 2);   // of 8 · 2
}

}  // namespace
}  // namespace smlp
