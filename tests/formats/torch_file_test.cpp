#include "smlp/formats/torch_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/errors.hpp"
#include "support/golden.hpp"
#include "support/stored_zip.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::golden_format;
using testing::TempDir;

fs::path golden(const std::string& name) {
  return golden_format("torch_file/" + name);
}

void expect_equal(const SafetensorsEntry& found, const SafetensorsEntry& wanted) {
  EXPECT_EQ(found.name, wanted.name);
  EXPECT_EQ(found.dtype, wanted.dtype) << found.name;
  EXPECT_EQ(found.shape, wanted.shape) << found.name;
  EXPECT_TRUE(std::ranges::equal(found.bytes, wanted.bytes)) << found.name;
}

std::string names_of(const TorchFile& file) {
  std::string names;
  for (const SafetensorsEntry& entry : file.entries()) names += (names.empty() ? "" : " ") + entry.name;
  return names;
}

TEST(TorchFiles, ReadsWhatTorchSaved) {
  const std::vector<std::pair<std::string, std::string>> files{{"b_mlp", ""},
                                                               {"s_mlp", ""},
                                                               {"checkpoint", "model."},
                                                               {"lightning", "state_dict."},
                                                               {"data_parallel", "module."},
                                                               {"compiled", "_orig_mod.module."},
                                                               {"types", ""},
                                                               {"legacy", "model."},
                                                               {"views", ""},
                                                               {"legacy_views", ""},
                                                               {"negated", ""},
                                                               {"complex", ""},
                                                               {"parameters", ""},
                                                               {"shapes", ""}};
  for (const auto& [name, prefix] : files) {
    SCOPED_TRACE(name);
    const TorchFile file(golden(name + ".pt"));
    const SafetensorsFile wanted(golden(name + ".safetensors"));
    std::vector<std::string> names;
    for (SafetensorsEntry entry : file.entries()) {
      expect_equal(file.at(entry.name), entry);
      if (!entry.name.starts_with(prefix)) continue;
      names.push_back(entry.name.erase(0, prefix.size()));
      expect_equal(entry, wanted.at(entry.name));
    }
    EXPECT_EQ(fmt::format("{}", fmt::join(names, "\n")), wanted.metadata().at("order"));
  }
  EXPECT_EQ(TorchFile(golden("checkpoint.pt")).at("optimizer.state.0.exp_avg").shape,
            (std::vector<std::int64_t>{2, 3}));
}

TEST(TorchFiles, KeepsThePublishedNamesInTheirOrder) {
  EXPECT_EQ(names_of(TorchFile(golden("b_mlp.pt"))),
            "linear_in.weight linear_in.bias linear_out.weight linear_out.bias "
            "blocks.0.block.0.weight blocks.0.block.0.bias blocks.0.block.2.weight blocks.0.block.2.bias "
            "blocks.1.block.0.weight blocks.1.block.0.bias blocks.1.block.2.weight blocks.1.block.2.bias "
            "layernorms.0.weight layernorms.0.bias layernorms.1.weight layernorms.1.bias");
  EXPECT_EQ(names_of(TorchFile(golden("s_mlp.pt"))),
            "linear_in.weight linear_in.bias linear_out.weight linear_out.bias "
            "layers.0.weight layers.0.bias layers.1.weight layers.1.bias "
            "layernorms.0.weight layernorms.0.bias layernorms.1.weight layernorms.1.bias");
}

TEST(TorchFiles, TensorsOutliveTheMoveOfTheirFile) {
  TorchFile file(golden("views.pt"));
  const TorchFile moved = std::move(file);
  const SafetensorsFile wanted(golden("views.safetensors"));
  for (const SafetensorsEntry& entry : moved.entries()) expect_equal(entry, wanted.at(entry.name));
}

TEST(TorchFiles, ReadsPickleProtocol3) {
  const TorchFile file(golden("protocol_3.pt"));
  const SafetensorsFile wanted(golden("shapes.safetensors"));
  ASSERT_EQ(file.entries().size(), wanted.entries().size());
  for (const SafetensorsEntry& entry : file.entries()) expect_equal(entry, wanted.at(entry.name));
}

TEST(TorchFiles, SaysThatATensorIsMissing) {
  const TorchFile file(golden("types.pt"));
  EXPECT_NE(error_of(ErrorKind::data, [&] { file.at("float8"); }).find("no tensor \"float8\""),
            std::string::npos);
}

