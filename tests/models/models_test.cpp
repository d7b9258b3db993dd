#include <cmath>

#include "smlp/config/tree.hpp"
#include "smlp/models/b_mlp.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/models/weight_sets.hpp"
#include "support/chosen.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

using testing::error_of;

Chosen<ModelConfig> read_model(const std::string& yaml) {
  return testing::read_chosen<ModelConfig>(model_table(), yaml);
}

// The model that a preset's name means, and its image size.
std::pair<Chosen<ModelConfig>, int> preset_model(const std::string& name) {
  std::vector<ConfigNode> nodes;
  const KeyValues keys = find_preset(name).value();
  for (const auto& [key, value] : keys) nodes.push_back(make_override(key, value, "preset"));
  ConfigNode tree = combine_overrides(std::move(nodes));
  Chosen<ModelConfig> model;
  const ConfigNode* const data = tree.find("data");
  const int image_size = data == nullptr ? 0 : std::stoi(data->find("image_size")->text);
  std::erase_if(tree.entries, [](const auto& entry) { return entry.first != "model"; });
  read_config(tree, [&](FieldVisitor& v) { v.family("model", model, model_table(), ""); });
  return {std::move(model), image_size != 0 ? image_size : model.name == "resnet" ? 224 : 64};
}

TEST(Models, PrintedConfigReadsBackToTheSame) {
  std::vector<std::string> models{"{name: b_mlp, depth: 7, norm: batch, dropout: 0.25}",
                                  "{name: s_mlp, width: 3, block_order: norm_linear_act}"};
  for (const ModelFamily& family : model_table()) models.push_back(fmt::format("{{name: {}}}", family.name));
  for (const std::string& yaml : models) {
    auto chosen = read_model(yaml);
    const std::string printed = testing::print_chosen(chosen, model_table());
    Chosen<ModelConfig> again;
    read_config(parse_yaml(printed, "printed"),
                [&](FieldVisitor& v) { v.family("it", again, model_table(), ""); });
    EXPECT_EQ(testing::print_chosen(again, model_table()), printed);
  }
}

TEST(Models, ParametersAndMacsAreThePapers) {
  struct Row {
    int depth, width;
    double millions;  // table 3
  };
  for (const Row& row :
       {Row{6, 256, 9}, {12, 256, 12}, {6, 512, 24}, {12, 512, 37}, {6, 1024, 74}, {12, 1024, 124}}) {
    BMlpConfig config;
    config.depth = row.depth, config.width = row.width;
    const CostRow sum = total(config.costs(64, 11230));
    EXPECT_EQ(std::floor(static_cast<double>(sum.parameters) / 1e6), row.millions)
        << row.depth << "/" << row.width;
    if (row.depth == 12 && row.width == 1024) {
      EXPECT_EQ(sum.macs, 124'807'168);
    }
  }
}

