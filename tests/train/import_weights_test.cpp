#include "smlp/train/import_weights.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/formats/torch_file.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/saved_model.hpp"
#include "smlp/train/tensor_file.hpp"
#include "support/errors.hpp"
#include "support/golden_tensors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::GoldenTensors;
using testing::TempDir;

fs::path golden(const std::string& name) {
  return fs::path(SMLP_SOURCE_DIR) / "tests/golden/formats/torch_file" / name;
}

torch::Tensor golden_tensor(const std::string& file, const std::string& name) {
  const SafetensorsFile opened(golden(file));
  return tensor_of(opened.at(name), file);
}

ImportOptions options(const fs::path& from, const fs::path& to) {
  return {.from = from, .to = to, .family = "imagenet21k", .classes = {}};
}

// Weights that real PyTorch saved, and the logits it computed with them.
TEST(ImportWeights, PyTorchsFilesKeepTheirBitsAndGiveItsLogits) {
  for (const std::string name : {"b_mlp", "s_mlp"}) {
    TempDir temp;
    import_weights(options(golden(name + ".pt"), temp / "checkpoint"));
    const SavedModel saved = open_saved_model(temp / "checkpoint", false);
    EXPECT_EQ(saved.config.model.name, name);
    const SafetensorsFile expected(golden(name + ".safetensors"));
    const NamedTensors own = named_tensors(*saved.model);
    ASSERT_EQ(own.size(), expected.entries().size());
    for (const auto& [tensor_name, tensor] : own)
      EXPECT_TRUE(testing::same_bits(tensor.detach(), tensor_of(expected.at(tensor_name), name)))
          << tensor_name;
    torch::NoGradGuard no_grad;
    saved.model->eval();
    testing::expect_close(saved.model->forward(golden_tensor(name + "_logits.safetensors", "images")),
                          golden_tensor(name + "_logits.safetensors", "logits"), name);
    EXPECT_NEAR(saved.state.normalization.mean[0], 0.485, 1e-9);
  }
}

fs::path foreign(const std::string& name) {
  return fs::path(SMLP_SOURCE_DIR) / "tests/golden/foreign" / name;
}

// As the publishers' own code, or timm's reading of their files, computes them.
TEST(ImportWeights, PublishersNamesGiveTheirLogitsAndTheirNormalisation) {
  const SafetensorsFile expected(foreign("logits.safetensors"));
  for (const auto& [file, family, mean] :
       {std::tuple("google_mixer.npz", "mixer", 0.5), std::tuple("google_vit.npz", "vit", 0.5),
        std::tuple("facebook_resmlp.pth", "resmlp", 0.485),
        std::tuple("torchvision_vit.pth", "vit", 0.485)}) {
    SCOPED_TRACE(file);
    TempDir temp;
    const ImportedWeights found = import_weights({foreign(file), temp / "checkpoint", std::nullopt, {}});
    EXPECT_FALSE(found.data.assumed);
    const SavedModel saved = open_saved_model(temp / "checkpoint", false);
    EXPECT_EQ(saved.config.model.name, family);
    EXPECT_NEAR(saved.state.normalization.mean[0], mean, 1e-9);
    EXPECT_EQ(saved.state.preparation.size, 8);
    torch::NoGradGuard no_grad;
    saved.model->eval();
    testing::expect_close(saved.model->forward(tensor_of(expected.at("images"), file)),
                          tensor_of(expected.at(fs::path(file).stem().string()), file), file);
  }
}

ImportedWeights::Data data_of_file(const std::string& name, const ImportOptions& more = {}) {
  TempDir temp;
  fs::create_directories((temp / name).parent_path());
  fs::copy_file(foreign("google_mixer.npz"), temp / name);
  ImportOptions how = more;
  how.from = temp / name;
  how.to = temp / "checkpoint";
  return import_weights(how).data;
}