TEST(TorchFiles, RefusesOtherContentsSayingWhatWasFoundAndHowToConvertIt) {
  struct Case {
    const char *file, *found, *advice;
  };
  const char* const state_dict = "torch.save(model.state_dict(), \"new.pt\")";
  for (const auto& [name, found, advice] : {
           Case{"module", "it holds an object of torch.nn.modules.container.Sequential", state_dict},
           Case{"unsigned", "\"weight\": an object of torch._utils._rebuild_tensor_v3", state_dict},
           Case{"sparse", "\"weight\": an object of torch._utils._rebuild_sparse_tensor", state_dict},
           Case{"twice", "bytes follow its storages", "torch.load would pass over"},
           Case{"tar", "the tar format",
                "torch.save(torch.load(\"old.pt\", weights_only=False), \"new.pt\")"},
           Case{"torchscript", "a TorchScript archive (record code/",
                "torch.save(torch.jit.load(\"old.pt\").state_dict(), \"new.pt\")"},
           Case{"protocol_4", "not of pickle protocol 2", "default pickle_protocol"},
           Case{"empty", "its dictionary holds nothing", state_dict},
           Case{"expanded_bomb", "twice the file's size", ".clone()"},
           Case{"no_crc", "CRC-32", "set_crc32_options(False)"},
       }) {
    const fs::path path = golden(std::string("refused/") + name + ".pt");
    const std::string message = error_of(ErrorKind::data, [&] { TorchFile file(path); });
    EXPECT_TRUE(message.starts_with(path.string() + ": ")) << message;
    EXPECT_NE(message.find(found), std::string::npos) << message;
    EXPECT_NE(message.find(advice), std::string::npos) << message;
  }
  EXPECT_NE(error_of(ErrorKind::data, [&] { TorchFile file(golden("types.safetensors")); })
                .find("not a file as torch.save writes it"),
            std::string::npos);
}

// torch.load(weights_only=True) refuses some of these for the code they name; none of it is run here.
TEST(TorchFiles, ReadsTheTensorsOfFilesThatHoldOtherThings) {
  EXPECT_EQ(names_of(TorchFile(golden("mixed/calls_system.pt"))), "weight");
  EXPECT_EQ(TorchFile(golden("mixed/calls_system.pt")).objects().at(0), "x: an object of posix.system");
  EXPECT_EQ(names_of(TorchFile(golden("mixed/numpy.pt"))), "model.weight");
  EXPECT_EQ(names_of(TorchFile(golden("mixed/several.pt"))), "model.weight")
      << "one dictionary under two keys";
  EXPECT_EQ(names_of(TorchFile(golden("mixed/none.pt"))), "weights.weight");
  EXPECT_EQ(names_of(TorchFile(golden("mixed/list.pt"))), "0");
  EXPECT_EQ(names_of(TorchFile(golden("mixed/tensor.pt"))), "");
}

TEST(TorchFiles, ReadsBackWhatItWrote) {
  const TempDir folder;
  for (const std::string name : {"types", "views", "shapes", "b_mlp"}) {
    const TorchFile file(golden(name + ".pt"));
    write_torch_file(folder / "ours.pt", file.entries());
    const TorchFile again(folder / "ours.pt");
    ASSERT_EQ(again.entries().size(), file.entries().size());
    for (std::size_t i = 0; i < file.entries().size(); ++i)
      expect_equal(again.entries()[i], file.entries()[i]);
  }
}

TEST(TorchFiles, AlignsItsRecordsAsTorchDoes) {
  const TempDir folder;
  write_torch_file(folder / "ours.pt", TorchFile(golden("types.pt")).entries());
  const std::string zip = read_file(folder / "ours.pt", 100'000);
  std::size_t records = 0;
  for (std::size_t at = 0; zip.substr(at, 4) == "PK\3\4"; ++records) {
    at += 30 + testing::number_at(zip, at + 26, 2) + testing::number_at(zip, at + 28, 2);
    EXPECT_EQ(at % 64, 0u);
    at = zip.find("PK", at);
  }
  EXPECT_EQ(records, 13u);
}

TEST(TorchFiles, DoesNotWriteWhatItWouldNotRead) {
  const TempDir folder;
  const std::vector<std::byte> bytes(8);
  const std::vector<SafetensorsEntry> doubled{{"a", "F32", {2}, bytes}, {"a", "F32", {2}, bytes}};
  const std::vector<SafetensorsEntry> too_short{{"a", "F32", {3}, bytes}};
  const std::vector<SafetensorsEntry> beyond{{"a", "F32", {INT64_MAX, 4}, bytes}};
  const std::vector<SafetensorsEntry> not_utf8{{"\xff", "F32", {2}, bytes}};
  const std::vector<SafetensorsEntry> without_storage{{"a", "U64", {1}, bytes}};
  for (const auto& entries : {doubled, too_short, beyond, not_utf8, without_storage})
    error_of(ErrorKind::failed, [&] { write_torch_file(folder / "file", entries); });
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace smlp
