#include "smlp/models/foreign_names.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/models/tensor_layout.hpp"

namespace smlp {
namespace {

using Change = Spelling::Change;

constexpr const char* flax_convolution = "h w i o -> o i h w";
constexpr const char* flax_linear = "i o -> o i";

// google-research/vision_transformer, as its .npz files have it.
constexpr std::array google_mixer_names{Change{"stem.", "stem.proj."},
                                        Change{"MixerBlock_", "blocks."},
                                        Change{"LayerNorm_0", "norm1"},
                                        Change{"LayerNorm_1", "norm2"},
                                        Change{"token_mixing", "mlp_tokens"},
                                        Change{"channel_mixing", "mlp_channels"},
                                        Change{"Dense_0", "fc1"},
                                        Change{"Dense_1", "fc2"},
                                        Change{"pre_head_layer_norm", "norm"},
                                        Change{".kernel", ".weight"},
                                        Change{".scale", ".weight"}};
constexpr std::array google_mixer_layouts{Change{"stem.kernel", flax_convolution},
                                          Change{".kernel", flax_linear}};

constexpr std::array google_vit_names{Change{"embedding.kernel", "patch_embed.proj.weight"},
                                      Change{"embedding.bias", "patch_embed.proj.bias"},
                                      Change{"Transformer.posembed_input.pos_embedding", "pos_embed"},
                                      Change{"Transformer.encoder_norm", "norm"},
                                      Change{"Transformer.encoderblock_", "blocks."},
                                      Change{"LayerNorm_0", "norm1"},
                                      Change{"LayerNorm_2", "norm2"},
                                      Change{"MultiHeadDotProductAttention_1.query", "attn.qkv"},
                                      Change{"MultiHeadDotProductAttention_1.key", "attn.qkv"},
                                      Change{"MultiHeadDotProductAttention_1.value", "attn.qkv"},
                                      Change{"MultiHeadDotProductAttention_1.out", "attn.proj"},
                                      Change{"MlpBlock_3.Dense_0", "mlp.fc1"},
                                      Change{"MlpBlock_3.Dense_1", "mlp.fc2"},
                                      Change{"cls", "cls_token"},
                                      Change{".kernel", ".weight"},
                                      Change{".scale", ".weight"}};
constexpr std::array google_vit_layouts{Change{"embedding.kernel", flax_convolution},
                                        Change{".query.kernel", "i h e -> (h e) i"},
                                        Change{".key.kernel", "i h e -> (h e) i"},
                                        Change{".value.kernel", "i h e -> (h e) i"},
                                        Change{".query.bias", "h e -> (h e)"},
                                        Change{".key.bias", "h e -> (h e)"},
                                        Change{".value.bias", "h e -> (h e)"},
                                        Change{"_1.out.kernel", "h e o -> o (h e)"},
                                        Change{".kernel", flax_linear}};

// facebookresearch/deit
constexpr std::array facebook_resmlp_names{Change{"patch_embed.", "stem."},
                                           Change{".attn.", ".linear_tokens."},
                                           Change{".mlp.", ".mlp_channels."}, Change{".gamma_", ".ls"}};
constexpr std::array facebook_resmlp_layouts{Change{".alpha", "d -> 1 1 d"}, Change{".beta", "d -> 1 1 d"}};

// Files of its first versions number the layers of an MLP by their place.
constexpr std::array torchvision_vit_names{Change{"class_token", "cls_token"},
                                           Change{"conv_proj.", "patch_embed.proj."},
                                           Change{"encoder.pos_embedding", "pos_embed"},
                                           Change{"encoder.layers.encoder_layer_", "blocks."},
                                           Change{"encoder.ln.", "norm."},
                                           Change{".ln_", ".norm"},
                                           Change{".self_attention.in_proj_", ".attn.qkv."},
                                           Change{".self_attention.out_proj.", ".attn.proj."},
                                           Change{".mlp.linear_1.", ".mlp.fc1."},
                                           Change{".mlp.linear_2.", ".mlp.fc2."},
                                           Change{".mlp.0.", ".mlp.fc1."},
                                           Change{".mlp.3.", ".mlp.fc2."},
                                           Change{"heads.head.", "head."}};

std::string renamed(const Spelling& spelling, std::string name) {
  for (const auto& [from, to] : spelling.names)
    if (const std::size_t at = name.find(from); at != std::string::npos)
      name.replace(at, std::string_view(from).size(), to);
  return name;
}

std::vector<std::int64_t> shape_of(const TensorShapes& shapes, const std::string& name, const char* layout) {
  const std::vector<std::int64_t>& found = shapes.shape(name);
  if (layout == nullptr) return found;
  const TensorLayout how(layout);
  if (auto shape = how.shape(found)) return *shape;
  fail(ErrorKind::data, "{} is [{}], expected {} dimensions", printable(name), fmt::join(found, ", "),
       how.dimensions());
}

// One of several that are joined: the others are alike, but for the first dimension.
void join(std::vector<std::int64_t>& whole, const std::vector<std::int64_t>& part, const std::string& name) {
  if (whole.empty() ||
      !std::ranges::equal(whole.begin() + 1, whole.end(), part.begin() + !part.empty(), part.end()))
    fail(ErrorKind::data, "{}: parts of [{}] and [{}] are not to be joined", printable(name),
         fmt::join(whole, ", "), fmt::join(part, ", "));
  if (__builtin_add_overflow(whole[0], part[0], &whole[0]))
    fail(ErrorKind::data, "{}: its parts are too large", printable(name));
}

// The file's tensors under the names known here.
class Translation {
 public:
  Translation(const Spelling& spelling, const TensorShapes& shapes) {
    const std::vector<std::string> names = shapes.names();
    for (std::size_t i = 0; i <= spelling.layouts.size(); ++i)
      for (const std::string& name : names)
        if (row_of(spelling, name) == i)
          add(shapes, renamed(spelling, name), name,
              i < spelling.layouts.size() ? spelling.layouts[i].to : nullptr);
  }

