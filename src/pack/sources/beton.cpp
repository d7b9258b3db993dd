#include "smlp/pack/sources/beton.hpp"

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/formats/beton.hpp"
#include "smlp/formats/decode.hpp"
#include "smlp/pack/sources/numbered_labels.hpp"
#include "smlp/pack/sources/shards.hpp"

namespace smlp {
namespace {

bool named_like_beton(std::string_view file) {
  return file.ends_with(".beton") || file.ends_with(".ffcv");
}

void read_samples(const Shard& shard, NumberedLabels& labels, const SampleSink& sink) {
  const MappedFile file(shard.path);
  BetonReader reader(file.bytes(), shard.path.string());
  for (std::int64_t i = 0; i < reader.samples(); ++i) {
    const BetonSample sample = reader.sample(i);
    const std::string where = fmt::format("{}: sample {}", shard.path.string(), i);
    labels.add(shard.split, sample.label, where);
    RawSample raw{shard.split, fmt::format("{}:{}", shard.name, i), {}, {}};
    if (sample.is_jpeg) {
      if (image_kind(sample.bytes) != ImageKind::jpeg)
        fail(ErrorKind::data, "{}: no JPEG where the file says one is", where);
      raw.encoded.assign(sample.bytes.begin(), sample.bytes.end());
    } else {
      const auto* const first = reinterpret_cast<const std::uint8_t*>(sample.bytes.data());
      raw.pixels = {sample.width, sample.height, {first, first + sample.bytes.size()}};
    }
    sink(std::move(raw));
  }
}

}  // namespace

SourceResult read_beton(const SourceRequest& request, const SampleSink& sink) {
  NumberedLabels labels(request.options.classes);
  std::int64_t skipped = 0;
  std::vector<Shard> files = find_shards(request.from, named_like_beton, skipped);
  if (files.empty()) fail(ErrorKind::data, "{}: holds no .beton or .ffcv files", request.from.string());
  for (const Shard& each : choose_shards(std::move(files), request, skipped))
    read_samples(each, labels, sink);
  return labels.finish(skipped);
}

}  // namespace smlp
