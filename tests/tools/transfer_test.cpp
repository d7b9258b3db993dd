// What a trained model is used for: fine-tuning, probing, test-time augmentation, ReaL, as a user does it.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "smlp/core/error.hpp"
#include "smlp/formats/safetensors.hpp"
#include "support/images.hpp"
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::Finished;
using testing::Words;
using testing::operator+;

class TransferTest : public testing::ProgramFixture {
 protected:
  void SetUp() override {
    ASSERT_EQ(run(train("source", {"--set", "train.eval_every=0"}, "2")).code, 0);
    testing::Files files;
    for (const char* split : {"train", "test"})
      for (int i = 0; i < 60; ++i)
        files.emplace_back(fmt::format("{}/{}/{}.png", split, i % 3, i), testing::png(32, 32, i));
    testing::write_folder(in("raw3"), files);
    ASSERT_EQ(run({"pack", "folder", "--from", in("raw3"), "--to", in("three")}).code, 0);
  }

  Words transfer(const std::string& command, const std::string& name, const fs::path& data,
                 const Words& more = {}) {
    return Words{command, "--from", run_folder("source"), "--data", data, "--epochs", "3", "-b", "50"} +
           placed(name) + more;
  }

  std::map<std::string, std::string> tensors(const std::string& name) {
    const SafetensorsFile file(run_folder(name) / "checkpoints/last/model.safetensors");
    std::map<std::string, std::string> found;
    for (const SafetensorsEntry& entry : file.entries())
      found[entry.name] = std::string(reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size());
    return found;
  }

  static double last_top1(const Finished& done) {
    std::smatch found;
    if (!std::regex_search(done.out, found, std::regex("last .* top1 +([0-9.]+) %  top5"))) return -1;
    return std::stod(found[1]);
  }
};

TEST_F(TransferTest, FinetuningKeepsTheHeadForTheSameClassesAndReplacesItForOthers) {
  Finished done = run(transfer("finetune", "same", data(), {"--lr", "0", "--set", "optim.groups=[]"}));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("with its head of 10 classes"), std::string::npos) << done.err;
  EXPECT_EQ(tensors("same"), tensors("source")) << "a rate of 0 changes nothing";

  done = run(transfer("finetune", "other", in("three")));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_EQ((done.out + done.err).find("top5"), std::string::npos) << "of three classes: " << done.out;
  for (const char* option : {"--json", "--best"})
    EXPECT_EQ(run({"eval", run_folder("other"), "--tta", "2", option}).out.find("top5"), std::string::npos);
  EXPECT_NE(done.err.find("a new head: 3 classes, it had 10"), std::string::npos) << done.err;
  const auto tuned = tensors("other"), source = tensors("source");
  EXPECT_EQ(tuned.at("linear_out.bias").size(), 3 * sizeof(float));
  EXPECT_EQ(tuned.at("linear_in.weight").size(), source.at("linear_in.weight").size());
  EXPECT_NE(tuned.at("linear_in.weight"), source.at("linear_in.weight"));
  EXPECT_EQ(run({"eval", run_folder("other")}).code, 0);

  done =
      run(transfer("finetune", "zero", data(),
                   {"--new-head", "--lr", "0", "--set", "optim.groups=[]", "--set", "model.head_init=zero"}));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(tensors("zero").at("linear_out.weight"), std::string(10 * 16 * sizeof(float), '\0'));
  EXPECT_EQ(tensors("zero").at("linear_in.weight"), source.at("linear_in.weight"));
}

