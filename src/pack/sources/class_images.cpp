#include "smlp/pack/sources/class_images.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/hash.hpp"

namespace smlp {
namespace {

constexpr std::size_t held_limit = std::size_t{1} << 30;

}  // namespace

ClassImages::ClassImages(std::string name, const SourceRequest& request, const SampleSink& sink,
                         NamedLabels& labels)
    : name_(std::move(name)), request_(request), sink_(sink), labels_(labels) {}

void ClassImages::add(RawSample&& sample) {
  ++count_;
  hold_back(sample.encoded.size());
  if (count_ <= request_.options.min_images - 1) {
    early_.push_back(std::move(sample));
    return;
  }
  release_early();
  choose(std::move(sample));
}

bool ClassImages::finish() {
  if (count_ < std::max<std::int64_t>(1, request_.options.min_images)) return false;
  release_early();
  if (count_ <= request_.options.holdout)
    fail(ErrorKind::data,
         "class {} has {} images, of which --holdout {} would leave none to train on; lower "
         "it, or leave such classes out",
         name_, count_, request_.options.holdout);
  for (auto& [rank, sample] : aside_) give("test", std::move(sample));
  return true;
}

void ClassImages::hold_back(std::size_t bytes) {
  if (request_.options.min_images <= 1 && request_.options.holdout == 0) return;
  held_ += bytes;
  if (held_ > held_limit)
    fail(ErrorKind::data, "class {}: over 1 GiB of images held back by --min-images and --holdout", name_);
}

void ClassImages::release_early() {
  for (RawSample& each : std::exchange(early_, {})) choose(std::move(each));
}

void ClassImages::choose(RawSample&& sample) {
  if (request_.options.holdout > 0) {
    std::string rank = xxh3_hex(std::as_bytes(std::span(sample.name))) + sample.name;
    aside_.emplace(std::move(rank), std::move(sample));
    if (std::ssize(aside_) <= request_.options.holdout) return;
    sample = std::move(aside_.extract(std::prev(aside_.end())).mapped());
  }
  give("train", std::move(sample));
}

void ClassImages::give(const std::string& split, RawSample&& sample) {
  held_ -= std::min(held_, sample.encoded.size());
  if (!request_.wants(split)) return;
  labels_.add(split, name_);
  sample.split = split;
  sink_(std::move(sample));
}

}  // namespace smlp
