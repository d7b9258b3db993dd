#include "smlp/models/structure.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

using Sizes = std::array<std::int64_t, 2>;

double real(std::int64_t n) {
  return static_cast<double>(n);
}

std::string layer_text(std::int64_t in, std::int64_t out) {
  return fmt::format("a layer of {} to {} values", in, out);
}

void check_rank(std::int64_t rank, std::int64_t most, std::int64_t in, std::int64_t out) {
  if (rank > most)
    fail(ErrorKind::usage, "model.rank: {}, at most {} for {}: more adds nothing", rank, most,
         layer_text(in, out));
}

// Beyond 2 and 3 a prime would leave one factor that is as large as the dense matrix.
bool splits(std::int64_t n) {
  return n <= 3 || split_in_two(n)[0] > 1;
}

Sizes split_or_refuse(std::int64_t n, std::int64_t in, std::int64_t out) {
  if (splits(n)) return split_in_two(n);
  fail(ErrorKind::usage,
       "model.structure: {} of {} is a prime, which is not split in two; the nearest that are: {} and {}", n,
       layer_text(in, out), n - 1, n + 1);
}

// The divisor of both that is nearest to `blocks`.
std::int64_t nearest_blocks(std::int64_t blocks, std::int64_t in, std::int64_t out) {
  const std::int64_t common = std::gcd(in, out);
  std::int64_t nearest = 1;
  for (std::int64_t n = 1; n * n <= common; ++n)
    if (common % n == 0)
      for (const std::int64_t divisor : {n, common / n})
        if (std::abs(divisor - blocks) < std::abs(nearest - blocks)) nearest = divisor;
  return nearest;
}

void check_blocks(std::int64_t blocks, std::int64_t in, std::int64_t out) {
  if (in % blocks != 0 || out % blocks != 0)
    fail(ErrorKind::usage, "model.blocks: {} does not divide both sizes of {}; the nearest that does: {}",
         blocks, layer_text(in, out), nearest_blocks(blocks, in, out));
}

LayerShape dense(const StructureConfig&, std::int64_t in, std::int64_t out) {
  return {.factors = {{"weight", {out, in}, real(in), real(out)}}, .macs = in * out};
}

LayerShape masked(const StructureConfig& config, std::int64_t in, std::int64_t out) {
  const std::int64_t n = connection_count(config, in, out);
  // The mask's booleans, and where its ones are: for dense products as int64; for sparse ones also by row and
  // by column, as int32, and the order of the second. The dense matrix is made in float32, and cast for bf16.
  const std::int64_t places = config.masked_kernel == MaskedKernel::dense ? 8 : 8 + 4 + 4 + 8;
  return {.factors = {{"values", {n}, real(n) / real(out), real(n) / real(in)}},
          .macs = n,
          .fixed_bytes = in * out + places * n,
          .passing_bytes = (4 + 2) * in * out};  // in bf16 also where a sparse kernel was asked for
}

LayerShape block_diagonal(const StructureConfig& config, std::int64_t in, std::int64_t out) {
  check_blocks(config.blocks, in, out);
  const std::int64_t d = in / config.blocks, a = out / config.blocks;
  return {.factors = {{"blocks", {config.blocks, a, d}, real(d), real(a)}}, .macs = in * a};
}

LayerShape low_rank(const StructureConfig& config, std::int64_t in, std::int64_t out) {
  const std::int64_t r = config.rank;
  check_rank(r, std::min(in, out), in, out);
  return {.factors = {{"v", {r, in}, real(in), real(r)}, {"u", {out, r}, real(r), real(out)}},
          .macs = r * (in + out),
          .between = r};
}

// Whichever factor comes first, the result is the same; the cheaper order is taken.
LayerShape kronecker(const StructureConfig& config, std::int64_t in, std::int64_t out) {
  const std::int64_t r = config.rank;
  const auto [c, d] = split_or_refuse(in, in, out);
  const auto [a, b] = split_or_refuse(out, in, out);
  check_rank(r, std::min(a * c, b * d), in, out);
  const std::vector<std::int64_t> left{r, a, c}, right{r, b, d};
  const std::int64_t left_first = a * c * d + a * b * d, right_first = b * c * d + a * b * c;
  if (left_first <= right_first)
    return {.factors = {{"left", left, real(c), real(a * r)}, {"right", right, real(d * r), real(b)}},
            .macs = r * left_first,
            .between = r * a * d};
  return {.factors = {{"right", right, real(d), real(b * r)}, {"left", left, real(c * r), real(a)}},
          .macs = r * right_first,
          .between = r * b * c};
}

LayerShape two_block_diagonals(Sizes of_in, Sizes of_out, std::int64_t r) {
  const auto [c, d] = of_in;
  const auto [a, b] = of_out;
  return {.factors = {{"right_blocks", {c, b * r, d}, real(d), real(b * r)},
                      {"left_blocks", {b, a, c * r}, real(c * r), real(a)}},
          .macs = r * (a * b * c + b * c * d),
          .between = b * c * r};
}