TEST_F(TransferTest, AsManyClassesOfOtherNamesAreRefusedUnlessForcedAndGetANewHead) {
  testing::Files files;
  for (int i = 0; i < 30; ++i)
    for (const char* split : {"train", "test"})
      files.emplace_back(fmt::format("{}/digit{}/{}.png", split, i % 10, i), testing::png(32, 32, i));
  testing::write_folder(in("digits"), files);
  ASSERT_EQ(run({"pack", "folder", "--from", in("digits"), "--to", in("ten")}).code, 0);
  const Words eval{"eval", run_folder("source"), "--data", in("ten"), "--device", "cpu"};
  const Finished refused = run(eval);
  EXPECT_EQ(refused.code, 3) << refused.err;
  EXPECT_NE(refused.err.find("class 0 is \"digit0\""), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--force-classes"), std::string::npos) << refused.err;
  EXPECT_EQ(run(eval + Words{"--force-classes"}).code, 0);
  const Finished tuned = run(transfer("finetune", "ten", in("ten")));
  ASSERT_EQ(tuned.code, 0) << tuned.err;
  EXPECT_NE(tuned.err.find("with a new head: 10 classes, it had 10 of other names"), std::string::npos)
      << tuned.err;
}

TEST_F(TransferTest, ABatchLargerThanTheSetIsWarnedOfAndALineSaysHowManyEpochsItIs) {
  const Finished done = run(transfer("finetune", "few", data(), {"--set", "data.per_class=1"}));
  ASSERT_EQ(done.code, 0) << done.err;
  for (const char* said : {"the batch of 50 is larger than the set of 10 training images",
                           "few steps: 1 in all", "epoch 3/3 (3 epochs)"})
    EXPECT_NE(done.err.find(said), std::string::npos) << "lacks " << said << ": " << done.err;
}

TEST_F(TransferTest, TheModelComesFromTheCheckpointAndAStoppedTransferGoesOnAlone) {
  Finished done = run(transfer("finetune", "x", data(), {"--model", "s_mlp"}));
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_NE(done.err.find("takes the place of the model"), std::string::npos) << done.err;
  done = run({"probe", "--data", data()});
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_NE(done.err.find("--from"), std::string::npos) << done.err;
  done = run({"finetune", "--from", run_folder("source")});
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_NE(done.err.find("--data"), std::string::npos) << done.err;
  done = run({"finetune", "--from", in("raw3/train/0/0.png"), "--data", data()});
  EXPECT_EQ(done.code, 3) << done.err;
  EXPECT_NE(done.err.find("it is an image"), std::string::npos) << done.err;
  done = run(transfer("finetune", "x", data(), {"--set", "data.image_size=16"}));
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_NE(done.err.find("'linear_in.weight' is F32 [16, 3072], wanted F32 [16, 768]"), std::string::npos)
      << done.err;

  ASSERT_EQ(run(transfer("probe", "whole", data())).code, 0);
  const Words words = transfer("probe", "stopped", data());
  ASSERT_EQ(run(words, {{"LD_PRELOAD", SMLP_FAULT_SHIM},
                        {"FAULT_AT_LOGGED", "1"},
                        {"FAULT_SIGNAL", std::to_string(SIGTERM)}})
                .code,
            128 + SIGTERM);
  done = run({"probe", "--resume", run_folder("stopped")});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(tensors("stopped"), tensors("whole"));
}

TEST_F(TransferTest, AProbeTrainsTheHeadAloneAndCachedFeaturesChangeNothing) {
  const Finished cached = run(transfer("probe", "cached", data(), {"--lr", "1e-2"}));
  ASSERT_EQ(cached.code, 0) << cached.err;
  const Finished fresh =
      run(transfer("probe", "fresh", data(), {"--lr", "1e-2", "--set", "data.cache_features=false"}));
  ASSERT_EQ(fresh.code, 0) << fresh.err;
  EXPECT_EQ(last_top1(cached), last_top1(fresh));
  EXPECT_GT(last_top1(cached), 15) << "ten classes";
  const auto a = tensors("cached"), b = tensors("fresh"), source = tensors("source");
  for (const auto& [name, bytes] : source) {
    if (name.starts_with("linear_out.")) {
      EXPECT_NE(a.at(name), bytes) << name;
    } else {
      EXPECT_EQ(a.at(name), bytes) << name;
      EXPECT_EQ(b.at(name), bytes) << name;
    }
  }
  EXPECT_FALSE(fs::exists(run_folder("cached") / "features"));
  const Finished many = run(transfer("probe", "many", data(), {"--shots", "51"}));
  EXPECT_NE(many.err.find("10 of 10 classes have fewer images"), std::string::npos) << many.err;
  const Finished few = run(transfer("probe", "few", data(), {"--shots", "2"}));
  ASSERT_EQ(few.code, 0) << few.err;
  EXPECT_NE(few.err.find(": 20 training images"), std::string::npos) << few.err;
}

TEST_F(TransferTest, ARidgeProbeSolvesForTheHeadAndCanBeEvaluatedLikeAnyRun) {
  const Finished done = run(transfer("probe", "ridge", data(), {"--method", "ridge"}));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("each left out in turn"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("--epochs 3 is not used: train.method ridge"), std::string::npos) << done.err;
  EXPECT_GT(last_top1(done), 15) << "ten classes";
  const auto solved = tensors("ridge"), source = tensors("source");
  for (const auto& [name, bytes] : source)
    EXPECT_EQ(solved.at(name) == bytes, !name.starts_with("linear_out.")) << name;
  const Finished evaluated = run({"eval", run_folder("ridge"), "--json", "--device", "cpu"});
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_NEAR(nlohmann::json::parse(evaluated.out)["top1"], last_top1(done), 1e-9);
  const Finished again = run(transfer("probe", "ridge", data(), {"--method", "ridge", "--resume", "auto"}));
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(tensors("ridge"), solved);

  const Finished refused =
      run(transfer("probe", "moving", data(), {"--method", "ridge", "--set", "augment.flip=0.5"}));
  EXPECT_EQ(refused.code, 2) << refused.err;
  EXPECT_NE(refused.err.find("no augmentation"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(run_folder("moving")));
  const Finished averaged =
      run(transfer("probe", "averaged", data(), {"--method", "ridge", "--set", "train.ema=0.9"}));
  EXPECT_EQ(averaged.code, 2) << averaged.err;
}

TEST_F(TransferTest, CropsAreAveragedReproduciblyAndRealLabelsCounted) {
  const auto eval = [&](const Words& more) {
    const Finished done = run(Words{"eval", run_folder("source"), "--json", "--device", "cpu"} + more);
    EXPECT_EQ(done.code, 0) << done.err;
    return nlohmann::json::parse(done.out);
  };
  const auto plain = eval({});
  const auto whole = eval({"--tta", "7", "--set", "augment.crop.scale=[1.0,1.0]", "--set",
                           "augment.crop.ratio=[1.0,1.0]", "--set", "augment.flip=0.0"});
  ASSERT_EQ(whole["tta"].size(), 4u);
  EXPECT_EQ(whole["tta"][3]["crops"], 7);
  for (const auto& row : whole["tta"]) EXPECT_EQ(row["top1"], plain["top1"]) << "crops of the whole image";
  const auto crops = eval({"--tta", "12"}), again = eval({"--tta", "12", "-b", "33"});
  EXPECT_EQ(crops["tta"].size(), 5u);
  EXPECT_EQ(crops["tta"], again["tta"]) << "whatever the batches are";
  for (const char* key : {"top1", "top5", "loss", "classes"}) EXPECT_EQ(crops[key], plain[key]) << key;
  for (const char* key : {"top1", "top5"}) EXPECT_EQ(crops[std::string("tta_") + key], crops["tta"][4][key]);
  EXPECT_NE(crops["tta_loss"], plain["loss"]);
  EXPECT_EQ(eval({"--tta", "3", "--tta-average", "softmax"})["tta"].size(), 3u);

  // The first fifty images without a ReaL label, the others with their own and another.
  const NpyFile labels(data() / "test/labels.npy");
  std::string real = "[";
  for (int i = 0; i < 100; ++i) {
    const auto label = reinterpret_cast<const std::int64_t*>(labels.data())[i];
    real += fmt::format("{}{}", i == 0 ? "" : ",",
                        i < 50 ? "[]" : fmt::format("[{},{}]", (label + 1) % 10, label));
  }
  std::ofstream(in("real.json")) << real << "]";
  const Finished done = run({"eval", "--json", "--real-labels=" + in("real.json").string(),
                             run_folder("source"), "--predictions", in("p.csv"), "--confusion", in("c.csv")});
  ASSERT_EQ(done.code, 0) << done.err;
  std::istringstream predictions(testing::read_text(in("p.csv")));
  std::string line;
  std::getline(predictions, line);
  EXPECT_TRUE(line.starts_with("name,label,top1,probability1,top2")) << line;
  const std::vector<std::string> names{"airplane", "automobile", "bird",  "cat",  "deer",
                                       "dog",      "frog",       "horse", "ship", "truck"};
  int right = 0, rows = 0;
  for (; std::getline(predictions, line); ++rows) {
    const std::size_t a = line.find(','), b = line.find(',', a + 1), c = line.find(',', b + 1);
    const std::string label = line.substr(a + 1, b - a - 1), first = line.substr(b + 1, c - b - 1);
    const auto own = std::find(names.begin(), names.end(), label) - names.begin();
    right += rows >= 50 && (first == label || first == names[static_cast<std::size_t>(own + 1) % 10]);
  }
  EXPECT_EQ(rows, 100);
  EXPECT_DOUBLE_EQ(nlohmann::json::parse(done.out)["real"].get<double>(), 2.0 * right);
  const auto both = eval({"--real-labels=" + in("real.json").string(), "--tta", "3"});
  EXPECT_EQ(both["real"], nlohmann::json::parse(done.out)["real"]);
  EXPECT_EQ(both["tta_real"], both["tta"][2]["real"]);
  std::istringstream confusion(testing::read_text(in("c.csv")));
  int counted = 0;
  std::getline(confusion, line);
  while (std::getline(confusion, line)) counted += std::stoi(line.substr(line.rfind(',') + 1));
  EXPECT_EQ(counted, 100);

  for (const Words& more : {Words{"--predictions", in("no/such/p.csv")}, Words{"--confusion", in("p")}}) {
    fs::create_directories(in("p"));
    const Finished early = run(Words{"eval", run_folder("source")} + more);
    EXPECT_EQ(early.code, 1) << early.err;
    EXPECT_EQ(early.out, "") << "before anything is evaluated";
  }
  EXPECT_EQ(run({"eval", run_folder("source"), "--set", "data.fraction=0.5"}).code, 2);
  const Finished infinite = run(
      {"eval", run_folder("source"), "--set", "data.mean=[0,0,0]", "--set", "data.std=[1e-45,1e-45,1e-45]"});
  EXPECT_EQ(infinite.code, 4) << infinite.err;
  EXPECT_EQ(run({"eval", run_folder("source"), "--logits", "q", "--confusion", "./q"}).code, 2);

  const Finished none = run({"eval", "--real-labels", run_folder("source")});
  EXPECT_EQ(none.code, 3) << "the path is not the option's";
  EXPECT_NE(none.err.find("real_labels.json"), std::string::npos) << none.err;
}

TEST_F(TransferTest, TheFirstLayerIsDrawnAndEveryPictureNamed) {
  const Finished done =
      run({"viz", run_folder("source"), "B-6/16", "s_mlp", "--filters", "largest", "-o", in("x.png")});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(fs::file_size(in("x.png")) > 1000);
  EXPECT_TRUE(std::regex_search(done.out, std::regex("\n +1 +[^ ]*source/checkpoints/step-000000016 ")))
      << done.out;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("\n +2 +B-6/16, untrained "))) << done.out;
  EXPECT_TRUE(std::regex_search(done.out, std::regex("picture 3, row by row: filters( [0-9]+){25}\n")))
      << done.out;
}

