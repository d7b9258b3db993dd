#pragma once

namespace smlp {

enum class NormKind { layer, batch, none };
enum class Activation { gelu, relu };  // gelu: the erf form

}  // namespace smlp