// timm has the weights of its Mixer in safetensors; what is read of a name does not depend on that.
TEST(ImportWeights, TheNameSaysTheNormalisationAndAFlagGoesOverIt) {
  EXPECT_EQ(data_of_file("mixer_b16_224.goog_in21k_ft_in1k.npz").statistics.mean[0], 0.5);
  EXPECT_EQ(data_of_file("mixer_b16_224_miil-9229a591.npz").statistics.std[0], 1);
  EXPECT_EQ(data_of_file("mixer_b16_224.miil_in21k/model.npz").statistics.std[0], 1);
  EXPECT_EQ(data_of_file("my_mixer_cifar10.npz").origin, "cifar");
  EXPECT_EQ(data_of_file("a.npz", {.from = {}, .to = {}, .family = "stl10", .classes = {}}).origin, "stl");
  const ImportOptions zero{.from = {},
                           .to = {},
                           .family = {},
                           .classes = {},
                           .weights = {},
                           .normalization = ChannelStatistics{{0, 0, 0}, {1, 1, 1}}};
  EXPECT_EQ(data_of_file("mixer_b16_224.goog_in21k.npz", zero).statistics.std[0], 1);
}

TEST(ImportWeights, WhereNothingTellsTheNormalisationIsSaidToBeAssumed) {
  const GoldenTensors golden("timm.safetensors");
  TempDir temp;
  NamedTensors tensors;
  const std::string before = "mixer/before/";
  const SafetensorsFile file(fs::path(SMLP_SOURCE_DIR) / "tests/golden/models/timm.safetensors");
  for (const SafetensorsEntry& each : file.entries())
    if (each.name.starts_with(before))
      tensors.emplace_back(each.name.substr(before.size()), golden[each.name]);
  save_tensors(temp / "weights.safetensors", tensors);
  const ImportedWeights found = import_weights({temp / "weights.safetensors", temp / "a", std::nullopt, {}});
  EXPECT_TRUE(found.data.assumed);
  EXPECT_EQ(found.data.statistics.mean[0], 0.5);
  fs::rename(temp / "weights.safetensors", temp / "mixer_s16_224.safetensors");
  EXPECT_FALSE(
      import_weights({temp / "mixer_s16_224.safetensors", temp / "b", std::nullopt, {}}).data.assumed);
}

TEST(ImportWeights, TimmsConfigBesideTheWeightsIsTaken) {
  TempDir temp;
  fs::copy_file(foreign("google_mixer.npz"), temp / "model.npz");
  const auto import_with = [&](const std::string& size, const std::string& to) {
    write_file_atomically(
        temp / "config.json",
        R"({"architecture": "mixer_b16_224", "num_classes": 5, "model_args": {"img_size": 8},
                              "pretrained_cfg": {"tag": "x", "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6],
                              "interpolation": "bicubic", "crop_pct": 0.875, "input_size": )" +
            size + "}}");
    return import_weights({temp / "model.npz", temp / to, std::nullopt, {}}).data;
  };
  const ImportedWeights::Data data = import_with("[3, 8, 8]", "a");
  EXPECT_EQ(data.origin, "config.json");
  EXPECT_EQ(data.statistics.std[2], 0.6);
  EXPECT_EQ(data.preparation.crop_pct, 0.875);
  EXPECT_EQ(data.preparation.resize, "crop");
  EXPECT_EQ(open_saved_model(temp / "a", false).state.preparation.crop_pct, 0.875);
  const std::string message = error_of(ErrorKind::data, [&] { import_with("[3, 16, 16]", "b"); });
  EXPECT_NE(message.find("16x16"), std::string::npos) << message;
  EXPECT_NE(message.find("8x8"), std::string::npos) << message;
  error_of(ErrorKind::data, [&] { import_with("[3, 8, 16]", "c"); });
}

TEST(ImportWeights, ExportedWeightsComeBackInBothFormats) {
  TempDir temp;
  import_weights(options(golden("b_mlp.pt"), temp / "checkpoint"));
  export_weights(temp / "checkpoint", temp / "safe", false);
  export_weights(temp / "checkpoint", temp / "pt", true);
  import_weights(options(temp / "safe" / "model.safetensors", temp / "a"));
  import_weights(options(temp / "pt" / "model.pt", temp / "b"));
  for (const char* name : {"a", "b"}) {
    const NamedTensors again = named_tensors(*open_saved_model(temp / name, false).model);
    const NamedTensors first = named_tensors(*open_saved_model(temp / "checkpoint", false).model);
    for (std::size_t i = 0; i < first.size(); ++i)
      EXPECT_TRUE(testing::same_bits(first[i].second.detach(), again[i].second.detach())) << first[i].first;
  }
  const auto json = nlohmann::json::parse(read_file(temp / "safe" / "config.json", 1 << 20));
  EXPECT_EQ(json["architecture"], "b_mlp");
  EXPECT_EQ(json["num_classes"], 5);
  EXPECT_FALSE(json.contains("label_names")) << "they are not known";
  EXPECT_TRUE(json["model_args"]["width"].is_number_integer());
  EXPECT_EQ(json["model_args"]["norm"], "layer");
  EXPECT_EQ(json["pretrained_cfg"]["input_size"][0], 3);
  EXPECT_EQ(json["pretrained_cfg"]["mean"].size(), 3u);
}