LayerShape btt(const StructureConfig& config, std::int64_t in, std::int64_t out) {
  const Sizes of_in = split_or_refuse(in, in, out), of_out = split_or_refuse(out, in, out);
  check_rank(config.rank, std::min(of_out[0], of_in[1]), in, out);
  return two_block_diagonals(of_in, of_out, config.rank);
}

LayerShape monarch(const StructureConfig& config, std::int64_t in, std::int64_t out) {
  const std::int64_t n = config.blocks;
  check_blocks(n, in, out);
  return two_block_diagonals({n, in / n}, {out / n, n}, 1);
}

struct StructureRow {
  Structure structure;
  const char* name;
  LayerShape (*shape)(const StructureConfig&, std::int64_t in, std::int64_t out);
  std::string (*text)(const StructureConfig&);
};

std::string rank_text(const StructureConfig& config) {
  return fmt::format(" (rank {})", config.rank);
}
std::string blocks_text(const StructureConfig& config) {
  return fmt::format(" ({} blocks)", config.blocks);
}
std::string connections_text(const StructureConfig& config) {
  return config.connections > 0 ? fmt::format(" ({} connections)", config.connections)
                                : fmt::format(" (density {})", config.density);
}
std::string no_text(const StructureConfig&) {
  return "";
}

constexpr StructureRow structure_table[] = {
    {Structure::dense, "dense", dense, no_text},
    {Structure::masked, "masked", masked, connections_text},
    {Structure::block_diagonal, "block_diagonal", block_diagonal, blocks_text},
    {Structure::low_rank, "low_rank", low_rank, rank_text},
    {Structure::kronecker, "kronecker", kronecker, rank_text},
    {Structure::btt, "btt", btt, rank_text},
    {Structure::monarch, "monarch", monarch, blocks_text},
};

const StructureRow& row_of(Structure structure) {
  return *std::ranges::find(structure_table, structure, &StructureRow::structure);
}

}  // namespace

void StructureConfig::fields(FieldVisitor& v) {
  std::vector<std::pair<const char*, Structure>> words;
  for (const StructureRow& row : structure_table) words.emplace_back(row.name, row.structure);
  v.choice("structure", structure, words, "what the linear layers' matrices are made of");
  v.field("density", density, "masked: the part of a layer's connections that there are",
          Bounds{.min = 0, .max = 1, .min_open = true});
  v.field("connections", connections,
          "masked: how many a layer has, held as the width grows; 0: as the density says",
          between(0, std::int64_t{1} << 34));
  v.field("rank", rank, "of low_rank and btt; for kronecker the number of terms", between(1, 4096));
  v.field("blocks", blocks, "of block_diagonal, and of each factor of monarch", between(1, 65536));
  v.choice(
      "masked_kernel", masked_kernel,
      {{"auto", MaskedKernel::automatic}, {"dense", MaskedKernel::dense}, {"sparse", MaskedKernel::sparse}},
      "of masked, in fp32 on a CPU; auto: the faster one by density and batch");
}

const char* StructureConfig::name() const {
  return row_of(structure).name;
}

std::string StructureConfig::text() const {
  return name() + row_of(structure).text(*this);
}

LayerShape layer_shape(const StructureConfig& config, std::int64_t in, std::int64_t out) {
  return row_of(config.structure).shape(config, in, out);
}

std::int64_t connection_count(const StructureConfig& config, std::int64_t in, std::int64_t out) {
  constexpr std::int64_t largest = std::int64_t{1} << 34;  // of a mask, which has a byte for each place
  const std::int64_t all = in * out;
  if (all > largest)
    fail(ErrorKind::usage, "model.structure: masked: {} has {} places for connections, at most {}",
         layer_text(in, out), all, largest);
  const std::int64_t n =
      config.connections > 0 ? config.connections : std::llround(config.density * real(all));
  if (n > all)
    fail(ErrorKind::usage, "model.connections: {}, but {} has only {}; make model.width larger", n,
         layer_text(in, out), all);
  if (n < 1)
    fail(ErrorKind::usage, "model.density: {} leaves no connection in {}", config.density,
         layer_text(in, out));
  return n;
}

std::array<std::int64_t, 2> split_in_two(std::int64_t n) {
  Sizes parts{1, 1};
  const auto deal = [&](std::int64_t prime) { (parts[0] <= parts[1] ? parts[0] : parts[1]) *= prime; };
  for (std::int64_t prime = 2; prime * prime <= n; ++prime)
    for (; n % prime == 0; n /= prime) deal(prime);
  if (n > 1) deal(n);
  std::ranges::sort(parts);
  return parts;
}

}  // namespace smlp
