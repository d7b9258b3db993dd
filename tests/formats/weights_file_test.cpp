#include "smlp/formats/weights_file.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::TempDir;

class WeightsFileTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::vector<std::string>& tensors) {
    std::vector<SafetensorsEntry> entries;
    for (const std::string& tensor : tensors) entries.push_back({tensor, "F32", {2}, bytes_});
    if (name.ends_with(".bin"))
      write_torch_file(folder_ / name, entries);
    else
      write_safetensors(folder_ / name, entries);
  }
  fs::path index(const std::string& map) {
    write_file_atomically(folder_ / "model.safetensors.index.json", "{\"weight_map\": " + map + "}");
    return folder_ / "model.safetensors.index.json";
  }
  std::string refusal(const fs::path& path) {
    return error_of(ErrorKind::data, [&] { WeightsFile file(path); });
  }
  static std::string names(const WeightsFile& file) {
    std::string all;
    for (const SafetensorsEntry& entry : file.entries()) all += entry.name + " ";
    return all;
  }

  TempDir folder_;
  const std::vector<std::byte> bytes_{8};
};

TEST_F(WeightsFileTest, AnIndexOpensEveryPart) {
  write("model-00001-of-00002.safetensors", {"a", "b"});
  write("model-00002-of-00002.safetensors", {"c"});
  const WeightsFile file(
      index(R"({"a": "model-00001-of-00002.safetensors", "b": "model-00001-of-00002.safetensors",
                                   "c": "model-00002-of-00002.safetensors"})"));
  EXPECT_EQ(names(file), "a b c ");
  EXPECT_EQ(file.entries()[2].bytes.size(), 8u);
  write("pytorch_model-00001-of-00002.bin", {"a"});
  write("pytorch_model-00002-of-00002.bin", {"b"});
  EXPECT_EQ(names(WeightsFile(index(
                R"({"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"})"))),
            "a b ");
}

TEST_F(WeightsFileTest, APartByItselfIsRefusedNamingItsIndex) {
  write("model-00001-of-00002.safetensors", {"a"});
  const std::string message = refusal(folder_ / "model-00001-of-00002.safetensors");
  EXPECT_NE(message.find("part 1 of 2"), std::string::npos) << message;
  EXPECT_NE(message.find((folder_ / "model.safetensors.index.json").string()), std::string::npos) << message;
  write("model-00001-of-00001.safetensors", {"a"});
  EXPECT_EQ(names(WeightsFile(folder_ / "model-00001-of-00001.safetensors")), "a ");
}

TEST_F(WeightsFileTest, AnIndexThatItsPartsContradictIsRefused) {
  write("1.safetensors", {"a", "b"});
  write("2.safetensors", {"b"});
  EXPECT_NE(refusal(index(R"({"a": "1.safetensors"})")).find("\"b\" is not listed, but in 1.safetensors"),
            std::string::npos);
  EXPECT_NE(refusal(index(R"({"a": "1.safetensors", "b": "1.safetensors", "c": "1.safetensors"})"))
                .find("\"c\" is not in 1.safetensors"),
            std::string::npos);
  EXPECT_NE(
      refusal(index(R"({"a": "1.safetensors", "b": "2.safetensors"})")).find("\"b\" is in 1.safetensors"),
      std::string::npos);
  EXPECT_NE(refusal(index(R"({"a": "3.safetensors"})")).find("3.safetensors"), std::string::npos);
}

TEST_F(WeightsFileTest, AnIndexNamesNothingOutsideItsFolder) {
  for (const char* map : {"{}", "[]", "3", R"({"a": 1})", R"({"a": ""})", R"({"a": "../1.safetensors"})",
                          R"({"a": "/etc/passwd"})", R"({"a": ".."})", R"({"a": "x\u0000y"})"})
    EXPECT_NE(refusal(index(map)).find("weight_map"), std::string::npos) << map;
  error_of(ErrorKind::data, [] { parse_weight_map("{", "index"); });
  error_of(ErrorKind::data, [] { parse_weight_map("[1]", "index"); });
}

TEST_F(WeightsFileTest, WhatADownloadLeavesInsteadIsNamed) {
  for (const auto& [content, says] :
       {std::pair("version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 12\n", "git lfs pull"),
        std::pair("<!DOCTYPE html>\n<html>", "a web page (\"<!DOCTYPE html>\")"), std::pair("", "is empty")})
    for (const char* name : {"model.pt", "model.safetensors"}) {
      write_file_atomically(folder_ / name, content);
      EXPECT_NE(refusal(folder_ / name).find(says), std::string::npos) << refusal(folder_ / name);
    }
}

TEST_F(WeightsFileTest, AFolderIsRefused) {
  EXPECT_NE(refusal(folder_.path()).find("a folder: name the file"), std::string::npos);
  EXPECT_NE(refusal(folder_ / "nowhere").find("no such file"), std::string::npos);
}

}  // namespace
}  // namespace smlp