TEST_F(TransferTest, AnExportAndItsFileAreTakenWhereARunIs) {
  const auto loss_of = [&](const Words& words) {
    const Finished done =
        run(words + Words{"--data", data(), "--json", "--device", "cpu", "--precision", "fp32"});
    EXPECT_EQ(done.code, 0) << done.err;
    return nlohmann::json::parse(done.out)["loss"];
  };
  const auto own = loss_of({"eval", run_folder("source")});
  for (const std::string format : {"safetensors", "pt"}) {
    const fs::path folder = in(format), file = folder / ("model." + format);
    ASSERT_EQ(run({"export", run_folder("source"), "--to", folder, "--format", format}).code, 0);
    EXPECT_EQ(loss_of({"eval", folder}), own);
    EXPECT_EQ(loss_of({"eval", file}), own);
    EXPECT_EQ(run({"info", file}).code, 0);
    EXPECT_EQ(run({"viz", file, "-o", in("y.png")}).code, 0);
    EXPECT_EQ(run({"export", file, "--to", in("again-" + format)}).code, 0);
    EXPECT_EQ(testing::read_text(in("again-" + format) / "model.safetensors"),
              testing::read_text(in("safetensors/model.safetensors")));
    const Finished done = run({"finetune", file, "--data", data(), "--name", format, "--output", in("runs"),
                               "--lr", "0", "--set", "optim.groups=[]", "train.epochs=1"});
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(tensors(format), tensors("source"));
  }
  const Finished nameless = run({"eval", in("pt")});
  EXPECT_EQ(nameless.code, 2) << nameless.err;
  EXPECT_NE(nameless.err.find("give --data"), std::string::npos) << nameless.err;
  EXPECT_EQ(run({"eval", run_folder("source") / "checkpoints/last/model.safetensors"}).code, 0);
  ASSERT_EQ(run({"import", in("pt"), "--family", "cifar10", "--to", in("imported")}).code, 0);
  const Finished dataless = run({"train", in("imported")});
  EXPECT_EQ(dataless.code, 2) << dataless.err;
  EXPECT_NE(dataless.err.find("give --data"), std::string::npos) << dataless.err;
}

TEST_F(TransferTest, ARunOrItsCheckpointIsAConfiguration) {
  for (const fs::path& from : {run_folder("source"), run_folder("source") / "checkpoints/last"}) {
    const Finished done = run({"config", "show", from, "--set", "train.log_every=9"});
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_NE(done.out.find("width: 16 "), std::string::npos) << done.out;
  }
  const Finished again = run({"train", run_folder("source"), "--name", "again", "--epochs", "1"});
  EXPECT_EQ(again.code, 0) << again.err;
}

}  // namespace
}  // namespace smlp
