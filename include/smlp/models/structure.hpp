#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "smlp/config/fields.hpp"

namespace smlp {

// What the matrix W [out, in] of a linear layer is made of. With in = c·d and out = a·b, each split by
// split_in_two(), an output numbered (α, β) and an input (γ, δ), the second index counting fastest:
//   masked          entries of their own in some places, drawn at random and fixed, zero elsewhere
//   block_diagonal  `blocks` matrices along the diagonal
//   low_rank        U·V of rank r
//   kronecker       Σ_σ L[α,γ,σ] · R[β,δ,σ], a sum of r Kronecker products
//   btt             Σ_σ L[α,β,γ,σ] · R[β,γ,δ,σ], a block tensor train (arXiv 2406.06248)
//   monarch         btt of rank 1 with b = c = `blocks`
enum class Structure { dense, masked, block_diagonal, low_rank, kronecker, btt, monarch };

// How a masked layer is multiplied in fp32 on a CPU, elsewhere always dense: its matrix made anew for each
// product, by sparse products, or as is faster at its density and the batch's size.
enum class MaskedKernel { automatic, dense, sparse };

struct StructureConfig {
  Structure structure = Structure::masked;
  double density = 0.1;          // masked: part of the connections that there are
  std::int64_t connections = 0;  // masked: how many a layer has, whatever its size; 0: density says
  std::int64_t rank = 4;         // r: low_rank, kronecker, btt
  std::int64_t blocks = 4;       // block_diagonal, monarch
  MaskedKernel masked_kernel = MaskedKernel::automatic;

  void fields(FieldVisitor& v);
  const char* name() const;  // the structure's
  std::string text() const;  // "btt (rank 4)"
};

// A tensor of a structured layer.
struct Factor {
  const char* name;
  std::vector<std::int64_t> shape;
  double fan_in, fan_out;  // of the product that it is used in
};

struct LayerShape {
  std::vector<Factor> factors;  // in the order in which an input meets them
  std::int64_t macs = 0;        // for one vector
  std::int64_t between = 0;     // values of a vector between two factors, which the backward pass reads
  std::int64_t fixed_bytes = 0, passing_bytes = 0;  // as in CostRow
};

// Of a layer of `in` to `out` values. Tensors, without the bias:
//   weight [out, in] · values [connections], with the buffer mask [out, in] · blocks [blocks, out/blocks,
//   in/blocks] · u [out, r], v [r, in] · left [r, a, c], right [r, b, d] ·
//   left_blocks [b, a, c·r], right_blocks [c, b·r, d] (btt and monarch; r counts fastest)
// Sizes that the structure cannot have: Error(usage) with the reason and what the nearest would be.
LayerShape layer_shape(const StructureConfig& config, std::int64_t in, std::int64_t out);

// The connections of a masked layer, 1 to in·out; others: Error(usage).
std::int64_t connection_count(const StructureConfig& config, std::int64_t in, std::int64_t out);

// Two factors of n, the smaller first, as even as dealing its prime factors out makes them: ascending, each
// to the product that is smaller by then. n ≥ 1.
std::array<std::int64_t, 2> split_in_two(std::int64_t n);

}  // namespace smlp
