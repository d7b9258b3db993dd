#pragma once

namespace smlp {

// How start, rates and decay depend on the width: as usual, or so that what suits the base width suits all
// (µP, arXiv 2203.03466).
enum class Parametrization { standard, mup };

enum class NormKind { layer, batch, none };
enum class Activation { gelu, relu };  // gelu: the erf form

}  // namespace smlp