// What names and shapes do not say, config.json does.
TEST(ImportWeights, AnExportedModelComesBackAsItWas) {
  std::vector<std::string> models{
      "name: b_mlp, width: 8, depth: 2, expansion: 1, activation: relu, norm_position: post, skip: false",
      "name: s_mlp, width: 8, depth: 3, activation: relu, block_order: norm_linear_act",
      "name: b_mlp, width: 8, depth: 2, bottleneck: false, layers_per_block: 2, norm: batch",
      "name: mixer, width: 8, depth: 2, token_hidden: 3",
      "name: rp_mixer, width: 8, depth: 2, norm: none",
      "name: gmlp, width: 8, depth: 2, hidden: 6",
      "name: resmlp, width: 8, depth: 2, patch_size: 2",
      "name: vit, width: 8, depth: 2, heads: 2",
      "name: resnet, stem: small, width: 5",
      "name: sparse_mlp, structure: dense, depth: 2, width: 8, activation: relu",
      "name: sparse_mlp, kind: s_mlp, structure: dense, depth: 3, width: 8"};
  for (const ModelFamily& family : model_table()) models.push_back(std::string("name: ") + family.name);
  for (const std::string& model : models) {
    TempDir temp;
    const RunConfig config = parse_run_config("{model: {" + model + "}, data: {image_size: 16}}", model, {});
    torch::manual_seed(3);
    const auto first = build_model(config.model, 16, 3);
    TrainingState state;
    state.classes = {"a", "b", "c"};
    state.normalization = {{0.1, 0.2, 0.3}, {0.4, 0.5, 0.6}};
    state.preparation = {16, "crop", "fast"};
    state.config = config.yaml();
    write_checkpoint_folder(temp / "checkpoint", {model_part(*first)}, state);
    export_weights(temp / "checkpoint", temp / "deep/exported", true);
    EXPECT_TRUE(
        import_weights({temp / "deep/exported/model.pt", temp / "again", std::nullopt, {}}).described);
    const SavedModel again = open_saved_model(temp / "again", false);
    EXPECT_EQ(again.state.classes, state.classes);
    EXPECT_EQ(again.state.normalization.std, state.normalization.std);
    EXPECT_EQ(again.state.preparation.size, 16);
    EXPECT_EQ(again.state.preparation.resize, "crop");
    EXPECT_EQ(again.state.preparation.decode, "fast");
    const torch::NoGradGuard no_grad;
    const torch::Tensor images = torch::randn({5, 3, 16, 16});
    first->eval();
    again.model->eval();
    EXPECT_TRUE(torch::equal(first->forward(images), again.model->forward(images))) << model;
  }
}

std::vector<SafetensorsEntry> renamed(const SafetensorsFile& file, const std::string& prefix) {
  std::vector<SafetensorsEntry> entries(file.entries().begin(), file.entries().end());
  for (SafetensorsEntry& entry : entries) entry.name.insert(0, prefix);
  return entries;
}

TEST(ImportWeights, OfTwoSetsTheResultSaysWhichAndEitherCanBeChosen) {
  TempDir temp;
  const SafetensorsFile plain(golden("b_mlp.safetensors"));
  std::vector<SafetensorsEntry> both = renamed(plain, "model.");
  const std::vector<std::byte> zeros(1 << 20), types(8);
  for (SafetensorsEntry entry : renamed(plain, "ema_model.")) {
    entry.bytes = std::span(zeros).first(entry.bytes.size());
    both.push_back(entry);
  }
  both.push_back({"scale", "F8_E4M3", {8}, types});
  write_safetensors(temp / "model.safetensors", both);
  ImportOptions how = options(temp / "model.safetensors", temp / "raw");
  ImportedWeights imported = import_weights(how);
  EXPECT_EQ(imported.set, "model");
  EXPECT_EQ(imported.other_sets, std::vector<std::string>{"ema_model"});
  EXPECT_EQ(imported.left_aside, std::vector<std::string>{"scale"});
  how.to = temp / "average";
  how.weights = "ema";
  EXPECT_EQ(import_weights(how).set, "ema_model");
  const auto norm = [&](const char* name) {
    return named_tensors(*open_saved_model(temp / name, false).model).front().second.norm().item<float>();
  };
  EXPECT_GT(norm("raw"), 0);
  EXPECT_EQ(norm("average"), 0);
}

