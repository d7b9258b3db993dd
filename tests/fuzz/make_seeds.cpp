// Writes the inputs that fuzzing starts from into FOLDER/TARGET: make_seeds FOLDER. They are the golden files
// of the tests, and small files made here.
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>

#include "fuzz.hpp"
#include "scripted_files.hpp"
#include "scripted_names.hpp"
#include "smlp/config/print.hpp"
#include "smlp/core/files.hpp"
#include "smlp/data/block_hash.hpp"
#include "smlp/data/dataset_json.hpp"
#include "smlp/data/real_labels.hpp"
#include "smlp/formats/npy.hpp"
#include "smlp/formats/png.hpp"
#include "smlp/pack/pack_progress.hpp"

namespace smlp::fuzz {
namespace {

class Seeds {
 public:
  explicit Seeds(fs::path folder) : folder_(std::move(folder)) {}

  void add(const std::string& target, std::string_view content) {
    const fs::path folder = folder_ / target;
    fs::create_directories(folder);
    write_file_atomically(folder / std::to_string(count_[target]++), content);
  }

 private:
  fs::path folder_;
  std::map<std::string, int> count_;
};

std::string golden(const std::string& name) {
  return read_file(fs::path(SMLP_SOURCE_DIR) / "tests/golden/formats" / name, 1 << 20);
}

std::vector<std::string> golden_names(std::string_view ending) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(SMLP_SOURCE_DIR) / "tests/golden/formats"))
    if (entry.path().filename().string().ends_with(ending)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string two_bytes(std::size_t value) {
  return {static_cast<char>(value & 0xff), static_cast<char>(value >> 8)};
}

template <class T>
void put(std::string& bytes, std::size_t at, T value) {
  std::memcpy(&bytes[at], &value, sizeof value);
}

std::string names_up_to(int count) {
  std::string names;
  for (int i = 0; i < count; ++i) names += std::to_string(i) + '\n';
  return names;
}

std::string small_png(int width, int height) {
  Image image{width, height, {}};
  for (int i = 0; i < width * height * 3; ++i) image.pixels.push_back(static_cast<std::uint8_t>(i * 7));
  return encode_png(image);
}

void add_images(Seeds& seeds) {
  for (const std::string& name : golden_names(".jpg"))
    for (const char at_least : {'\0', '\5'}) seeds.add("jpeg", at_least + golden(name));
  for (const std::string kind : {"png", "webp", "bmp", "gif"})
    for (const std::string& name : golden_names("." + kind)) seeds.add(kind, golden(name));
  seeds.add("png", small_png(1, 1));
}

void add_arrays(Seeds& seeds) {
  for (const std::string& name : golden_names(".npy")) {
    const std::string bytes = golden(name);
    if (bytes.size() >= 1000) continue;
    seeds.add("npy", bytes);
    seeds.add("npz", two_bytes(bytes.size()) + bytes + two_bytes(bytes.size()) + bytes);
  }
  const std::int64_t two[] = {2}, images[] = {2, 3, 2, 3};
  const std::string pixels = npy_header_bytes("|u1", images) + std::string(36, 'p');
  for (const std::string dtype : {"|u1", "<i2", "<u4", "<i8", "<u8", "<f4"}) {
    const std::string labels = npy_header_bytes(dtype, two) + std::string(2 * npy_item_size(dtype), '\0');
    seeds.add("npy_source", two_bytes(labels.size()) + labels + pixels);
  }
}

void add_json(Seeds& seeds) {
  DatasetInfo info;
  info.source = "folder";
  info.family = "cifar";
  info.resize = "crop";
  info.image_size = 32;
  info.images = 100;
  info.classes = {"cat", "dög"};
  info.bad_images = {{"cat/1.jpg", "broken JPEG"}};
  info.statistics = {{0.5, 0.4, 0.3}, {0.2, 0.25, 0.3}};
  info.block_hashes = {"0123456789abcdef"};
  seeds.add("dataset_json", dataset_json_text(info));
  info.classes.clear();
  info.bad_images.clear();
  info.block_hashes.clear();
  seeds.add("dataset_json", dataset_json_text(info));

  PackProgress progress;
  progress.job = R"({"source": "folder"})";
  progress.image_size = 64;
  progress.splits["train"] = {400, 3000, {}, {1, 2, 3}, {4, 5, 6}};
  seeds.add("pack_progress", pack_progress_text(progress));
  progress.left_out["train"] = {{3, {"a.jpg", "broken"}}, {7, {"b.jpg", "cut off"}}};
  progress.splits["test"] = {};
  progress.source_hashes["train"] = 12345678901234567890u;
  progress.complete = progress.resized = true;
  seeds.add("pack_progress", pack_progress_text(progress));

  seeds.add("real_labels", real_labels_text({{1, 2}, {}, {999}}));
  seeds.add("real_labels", "[]");
}

// An image field, a label field, two samples: a raw image of 2×1 pixels and a JPEG's beginning.
std::string small_beton() {
  const std::size_t rows = 24 + 2 * 1041, data = rows + 2 * 24, jpeg = data + 6, table = jpeg + 4;
  std::string bytes(table + 2 * 24, '\0');
  put<std::uint16_t>(bytes, 0, 2);
  put<std::uint16_t>(bytes, 2, 2);
  put<std::uint64_t>(bytes, 8, 2);
  put<std::uint64_t>(bytes, 16, table);
  bytes.replace(24, 6, "\2image");
  bytes.replace(24 + 1041, 6, "\1label");
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t row = rows + 24 * i;
    bytes[row] = i == 0 ? '\1' : '\0';
    put<std::uint16_t>(bytes, row + 1, 2);
    put<std::uint16_t>(bytes, row + 3, 1);
    put<std::uint64_t>(bytes, row + 5, i == 0 ? data : jpeg);
    put<std::uint64_t>(bytes, row + 16, i);
    put<std::uint64_t>(bytes, table + 24 * i, i);
    put<std::uint64_t>(bytes, table + 24 * i + 8, i == 0 ? data : jpeg);
    put<std::uint64_t>(bytes, table + 24 * i + 16, i == 0 ? 6 : 4);
  }
  return bytes.replace(jpeg, 4, "\xff\xd8\xff\xe0");
}

