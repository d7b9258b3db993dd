#include "smlp/train/import_weights.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/formats/torch_zip.hpp"
#include "smlp/train/saved_model.hpp"
#include "smlp/train/tensor_file.hpp"
#include "support/errors.hpp"
#include "support/golden_tensors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::TempDir;

fs::path golden(const std::string& name) {
  return fs::path(SMLP_SOURCE_DIR) / "tests/golden/formats/torch_zip" / name;
}

torch::Tensor golden_tensor(const std::string& file, const std::string& name) {
  const SafetensorsFile opened(golden(file));
  return tensor_of(opened.at(name), file);
}

ImportOptions options(const fs::path& from, const fs::path& to) {
  return {from, to, "imagenet21k", {}};
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
  EXPECT_EQ(json["label_names"].size(), json["num_classes"].get<std::size_t>());
  EXPECT_TRUE(json["model_args"]["width"].is_number_integer());
  EXPECT_EQ(json["model_args"]["norm"], "layer");
  EXPECT_EQ(json["pretrained_cfg"]["input_size"][0], 3);
  EXPECT_EQ(json["pretrained_cfg"]["mean"].size(), 3u);
}

TEST(ImportWeights, WhatIsNoModelOrWouldRunCodeIsRefused) {
  TempDir temp;
  const auto refusal = [&](const fs::path& from) {
    const std::string message = error_of(ErrorKind::data, [&] { import_weights(options(from, temp / "x")); });
    EXPECT_FALSE(fs::exists(temp / "x"));
    return message;
  };
  EXPECT_NE(refusal(golden("refused/calls_system.pt")).find("system"), std::string::npos);
  EXPECT_NE(refusal(golden("types.pt")).find("linear_in.weight is missing"), std::string::npos);
  refusal(temp / "nowhere.pt");
  error_of(ErrorKind::usage, [&] { import_weights({golden("b_mlp.pt"), temp / "x", std::nullopt, {}}); });
}

TEST(ImportWeights, AFileNameSaysTheDataItSawLast) {
  EXPECT_EQ(family_of_name("B_12-Wi_1024_res_64_in21k"), "imagenet");
  EXPECT_EQ(family_of_name("B-12_Wi-1024_res_64_imagenet21_epochs_800"), "imagenet");
  EXPECT_EQ(family_of_name("B_12-Wi_1024_res_64_in21k_cifar100"), "cifar");
  EXPECT_EQ(family_of_name("B_6-Wi_512_res_64_cifar10_imagenet"), "imagenet");
  EXPECT_EQ(family_of_name("STL10"), "stl");
  EXPECT_EQ(family_of_name("weights"), std::nullopt);
}

TEST(ImportWeights, AModelLargerThanItsFileIsNotBuilt) {
  const std::vector<SafetensorsEntry> entries{{"linear_in.weight", "F32", {4096, 3 * 64 * 64}, {}},
                                              {"linear_out.weight", "F32", {10, 4096}, {}},
                                              {"blocks.0.block.0.weight", "F32", {4 * 4096, 4096}, {}},
                                              {"blocks.0.block.2.weight", "F32", {4096, 4 * 4096}, {}},
                                              {"blocks.1.block.0.weight", "F32", {1, 1}, {}},
                                              {"blocks.1.block.2.weight", "F32", {1, 1}, {}}};
  const std::string message = error_of(ErrorKind::data, [&] { recognise_model(entries, "file"); });
  EXPECT_NE(message.find("blocks.1.block.0.weight is [1, 1], expected [16384, 4096]"), std::string::npos)
      << message;
}

// The published shapes, without the weights.
TEST(ImportWeights, EveryPublishedArchitectureIsRecognised) {
  for (const auto& [depth, width] :
       {std::pair(6, 512), std::pair(6, 1024), std::pair(12, 512), std::pair(12, 1024)}) {
    std::vector<SafetensorsEntry> entries{{"linear_in.weight", "F32", {width, 3 * 64 * 64}, {}},
                                          {"linear_out.weight", "F32", {11230, width}, {}}};
    for (int i = 0; i < depth; ++i) {
      entries.push_back({fmt::format("blocks.{}.block.0.weight", i), "F32", {4 * width, width}, {}});
      entries.push_back({fmt::format("blocks.{}.block.2.weight", i), "F32", {width, 4 * width}, {}});
      entries.push_back({fmt::format("layernorms.{}.weight", i), "F32", {width}, {}});
    }
    const RecognisedModel model = recognise_model(entries, "file");
    EXPECT_EQ(model.yaml,
              fmt::format("{{model: {{name: b_mlp, depth: {}, width: {}, expansion: 4, norm: layer}}, data: "
                          "{{image_size: 64}}}}",
                          depth, width));
    EXPECT_EQ(model.classes, 11230);
  }
}

}  // namespace
}  // namespace smlp