TEST(ImportWeights, WhatIsNotReadAmongTheWeightsIsRefused) {
  TempDir temp;
  const SafetensorsFile plain(golden("b_mlp.safetensors"));
  std::vector<SafetensorsEntry> entries = renamed(plain, "");
  entries[0].dtype = "F8_E4M3";
  entries[0].bytes = entries[0].bytes.first(entries[0].bytes.size() / 4);
  write_safetensors(temp / "model.safetensors", entries);
  EXPECT_NE(
      error_of(ErrorKind::data, [&] { import_weights(options(temp / "model.safetensors", temp / "x")); })
          .find("F8_E4M3"),
      std::string::npos);
}

TEST(ImportWeights, AConfigOfAnotherModelIsSaid) {
  TempDir temp;
  const std::string weights = read_file(golden("b_mlp.safetensors"), 1 << 20);
  write_file_atomically(temp / "model.safetensors", weights);
  for (const char* config : {"{\"model_type\": \"vit\"}", "[]", "{\"architecture\": \"vit_base\"}"}) {
    write_file_atomically(temp / "config.json", config);
    ::testing::internal::CaptureStderr();
    EXPECT_FALSE(import_weights(options(temp / "model.safetensors", temp / "x")).described);
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("config.json: it describes no b_mlp"),
              std::string::npos);
    fs::remove_all(temp / "x");
  }
}

TEST(ImportWeights, ADamagedConfigBesideTheWeightsIsRefused) {
  TempDir temp;
  import_weights(options(golden("b_mlp.pt"), temp / "checkpoint"));
  export_weights(temp / "checkpoint", temp / "exported", false);
  const fs::path json = temp / "exported/config.json";
  const std::string whole = read_file(json, 1 << 20);
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    write_file_atomically(json, text.replace(text.find(from), from.size(), to));
    error_of(ErrorKind::data,
             [&] { import_weights(options(temp / "exported/model.safetensors", temp / "x")); });
    EXPECT_FALSE(fs::exists(temp / "x"));
  };
  refused("{", "[");
  refused("\"pre\"", "\"nowhere\"");
  refused("\"depth\": ", "\"depth\": 1");  // another model than the file's
  refused("\"width\"", "\"breadth\"");
  refused("\"std\": [", "\"std\": [0,");
  refused("\"mean\": [", "\"mean\": [\"x\",");
  refused("\"architecture\"", "\"label_names\": [\"a\"], \"architecture\"");
}

TEST(ImportWeights, WhatIsNoModelIsRefused) {
  TempDir temp;
  const auto refusal = [&](const fs::path& from) {
    const std::string message = error_of(ErrorKind::data, [&] { import_weights(options(from, temp / "x")); });
    EXPECT_FALSE(fs::exists(temp / "x"));
    return message;
  };
  EXPECT_NE(refusal(golden("refused/module.pt")).find("an object of torch.nn"), std::string::npos);
  EXPECT_NE(refusal(golden("types.pt")).find("are not those of a model known here"), std::string::npos);
  refusal(temp / "nowhere.pt");
  write_file_atomically(temp / "old.pt", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46" + std::string(64, 'x'));
  EXPECT_NE(refusal(temp / "old.pt").find("not a file as torch.save writes it"), std::string::npos);
  error_of(ErrorKind::usage, [&] { import_weights({golden("b_mlp.pt"), temp / "x", std::nullopt, {}}); });
}

TEST(ImportWeights, AFileNameSaysTheDataItSawLast) {
  EXPECT_EQ(family_of_file_name("B_12-Wi_1024_res_64_in21k"), "imagenet");
  EXPECT_EQ(family_of_file_name("B-12_Wi-1024_res_64_imagenet21_epochs_800"), "imagenet");
  EXPECT_EQ(family_of_file_name("B_12-Wi_1024_res_64_in21k_cifar100"), "cifar");
  EXPECT_EQ(family_of_file_name("B_6-Wi_512_res_64_cifar10_imagenet"), "imagenet");
  EXPECT_EQ(family_of_file_name("STL10"), "stl");
  EXPECT_EQ(family_of_file_name("weights"), std::nullopt);
}

}  // namespace
}  // namespace smlp