void add_cifar(Seeds& seeds) {
  const std::string record10(2, '\3'), record100{'\1', '\2', 'p'};
  std::string all(1, '\0');
  for (std::size_t batch = 0; batch < 6; ++batch)
    all += script_entry(batch, record10, 3073 * (1 + batch % 2));
  seeds.add("cifar", all + script_entry(6, names_up_to(10)));
  seeds.add("cifar", '\4' + script_entry(5, record10, 3073) + script_entry(6, names_up_to(10)));
  seeds.add("cifar", '\1' + script_entry(7, record100, 3074) + script_entry(8, record100, 3074) +
                         script_entry(9, names_up_to(100)));
  seeds.add("cifar", '\3' + script_entry(7, record100, 3074) + script_entry(10, names_up_to(20)));
}

void add_stl10(Seeds& seeds) {
  constexpr std::size_t image = 27648;
  const std::string names = script_entry(5, names_up_to(10));
  seeds.add("stl10", '\0' + script_entry(1, "\1\n") + script_entry(0, "pixel", 2 * image) + names);
  seeds.add("stl10", '\0' + script_entry(0, "p", image) + script_entry(1, "\3") + names +
                         script_entry(2, "q", image) + script_entry(3, "\2"));
  seeds.add("stl10", '\1' + script_entry(0, "p", image) + script_entry(1, "\4") + names);
  seeds.add("stl10", '\2' + names + script_entry(4, "p", image));
}

void add_webdataset(Seeds& seeds) {
  seeds.add("webdataset", script_entry(0, "jpeg") + script_entry(1, " 2\n") + script_entry(4, "1") +
                              script_entry(3, "png", 70));
  seeds.add("webdataset", script_entry(2, R"({"label": 3, "cls": 9})") + script_entry(0, "x") +
                              script_entry(3, "y") + script_entry(5, R"({"label": "cat", "cls": 1})"));
  seeds.add("webdataset", script_entry(8, "") + script_entry(6, "j") + script_entry(7, "0") +
                              script_entry(11, "mask") + script_entry(10, "text") + script_entry(14, "[]"));
}