// As fvcore counts timm's and torchvision's models of these names, at 1,000 classes; RepMLPNets as
// scripts/make_golden_repmlp.py writes them out.
TEST(Models, ParametersAndMacsAreFvcoresCounts) {
  struct Row {
    const char* name;
    std::int64_t parameters, macs;
  };
  for (const Row& row : {Row{"mixer_s16_224", 18'528'264, 3'785'488'384},
                         {"mixer_b16_224.goog_in21k_ft_in1k", 59'880'472, 12'620'583'936},
                         {"resmlp_12_224", 15'350'872, 3'009'739'776},
                         {"resmlp_24_224", 30'020'680, 5'961'292'800},
                         {"gmlp_ti16_224", 5'867'328, 1'344'167'424},
                         {"gmlp_s16_224", 19'422'656, 4'422'417'408},
                         {"gmlp_b16_224", 73'075'392, 15'781'165'056},
                         {"repmlp_t224", 38'293'608, 2'828'835'328},
                         {"RepMLPNet-B224", 68'242'712, 6'716'477'184},
                         {"vit_b4_64", 86'060'776, 23'080'498'944},
                         {"resnet18", 11'689'512, 1'819'065'856},
                         {"resnet152", 60'192'808, 11'558'835'200},
                         {"B-12/768", 66'894'568, 66'874'368}}) {
    const auto [model, image_size] = preset_model(row.name);
    const CostRow sum = total(model->costs(image_size, 1000));
    EXPECT_EQ(sum.parameters, row.parameters) << row.name;
    EXPECT_EQ(sum.macs, row.macs) << row.name;
  }
}

// The paper's Table 7, which rounds.
TEST(Models, TheComparedNetworksHaveThePapersSize) {
  const auto [resnet, resnet_size] = preset_model("resnet152_64");
  EXPECT_EQ(resnet_size, 64);
  EXPECT_EQ(total(resnet->costs(64, 1000)).macs, 13'072'860'160);

  const auto [model, image_size] = preset_model("mixer_b4_64");
  EXPECT_EQ(image_size, 64);
  const CostRow sum = total(model->costs(image_size, 1000));
  EXPECT_NEAR(static_cast<double>(sum.parameters), 63.82e6, 0.005e6);
  EXPECT_NEAR(static_cast<double>(sum.macs), 19.36e9, 0.01e9);
}

// Before they are counted: of the square of their number, times the width, there may be more than 2^63.
TEST(Models, ImagesOfTooManyTokensAreRefused) {
  for (const char* name : {"mixer", "rp_mixer", "gmlp", "resmlp", "vit"}) {
    const auto model =
        read_model(fmt::format("{{name: {}, patch_size: 1, width: 65536, depth: 1024}}", name));
    EXPECT_NE(error_of(ErrorKind::usage, [&] { check_model(*model.config, 4096, 10); })
                  .find("makes 16777216 tokens of 4096x4096 pixels, at most 65536"),
              std::string::npos);
    error_of(ErrorKind::usage, [&] { check_model(*model.config, 256, 10); });  // too many parameters
  }
}

TEST(Models, PatchesMustCoverTheImage) {
  EXPECT_NE(error_of(ErrorKind::usage,
                     [] { check_model(*read_model("{name: mixer, patch_size: 16}").config, 40, 10); })
                .find("data.image_size: 40, which patches of model.patch_size: 16 do not cover"),
            std::string::npos);
}

TEST(Models, StagesThatDoNotFitOneAnotherOrTheImageAreRefused) {
  const auto refusal = [](const std::string& keys, int image_size) {
    const auto model = read_model("{name: repmlp, " + keys + "}");
    return error_of(ErrorKind::usage, [&] { check_model(*model.config, image_size, 10); });
  };
  for (const auto& [keys, image_size, said] :
       {std::tuple("blocks: []", 32, "model.blocks: 0 stages, expected 1 to 8"),
        {"blocks: [2, 2]", 32, "model.channels and model.share_sets have 3 and 3 numbers"},
        {"partition: [8, 4]", 32, "model.partition 2"},
        {"partition: [8, 3, 2]", 32, "model.partition: 3 does not cover the map of 4x4 that stage 1 has"},
        {"merged: false", 40, "data.image_size: 40, expected a multiple of 16"},
        {"share_sets: [1, 3, 4]", 32, "model.share_sets: 3 does not divide the 128 channels of stage 1"},
        {"reduction: 7", 32, "model.reduction: 7 does not divide"},
        {"kernels: [1, 4]", 32, "model.kernels: [1, 4]: expected odd numbers, each once"},
        {"kernels: [3, 3]", 32, "each once"},
        {"channels: [64, 128, 65536], share_sets: [1, 1, 1]", 32, "model.expansion: 4 makes 262144 channels"},
        {"patch_size: 1, partition: [256, 256, 256]", 4096, "makes 16777216 tokens"}})
    EXPECT_NE(refusal(keys, image_size).find(said), std::string::npos) << refusal(keys, image_size);
  // Its numbers are just below what is refused, and their products below 2^63.
  EXPECT_NE(refusal("patch_size: 1, blocks: [256], channels: [65536], share_sets: [65536], expansion: 1", 256)
                .find("parameters"),
            std::string::npos);
}

TEST(Models, SettingsOutOfRangeAreRefused) {
  for (const char* yaml :
       {"{name: b_mlp, depth: 0}", "{name: b_mlp, depth: 9223372036854775807}",
        "{name: b_mlp, width: 100000}", "{name: s_mlp, dropout: 1}", "{name: b_mlp, expansion: 65}",
        "{name: s_mlp, norm: group}", "{name: s_mlp, expansion: 4}"})
    error_of(ErrorKind::usage, [&] { read_model(yaml); });
  const auto refusal = [](const std::string& yaml, int image_size, int classes) {
    return error_of(ErrorKind::usage, [&] { check_model(*read_model(yaml).config, image_size, classes); });
  };
  EXPECT_NE(refusal("{name: b_mlp, depth: 1024, width: 65536, expansion: 64}", 64, 10).find("parameters"),
            std::string::npos);
  refusal("{name: b_mlp, layers_per_block: 3}", 64, 10);
  refusal("{name: s_mlp}", 1 << 30, 10);
  refusal("{name: s_mlp}", 64, 1);
}

std::string value_of(const KeyValues& keys, const std::string& key) {
  for (const auto& [name, value] : keys)
    if (name == key) return value;
  return "";
}

TEST(Presets, EverySpellingOfThePaperIsRead) {
  for (const auto& [name, image_size] :
       std::vector<std::pair<std::string, std::string>>{{"B-12/Wi-1024", ""},
                                                        {"B_12-Wi_1024_res_64_in21k", "64"},
                                                        {"B-12_Wi-1024_res_64_imagenet21_epochs_800", "64"},
                                                        {"B-12/1024", ""},
                                                        {"b-12/wi-1024", ""},
                                                        {"B_12-Wi_1024_res_64_cifar10", "64"}}) {
    const auto found = find_preset(name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(value_of(*found, "model.name"), "b_mlp");
    EXPECT_EQ(value_of(*found, "model.depth"), "12");
    EXPECT_EQ(value_of(*found, "model.width"), "1024");
    EXPECT_EQ(value_of(*found, "data.image_size"), image_size) << name;
  }
  EXPECT_EQ(value_of(find_preset("S-6/2048").value(), "model.name"), "s_mlp");
}

TEST(Presets, OtherWordsAreNotNames) {
  for (const std::string& name :
       {std::string("b_mlp"), std::string(""), std::string("B-12"), std::string("B-0/1024"),
        std::string("B-12/0"), std::string("C-12/1024"), std::string("B-99999999999999999999/1024"),
        std::string("B-12/1024/last"), std::string("B-12/1024_res_99999999999"),
        std::string("runs/B-12/1024"), "B-12/" + std::string(100'000, '1'),
        std::string("B-12/1024_res_64_") + std::string(100'000, 'x')})
    EXPECT_FALSE(find_preset(name)) << name.substr(0, 60);
}

// Of every row of the registry: its presets' examples are found, as its own, and set keys it has.
TEST(Presets, EveryExampleNamesAModelOfItsFamily) {
  for (const ModelFamily& family : model_table())
    for (const Preset& preset : family.presets()) {
      SCOPED_TRACE(preset.example);
      const auto [model, image_size] = preset_model(preset.example);
      EXPECT_EQ(model.name, family.name);
      check_model(*model.config, image_size, 10);
    }
}

// The published shapes, without the weights.
std::vector<SafetensorsEntry> published(int depth, int width) {
  std::vector<SafetensorsEntry> entries{{"linear_in.weight", "F32", {width, 3 * 64 * 64}, {}},
                                        {"linear_out.weight", "F32", {11230, width}, {}}};
  for (int i = 0; i < depth; ++i) {
    entries.push_back({fmt::format("blocks.{}.block.0.weight", i), "F32", {4 * width, width}, {}});
    entries.push_back({fmt::format("blocks.{}.block.2.weight", i), "F32", {width, 4 * width}, {}});
    entries.push_back({fmt::format("layernorms.{}.weight", i), "F32", {width}, {}});
  }
  return entries;
}

TEST(Recognition, EveryPublishedArchitectureIsRecognised) {
  for (const auto& [depth, width] :
       {std::pair(6, 512), std::pair(6, 1024), std::pair(12, 512), std::pair(12, 1024)}) {
    const RecognisedModel model = find_weight_sets(published(depth, width), "file").sets.at(0).model;
    EXPECT_EQ(model.family, "b_mlp");
    EXPECT_EQ(value_of(model.keys, "model.depth"), std::to_string(depth));
    EXPECT_EQ(value_of(model.keys, "model.width"), std::to_string(width));
    EXPECT_EQ(value_of(model.keys, "model.expansion"), "4");
    EXPECT_EQ(value_of(model.keys, "model.norm"), "layer");
    EXPECT_EQ(value_of(model.keys, "data.image_size"), "64");
    EXPECT_EQ(model.classes, 11230);
  }
}

TEST(Recognition, WhatContradictsItselfIsRefusedBeforeAnythingIsBuilt) {
  const auto refusal = [](std::vector<SafetensorsEntry> entries) {
    return error_of(ErrorKind::data, [&] { find_weight_sets(entries, "file"); });
  };
  std::vector<SafetensorsEntry> entries = published(2, 4096);
  entries[5].shape = {1, 1};  // a model that large would not fit its small file
  const std::string message = refusal(entries);
  EXPECT_NE(message.find("file: read as b_mlp: blocks.1.block.0.weight is [1, 1], expected [16384, 4096]"),
            std::string::npos)
      << message;
  entries = published(2, 8);
  entries[0].shape = {8, 100};
  EXPECT_NE(refusal(entries).find("3 × S × S"), std::string::npos);
  entries = published(2, 8);
  entries.erase(entries.begin() + 1);
  EXPECT_NE(refusal(entries).find("linear_out.weight is missing"), std::string::npos);
  EXPECT_NE(refusal({{"conv1.weight", "F32", {8, 3, 7, 7}, {}}}).find("conv1.weight"), std::string::npos);
  EXPECT_NE(refusal({}).find("b_mlp, s_mlp"), std::string::npos);
}

// Of a width beyond any, three times which is no number; of no place for the class token.
TEST(Recognition, SizesBeyondAnyModelAreRefusedBeforeTheyAreMultiplied) {
  const auto refusal = [](std::int64_t width, std::int64_t count) {
    const std::vector<SafetensorsEntry> entries{{"cls_token", "F32", {1, 1, width}, {}},
                                                {"pos_embed", "F32", {1, count, width}, {}},
                                                {"patch_embed.proj.weight", "F32", {width, 3, 1, 1}, {}},
                                                {"blocks.0.attn.qkv.weight", "F32", {width, width}, {}},
                                                {"blocks.0.mlp.fc1.weight", "F32", {width, width}, {}},
                                                {"head.weight", "F32", {10, width}, {}}};
    return error_of(ErrorKind::data, [&] { recognise(TensorShapes(entries)); });
  };
  EXPECT_NE(refusal(std::int64_t{1} << 62, 5).find("expected 1 to 65536"), std::string::npos);
  EXPECT_NE(refusal(8, 0).find("blocks.0.attn.qkv.weight"), std::string::npos);

  for (const std::int64_t width : {std::int64_t{0}, std::int64_t{1} << 31}) {
    const std::vector<SafetensorsEntry> resnet{{"conv1.weight", "F32", {width, 3, 7, 7}, {}},
                                               {"layer1.0.conv1.weight", "F32", {width, width, 3, 3}, {}},
                                               {"layer1.1.conv1.weight", "F32", {width, width, 3, 3}, {}},
                                               {"layer2.0.conv1.weight", "F32", {1, 1, 3, 3}, {}},
                                               {"layer2.1.conv1.weight", "F32", {1, 1, 3, 3}, {}},
                                               {"layer3.0.conv1.weight", "F32", {1, 1, 3, 3}, {}},
                                               {"layer3.1.conv1.weight", "F32", {1, 1, 3, 3}, {}},
                                               {"layer4.0.conv1.weight", "F32", {1, 1, 3, 3}, {}},
                                               {"layer4.1.conv1.weight", "F32", {1, 1, 3, 3}, {}},
                                               {"fc.weight", "F32", {10, 1}, {}}};
    EXPECT_NE(error_of(ErrorKind::data, [&] { recognise(TensorShapes(resnet)); }).find("expected 1 to 4096"),
              std::string::npos);
  }
}

// What the smallest image that repmlp's partitions cover would be is none, or its tensors say no size.
TEST(Recognition, StagesOfNoImageAreRefused) {
  const auto refusal = [](std::int64_t patch, std::int64_t inputs, std::int64_t channels) {
    const std::string unit = "stages.0.0.";
    const std::vector<SafetensorsEntry> entries{
        {"conv_embedding.conv.weight", "F32", {8, 3, patch, patch}, {}},
        {unit + "repmlp_block.fc3.weight", "F32", {inputs, inputs, 1, 1}, {}},
        {unit + "repmlp_block.gp.fc1.weight", "F32", {2, 8, 1, 1}, {}},
        {unit + "prebn1.weight", "F32", {channels}, {}},
        {unit + "ffn_block.ffn_fc1.conv.weight", "F32", {32, 8, 1, 1}, {}},
        {"head.weight", "F32", {10, 8}, {}}};
    return error_of(ErrorKind::data, [&] { recognise(TensorShapes(entries)); });
  };
  EXPECT_NE(refusal(4096, 16, 8).find("no image of up to 4096 fits"), std::string::npos);
  EXPECT_NE(refusal(4, 0, 8).find("0 inputs of a share set"), std::string::npos);
  EXPECT_NE(refusal(4, 16, std::int64_t{1} << 62).find("expected 1 to 65536"), std::string::npos);
  EXPECT_NE(refusal(4, 16, 0).find("of 0 channels"), std::string::npos);
  EXPECT_NE(refusal(4, 16, 8).find("conv_embedding.bn.weight is missing"), std::string::npos);
}

// Two blocks of width 8, every name with something before it.
std::vector<SafetensorsEntry> below(const std::vector<std::string>& prefixes) {
  std::vector<SafetensorsEntry> entries;
  for (const std::string& prefix : prefixes)
    for (SafetensorsEntry entry : published(2, 8)) {
      entry.name.insert(0, prefix);
      entries.push_back(std::move(entry));
    }
  return entries;
}

TEST(WeightSets, WhateverStandsBeforeAllNamesIsTakenOff) {
  for (const std::string prefix :
       {"", "module.", "_orig_mod.module.", "model.", "net.", "state_dict.my.model."}) {
    const WeightSets found = find_weight_sets(below({prefix}), "file");
    ASSERT_EQ(found.sets.size(), 1u) << prefix;
    EXPECT_EQ(found.sets[0].name, prefix.substr(0, prefix.size() - !prefix.empty()));
    EXPECT_EQ(found.sets[0].tensors.size(), published(2, 8).size());
    EXPECT_EQ(found.sets[0].tensors.at(0).name.find(prefix + "x"), std::string::npos);
    EXPECT_TRUE(found.others.empty());
  }
}

TEST(WeightSets, TheOneThatIsNoAverageIsChosenOrTheOneThatIsNamed) {
  const auto chosen = [](const std::vector<std::string>& prefixes, const std::optional<std::string>& wanted) {
    return choose_weights(find_weight_sets(below(prefixes), "file"), wanted, "file").name;
  };
  EXPECT_EQ(chosen({"state_dict.", "state_dict_ema."}, std::nullopt), "state_dict");
  EXPECT_EQ(chosen({"state_dict.", "state_dict_ema."}, "ema"), "state_dict_ema");
  EXPECT_EQ(chosen({"", "ema."}, std::nullopt), "");
  EXPECT_EQ(chosen({"", "ema."}, "ema"), "ema");
  EXPECT_EQ(chosen({"ema."}, std::nullopt), "ema") << "there is no other";
  EXPECT_EQ(chosen({"a.net.", "b.net."}, "b.net"), "b.net");
  const auto refusal = [&](const std::vector<std::string>& prefixes,
                           const std::optional<std::string>& wanted) {
    return error_of(ErrorKind::data, [&] { chosen(prefixes, wanted); });
  };
  EXPECT_EQ(refusal({"a.", "b."}, std::nullopt),
            "file: several weights in it; choose with --weights among \"a\", \"b\"");
  EXPECT_EQ(refusal({"a.net.", "b.net."}, "net"),
            "file: several weights called \"net\" in it; choose with --weights among \"a.net\", \"b.net\"");
  EXPECT_EQ(refusal({"model."}, "ema"),
            "file: no weights called \"ema\" in it; choose with --weights among \"model\"");
}

TEST(WeightSets, TensorsOfNoSetAreNamed) {
  std::vector<SafetensorsEntry> entries = below({"model.", "ema_model."});
  for (const char* name : {"optimizer.0.exp_avg", "optimizer.1.exp_avg", "n_averaged"})
    entries.push_back({name, "F32", {}, {}});
  EXPECT_EQ(find_weight_sets(entries, "file").others,
            (std::vector<std::string>{"n_averaged", "optimizer.0.exp_avg", "optimizer.1.exp_avg"}));
  entries = below({""});
  entries.push_back({"criterion.weight", "F32", {}, {}});
  EXPECT_TRUE(find_weight_sets(entries, "file").others.empty()) << "it may be the model's";
}

}  // namespace
}  // namespace smlp