  TensorShapes shapes() const { return TensorShapes(entries_); }
  std::vector<TensorSource> sources() && { return std::move(sources_); }

 private:
  static std::size_t row_of(const Spelling& spelling, const std::string& name) {
    const auto row =
        std::ranges::find_if(spelling.layouts, [&](const Change& each) { return name.ends_with(each.from); });
    return static_cast<std::size_t>(row - spelling.layouts.begin());
  }

  void add(const TensorShapes& shapes, const std::string& name, const std::string& source,
           const char* layout) {
    const std::vector<std::int64_t> shape = shape_of(shapes, source, layout);
    const auto [at, is_new] = index_.emplace(name, sources_.size());
    if (is_new) {
      sources_.push_back({name, {source}, layout == nullptr ? "" : layout});
      entries_.push_back({.name = name, .dtype = {}, .shape = shape, .bytes = {}});
      return;
    }
    TensorSource& joined = sources_[at->second];
    if (layout == nullptr || joined.layout != layout)
      fail(ErrorKind::data, "{} and {} are both {}", printable(joined.sources[0]), printable(source),
           printable(name));
    join(entries_[at->second].shape, shape, name);
    joined.sources.push_back(source);
  }

  std::map<std::string, std::size_t> index_;
  std::vector<TensorSource> sources_;
  std::vector<SafetensorsEntry> entries_;
};

}  // namespace

std::span<const Spelling> spelling_table() {
  static constexpr Spelling rows[] = {
      {"google", "MixerBlock_0.token_mixing.Dense_0.kernel", google_mixer_names, google_mixer_layouts},
      {"google", "Transformer.encoderblock_0.MlpBlock_3.Dense_0.kernel", google_vit_names,
       google_vit_layouts},
      {"facebook", "blocks.0.attn.weight", facebook_resmlp_names, facebook_resmlp_layouts},
      {"torchvision",
       "encoder.layers.encoder_layer_0.self_attention.in_proj_weight",
       torchvision_vit_names,
       {}},
  };
  return rows;
}

std::optional<RecognisedModel> recognise_foreign(const TensorShapes& shapes) {
  for (const Spelling& spelling : spelling_table()) {
    if (!shapes.has(spelling.mark)) continue;
    Translation translation(spelling, shapes);
    auto model = recognise(translation.shapes());
    if (!model) continue;
    model->origin = spelling.origin;
    model->tensors = std::move(translation).sources();
    return model;
  }
  return std::nullopt;
}

}  // namespace smlp
