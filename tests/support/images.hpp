#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "smlp/core/files.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/formats/image.hpp"
#include "smlp/formats/png.hpp"
#include "smlp/pack/pack.hpp"

namespace smlp::testing {

using Files = std::vector<std::pair<std::string, std::string>>;  // path, content

// A picture that differs from every other `seed`'s.
inline Image picture(int width, int height, int seed) {
  Image image{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height * 3)};
  for (std::size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] =
        static_cast<std::uint8_t>((i * 7 + i / 5 * 31 + static_cast<std::size_t>(seed) * 97) % 256);
  return image;
}

inline std::string png(int width, int height, int seed) {
  return encode_png(picture(width, height, seed));
}

inline void write_folder(const std::filesystem::path& root, const Files& files) {
  for (const auto& [path, content] : files) {
    std::filesystem::create_directories((root / path).parent_path());
    std::ofstream(root / path, std::ios::binary) << content;
  }
}

// An archive whose kind is its name's ending: .zip, .tar, .tar.gz or .tar.xz.
inline void write_archive(const std::filesystem::path& path, const Files& files) {
  archive* const handle = archive_write_new();
  ASSERT_EQ(archive_write_set_format_filter_by_ext(handle, path.c_str()), ARCHIVE_OK)
      << archive_error_string(handle);
  ASSERT_EQ(archive_write_open_filename(handle, path.c_str()), ARCHIVE_OK) << archive_error_string(handle);
  for (const auto& [name, content] : files) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    EXPECT_EQ(archive_write_header(handle, entry), ARCHIVE_OK) << archive_error_string(handle);
    archive_write_data(handle, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_close(handle);
  archive_write_free(handle);
}

// Packs 4 training and 2 test pictures of 5 × 5 pixels, of classes cat and dog, to ROOT.
inline void pack_six(const std::filesystem::path& raw, const std::filesystem::path& root) {
  Files files;
  for (int i = 0; i < 6; ++i)
    files.emplace_back(
        (i < 4 ? "train/" : "test/") + std::string(i % 2 ? "dog/" : "cat/") + std::to_string(i) + ".png",
        png(5, 5, i));
  write_folder(raw, files);
  PackOptions options;
  options.source = "folder";
  options.from = raw;
  options.to = root;
  pack(options);
}

inline void replace_in(const std::filesystem::path& file, const std::string& from, const std::string& to) {
  std::string text = read_file(file, 1 << 20);
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  std::ofstream(file, std::ios::binary) << text.replace(at, from.size(), to);
}

// `images` pictures of `classes` classes: image i is picture(size, size, i) with label i mod classes.
inline std::shared_ptr<const Dataset> small_dataset(std::int64_t images, int size, int classes) {
  DatasetInfo info;
  info.source = "test";
  info.resize = "none";
  info.image_size = size;
  info.images = images;
  for (int c = 0; c < classes; ++c) info.classes.push_back("class " + std::to_string(c));
  info.statistics = {{0.5, 0.4, 0.3}, {0.2, 0.25, 0.3}};
  std::vector<std::uint8_t> pixels;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < images; ++i) {
    const Image image = picture(size, size, static_cast<int>(i));
    pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
    labels.push_back(i % classes);
  }
  return Dataset::from_memory(std::move(info), std::move(pixels), std::move(labels));
}

}  // namespace smlp::testing