void add_class_folders(Seeds& seeds) {
  const std::string jpeg = "\xff\xd8\xff";
  const auto image = [&](std::size_t name) { return script_entry(name, jpeg, 9); };
  seeds.add("class_folders",
            '\0' + script_entry(14, "") + image(0) + image(1) + image(12) + script_entry(18, "hello"));
  seeds.add("class_folders", '\0' + image(16) + image(17));
  seeds.add("class_folders", '\0' + image(15));
  seeds.add("class_folders",
            '\1' + image(0) + image(1) + image(2) + image(3) +
                script_entry(4, "a.JPEG\tn00000001\t0\t0\t9\t9\nb.JPEG\tn00000002\t0\t0\t9\t9\n") +
                script_entry(5, "n00000001\nn00000002\n"));
  for (const char source : {'\2', '\3', '\13', '\23'})
    seeds.add("class_folders",
              source + script_entry(6, "") + image(8) + image(9) + script_entry(7, "") + image(8) + image(9));
  seeds.add("class_folders", '\2' + image(10) + image(11));
}

void add_imagenet_labels(Seeds& seeds) {
  seeds.add("imagenet_labels", "n00000001\nn00000002\nn00000001\n");
  seeds.add("imagenet_labels", "ImageId,PredictionString\nILSVRC2012_val_00000003,n00000001 9 9 9 9\n");
  seeds.add("imagenet_labels",
            "ILSVRC2012_val_00000001.JPEG n00000001\nILSVRC2012_val_00000002.JPEG n00000002");
  const std::string truth = "1\n2\n3\n3\n";
  for (const char* name : {"meta_plain.mat", "meta_compressed.mat"}) {
    seeds.add("mat", golden(name));
    seeds.add("imagenet_labels", two_bytes(truth.size()) + truth + golden(name));
  }
}

void add_archives(Seeds& seeds) {
  for (const char* name : {"pax.tar.gz", "gnu.tar.bz2", "ustar.tar.xz", "deflated.zip"})
    seeds.add("archive", golden(name));
  const std::string inner = tar_of({{"a/1.txt", "hello\nworld\n"}, {"12345678", "records"}});
  seeds.add("archive", inner);
  seeds.add("archive", tar_of({{"n1.tar", inner}, {"folder/", ""}, {"12", "bytes"}, {"x", "not wanted"}}));
}

void add_yaml(Seeds& seeds) {
  seeds.add(
      "yaml",
      "epochs: 3\nflag: true\ncolour: green\ntext: \"a: b\"\nmaybe: null\nlimit: 1.5e-3\nsteps: [1, 2]\n"
      "inner: {rate: 0.25, range: [0, 1]}\nitems:\n  - rate: 0.5\n  - {range: [0.1, 0.2]}\n"
      "shape:\n  name: square\n  sides: [1, 2.5]\n");
  seeds.add("yaml",
            "# a comment\n--- \ninner: &a\n  rate: 0\nitems: [*a, *a]\nmaybe: |\n  two\n  lines\n...\n");
  seeds.add("yaml", "shape: {name: round, radius: 4}\nlimit: ~\ninner: null\nmaybe: 'it''s'\n");
  seeds.add("yaml", "shape.radius=3");
  seeds.add("yaml", "inner.range=[0, 0.5]");
}

void make(const fs::path& folder) {
  Seeds seeds(folder);
  add_images(seeds);
  add_arrays(seeds);
  add_json(seeds);
  add_cifar(seeds);
  add_stl10(seeds);
  add_webdataset(seeds);
  add_class_folders(seeds);
  add_imagenet_labels(seeds);
  add_archives(seeds);
  add_yaml(seeds);
  seeds.add("beton", small_beton());
  seeds.add("safetensors", golden("reference.safetensors"));
}

}  // namespace
}  // namespace smlp::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "make_seeds FOLDER\n");
    return 2;
  }
  smlp::fuzz::make(argv[1]);
  return 0;
}
