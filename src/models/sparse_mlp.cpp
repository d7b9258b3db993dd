#include "smlp/models/sparse_mlp.hpp"

#include "layers.hpp"
#include "smlp/core/error.hpp"
#include "structured_weights.hpp"

namespace smlp {

void SparseMlpConfig::fields(FieldVisitor& v) {
  v.choice("kind", kind, {{"b_mlp", Kind::b_mlp}, {"s_mlp", Kind::s_mlp}},
           "whose blocks, and whose keys beside these");
  if (kind == Kind::b_mlp)
    b_mlp.fields(v);
  else
    s_mlp.fields(v);
  layers.fields(v);
  v.field("structured_input", structured_input, "the embedding has the structure too; false: it is dense");
  v.choice(
      "init", init, {{"structured", Init::structured}, {"torch", Init::torch}},
      "factors' first values by their fan-in and fan-out, blocks and head zero; or as torch.nn.Linear's");
  v.field("factor_rates", factor_rates,
          "a factor's rate under LION and AdamW is such that features move as with a dense layer");
}

const ModelConfig& SparseMlpConfig::base() const {
  return kind == Kind::b_mlp ? static_cast<const ModelConfig&>(b_mlp) : s_mlp;
}

void SparseMlpConfig::check(int image_size) const {
  base().check(image_size);
  if ((kind == Kind::b_mlp ? b_mlp.parametrization : s_mlp.parametrization) == Parametrization::mup)
    fail(ErrorKind::usage,
         "model.parametrization: mup is for dense layers; a structured one has init and factor_rates");
}

std::string SparseMlpConfig::sizes() const {
  return fmt::format("{}, {}", base().sizes(), layers.text());
}

StructureConfig SparseMlpConfig::structure_of(const std::string& layer) const {
  if (layer == "linear_in" && !structured_input) return {.structure = Structure::dense};
  return layers;
}

bool SparseMlpConfig::starts_at_zero(const std::string& layer) const {
  const std::size_t last = 2 * (b_mlp.block_widths().size() - 2);
  return b_mlp.skip && layer.starts_with("blocks.") && layer.ends_with(fmt::format(".block.{}", last));
}

std::optional<SparseMlpConfig::Sizes> SparseMlpConfig::sizes_of(const std::string& layer,
                                                                int image_size) const {
  if (layer == "linear_in") return Sizes{input_features(image_size), width()};
  if (layer.starts_with("layers.")) return Sizes{width(), width()};
  if (!layer.starts_with("blocks.")) return std::nullopt;
  const std::vector<std::int64_t> widths = b_mlp.block_widths();
  const std::size_t k = std::stoul(layer.substr(layer.rfind('.') + 1)) / 2;  // activations lie between
  return Sizes{widths.at(k), widths.at(k + 1)};
}

std::vector<CostRow> SparseMlpConfig::costs(int image_size, int classes) const {
  std::vector<CostRow> rows = base().costs(image_size, classes);
  for (CostRow& row : rows) {
    const std::optional<Sizes> sizes = sizes_of(row.layer, image_size);
    if (!sizes) continue;
    const LayerShape shape = layer_shape(structure_of(row.layer), sizes->in, sizes->out);
    row.parameters = sizes->out;  // the bias
    for (const Factor& factor : shape.factors) row.parameters += element_count(factor.shape);
    row.macs = shape.macs;
    row.saved_bytes += 4 * shape.between;
    row.fixed_bytes = shape.fixed_bytes;
    row.passing_bytes = shape.passing_bytes;
  }
  return rows;
}

const std::vector<Preset>& SparseMlpConfig::presets() {
  const std::string number = R"(([1-9]\d{0,4}))", fraction = R"((0?\.\d{1,9}))";
  const auto row = [&](const char* suffix, const char* structure, const char* key, const char* value,
                       const std::string& form) {
    return Preset{
        .example = fmt::format("B-6/512-{}{}", suffix, value),
        .pattern =
            std::regex(fmt::format("B[-_]{}[-_/]{}-{}{}", number, number, suffix, form), std::regex::icase),
        .keys = {{"model.depth", "$1"}, {"model.width", "$2"}, {"model.structure", structure}, {key, "$3"}}};
  };
  static const std::vector<Preset> rows = {row("masked", "masked", "model.density", "0.1", fraction),
                                           row("diagonal", "block_diagonal", "model.blocks", "4", number),
                                           row("lowrank", "low_rank", "model.rank", "32", number),
                                           row("kronecker", "kronecker", "model.rank", "2", number),
                                           row("btt", "btt", "model.rank", "4", number),
                                           row("monarch", "monarch", "model.blocks", "16", number)};
  return rows;
}

std::optional<RecognisedModel> SparseMlpConfig::recognise(const TensorShapes& shapes) {
  const StructuredWeights found(shapes);
  if (found.layers().empty()) return std::nullopt;
  const TensorShapes dense = found.as_dense();
  auto model = BMlpConfig::recognise(dense);
  const char* const kind = model ? "b_mlp" : "s_mlp";
  if (!model) model = SMlpConfig::recognise(dense);
  if (!model) return std::nullopt;
  std::erase_if(model->keys, [](const auto& each) { return each.first == "model.name"; });
  KeyValues keys{{"model.name", "sparse_mlp"}, {"model.kind", kind}};
  keys.insert(keys.end(), model->keys.begin(), model->keys.end());
  for (auto& each : found.structure_keys()) keys.push_back(std::move(each));
  model->keys = std::move(keys);
  model->tensors = same_names(shapes);
  return model;
}

}  // namespace smlp
