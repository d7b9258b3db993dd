#include "smlp/train/import_weights.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

#include "blame_file.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/models/tensor_layout.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/exported_config.hpp"
#include "smlp/train/foreign_weights.hpp"
#include "smlp/train/published_images.hpp"

namespace smlp {
namespace {

// The file's name, or its folder's where every file of its kind is called so.
std::string telling_name(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  const bool generic = name.starts_with("model.") || name.starts_with("pytorch_model.");
  return generic ? std::filesystem::absolute(file).parent_path().filename().string() : name;
}

using Data = ImportedWeights::Data;

// As the published weights of the family were shown, of which ImageNet's names say nothing; nullopt: another
// data set is said, or there are none.
std::optional<Data> published_data(const RecognisedModel& model, const ImportOptions& options) {
  const std::string name = telling_name(options.from);
  const std::optional<std::string> said = family_of_file_name(name);
  const auto found = published_images(model.family, model.origin, name);
  if (!found || options.family || said.value_or("imagenet") != "imagenet") return std::nullopt;
  return Data{fmt::format("the {}s published", model.family),
              found->normalization,
              {model.image_size, "crop", "accurate", found->crop_pct},
              !found->told && !said};
}

Data data_of_name(const ImportOptions& options) {
  const std::string name = options.family.value_or(telling_name(options.from));
  const auto family = options.family ? family_of_data(name) : family_of_file_name(name);
  if (!family)
    fail(ErrorKind::usage,
         "\"{}\" says no data set whose normalisation is known: `smlp import {} --to DIR --family {}` does",
         name, options.from.string(), fmt::join(known_data(), "|"));
  return {*family, family_statistics(*family)};
}

// How images were prepared: what was asked for goes over what config.json says, and that over names.
Data data_of(const RecognisedModel& model, const ImportOptions& options,
             const std::optional<ExportedConfig>& exported) {
  const std::optional<Data> published = published_data(model, options);
  Data data;
  if (options.normalization)
    data = {"--mean and --std", *options.normalization};
  else if (!options.family && exported && exported->normalization)
    data = {"config.json", *exported->normalization};
  else
    data = published ? *published : data_of_name(options);
  if (published) data.preparation = published->preparation;
  if (exported && exported->preparation.size > 0) data.preparation = exported->preparation;
  return data;
}

std::vector<std::string> classes_of(const ImportOptions& options,
                                    const std::optional<ExportedConfig>& exported, std::int64_t count) {
  std::vector<std::string> classes;
  if (exported) classes = exported->classes;
  if (!options.classes.empty()) classes = read_class_list(options.classes);
  if (classes.empty()) classes.resize(static_cast<std::size_t>(count));
  if (std::ssize(classes) != count)
    fail(ErrorKind::data, "{} lists {} classes, the model has {}",
         options.classes.empty() ? "config.json" : options.classes.string(), classes.size(), count);
  return classes;
}

torch::Tensor laid_out(const torch::Tensor& value, const std::string& layout) {
  if (layout.empty()) return value;
  const TensorLayout how(layout);
  return value.permute(how.order()).reshape(how.shape(value.sizes().vec()).value());
}

// Under the model's names, in float32; tensors that no name of the model claims keep theirs, to be refused.
NamedTensors model_tensors(const std::vector<SafetensorsEntry>& entries, const RecognisedModel& recognised,
                           const std::string& file) {
  std::map<std::string, torch::Tensor> values;
  for (const SafetensorsEntry& entry : entries) {
    const torch::Tensor value = tensor_of(entry, file);
    values[entry.name] = value.is_floating_point() ? value.to(torch::kFloat32) : value;
  }
  NamedTensors tensors;
  for (const TensorSource& each : recognised.tensors) {
    std::vector<torch::Tensor> parts;
    for (const std::string& source : each.sources)
      parts.push_back(laid_out(values.extract(source).mapped(), each.layout));
    tensors.emplace_back(each.name, parts.size() == 1 ? parts[0] : torch::cat(parts));
  }
  for (const auto& [name, value] : values) tensors.emplace_back(name, value);
  return tensors;
}

// Batch norms of early PyTorch, such as torchvision's published weights, did not count their batches. The
// number has no effect.
void add_batch_counts(NamedTensors& tensors) {
  const std::string variance = ".running_var", count = ".num_batches_tracked";
  std::set<std::string> names;
  for (const auto& [name, tensor] : tensors) names.insert(name);
  for (const std::string& name : names) {
    if (!name.ends_with(variance)) continue;
    const std::string missing = name.substr(0, name.size() - variance.size()) + count;
    if (!names.contains(missing)) tensors.emplace_back(missing, torch::zeros({}, torch::kInt64));
  }
}

// The model alone: how it was trained is not known. Sizes out of bounds are the file's fault here.
RunConfig config_of(const KeyValues& keys, const std::string& file) {
  std::vector<ConfigNode> overrides;
  for (const auto& [key, value] : keys) overrides.push_back(make_override(key, value, file));
  for (const char* none : {"augment.crop=null", "augment.flip=0.0", "augment.mixup=0.0", "data.root=\"\""})
    overrides.push_back(parse_override(none));
  return blame_file([&] { return load_run_config(std::nullopt, std::move(overrides)); });
}

void resize(RecognisedModel& model, int image_size, const ExportedConfig& exported) {
  if (!model.any_image_size && model.image_size != image_size)
    fail(ErrorKind::data, "{}: input_size of {}x{}, and the weights are those for images of {}x{}",
         exported.file, image_size, image_size, model.image_size, model.image_size);
  model.image_size = image_size;
  for (auto& [key, value] : model.keys)
    if (key == "data.image_size") value = std::to_string(image_size);
}

// What config.json says of the model, where that has the tensors that the file has.
RunConfig described_config(const RecognisedModel& recognised, const ExportedConfig& exported,
                           const std::string& file) {
  KeyValues keys = recognised.keys;
  for (const auto& [key, value] : exported.model) {
    std::erase_if(keys, [&key = key](const auto& each) { return each.first == key; });
    keys.emplace_back(key, value);
  }
  const RunConfig plain = config_of(recognised.keys, file);
  RunConfig config = config_of(keys, exported.file);
  const auto layers = [&](const RunConfig& c) {
    std::map<std::string, std::int64_t> parameters;
    for (const CostRow& row : c.model->costs(recognised.image_size, recognised.classes))
      parameters[row.layer] = row.parameters;
    return parameters;
  };
  if (blame_file([&] { return layers(plain) != layers(config); }))
    fail(ErrorKind::data, "{}: model_args describe a model of other tensors ({}) than those of {} ({})",
         exported.file, config.model->sizes(), file, plain.model->sizes());
  return config;
}

// An object among a set's tensors may be a tensor of a kind that is not read.
void refuse_objects(const WeightSet& set, const std::vector<std::string>& objects, const std::string& file) {
  const std::string prefix = set.name.empty() ? "" : set.name + ".";
  for (const std::string& object : objects)
    if (object.starts_with(prefix))
      fail(ErrorKind::data,
           "{}: among the weights is {}. Save the tensors alone in PyTorch: torch.save(model.state_dict(), "
           "\"new.pt\")",
           file, object);
}

constexpr std::array data_table{std::pair("imagenet21k", "imagenet"),   std::pair("imagenet", "imagenet"),
                                std::pair("tiny-imagenet", "imagenet"), std::pair("cifar10", "cifar"),
                                std::pair("cifar100", "cifar"),         std::pair("stl10", "stl")};

}  // namespace

std::vector<std::string> known_data() {
  std::vector<std::string> names;
  for (const auto& [name, family] : data_table) names.emplace_back(name);
  return names;
}

std::optional<std::string> family_of_data(const std::string& name) {
  for (const auto& [known, family] : data_table)
    if (name == known) return family;
  return std::nullopt;
}

std::optional<std::string> family_of_file_name(const std::string& name) {
  std::string text = name;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array rows{std::pair("imagenet", "imagenet"), std::pair("in21k", "imagenet"),
                            std::pair("in1k", "imagenet"),     std::pair("tiny", "imagenet"),
                            std::pair("cifar", "cifar"),       std::pair("stl", "stl")};
  std::optional<std::string> family;
  std::size_t last = 0;
  for (const auto& [word, meaning] : rows) {
    const std::size_t at = text.rfind(word);
    if (at == std::string::npos || (family && at < last)) continue;
    family = meaning;
    last = at;
  }
  return family;
}

ForeignWeights::ForeignWeights(const ImportOptions& options)
    : file_(options.from.string()), weights_(options.from) {
  const WeightSets found = find_weight_sets(weights_.entries(), file_);
  set_ = choose_weights(found, options.weights, file_);
  refuse_objects(set_, weights_.objects(), file_);
  RecognisedModel& recognised = set_.model;
  const auto exported = read_exported_config(options.from.parent_path(), recognised.family);
  if (exported && exported->image_size) resize(recognised, *exported->image_size, *exported);
  about_.config =
      exported ? described_config(recognised, *exported, file_) : config_of(recognised.keys, file_);
  about_.classes = recognised.classes;
  about_.data = data_of(recognised, options, exported);
  about_.described = exported.has_value();
  about_.set = set_.name;
  for (const WeightSet& each : found.sets)
    if (each.name != set_.name) about_.other_sets.push_back(each.name);
  about_.left_aside = found.others;
  state_.classes = classes_of(options, exported, recognised.classes);
  state_.normalization = about_.data.statistics;
  state_.preparation = about_.data.preparation;
  state_.config = about_.config.yaml();
}

NamedTensors ForeignWeights::tensors() const {
  NamedTensors tensors = model_tensors(set_.tensors, set_.model, file_);
  add_batch_counts(tensors);
  return tensors;
}

ImportedWeights import_weights(const ImportOptions& options) {
  ForeignWeights weights(options);
  const RunConfig& config = weights.about().config;
  const auto model = blame_file([&] {
    return build_model(config.model, static_cast<int>(config.data.image_size), weights.about().classes);
  });
  copy_tensors(weights.tensors(), named_tensors(*model), options.from.string());
  make_parent_directory(options.to);
  write_checkpoint_folder(options.to, {model_part(*model)}, weights.state());
  return std::move(weights).about();
}

}  // namespace smlp
