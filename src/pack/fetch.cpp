#include "smlp/pack/fetch.hpp"

#include <algorithm>
#include <system_error>
#include <thread>

#include "pack/http.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/hash.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/part_file.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

// MD5: CIFAR's are published on www.cs.toronto.edu/~kriz/cifar.html; Stanford's pages publish none, these are
// torchvision's (STL-10) and Avalanche's (Tiny-ImageNet). Sizes: public logs'
// (docs/dependencies.md).
const RemoteFile files[] = {
    {"cifar10", "https://www.cs.toronto.edu/~kriz/", "cifar-10-binary.tar.gz", 170'052'171,
     "c32a1d4ab5d03f1284b67883e8d87530"},
    {"cifar100", "https://www.cs.toronto.edu/~kriz/", "cifar-100-binary.tar.gz", 168'513'733,
     "03b5dce01913d631647c71ecec9e9cb8"},
    {"stl10", "https://cs.stanford.edu/~acoates/stl10/", "stl10_binary.tar.gz", 2'640'397'119,
     "91f7769df0f17e558f3565bffb0c7dfb"},
    {"tiny-imagenet", "https://cs231n.stanford.edu/", "tiny-imagenet-200.zip", 248'100'043,
     "90528d7ca1a48142e341f4ef8d21d0de"},
};

constexpr int most_redirects = 10;

std::string url_of(const RemoteFile& file, const FetchOptions& options) {
  std::string base = options.mirror.empty() ? file.url : options.mirror;
  if (!base.starts_with("https://") && !base.starts_with("http://"))
    fail(ErrorKind::usage, "\"{}\" is no mirror: a folder's URL is wanted, https://… or http://…",
         printable(base));
  if (!base.ends_with('/')) base += '/';
  return base + file.file;
}

bool may_redirect(const std::string& from, const std::string& to) {
  return to.starts_with("https://") || (to.starts_with("http://") && from.starts_with("http://"));
}

void check_stop() {
  if (stop_signal() != 0) fail(ErrorKind::failed, "stopped by signal {}", stop_signal());
}

class Download : HttpSink {
 public:
  Download(const RemoteFile& file, const FetchOptions& options, const fs::path& target)
      : file_(file), options_(options), target_(target), url_(url_of(file, options)), part_(target) {}

  void run();

 private:
  void start(const HttpResponse& response) override;
  void write(std::string_view bytes) override;

  void begin_with_part();
  std::string attempt();
  HttpResult get();
  void pause(std::chrono::milliseconds length, const std::string& trouble);
  void check_sum();
  std::string in_other_ways() const;
  [[noreturn]] void give_up(const std::string& reason);
  [[noreturn]] void not_the_file(const std::string& found);

  const RemoteFile& file_;
  const FetchOptions& options_;
  const fs::path target_;
  const std::string url_;
  PartFile part_;
  std::uint64_t skip_ = 0;      // bytes of the answer that are in the part already
  std::uint64_t furthest_ = 0;  // the largest size of the part
  bool reached_ = false;        // the server has sent something
};

void Download::run() {
  begin_with_part();
  for (std::size_t vain = 0; part_.size() < file_.bytes;) {
    const std::uint64_t before = furthest_;
    const std::string trouble = attempt();
    if (part_.size() == file_.bytes) break;
    if (furthest_ > before) vain = 0;
    if (vain == options_.pauses.size()) give_up(trouble);
    pause(options_.pauses[vain++], trouble);
  }
  check_sum();
  part_.commit();
}

void Download::begin_with_part() {
  if (part_.size() > file_.bytes) {
    log().warn("{} has {} bytes, {} are expected: starting anew", part_.path().string(), part_.size(),
               file_.bytes);
    part_.clear();
  }
  furthest_ = part_.size();
  if (part_.size() > 0)
    log().info("going on with {}: {} of {} bytes", part_.path().string(), part_.size(), file_.bytes);
}

// What kept it from going on, when trying again may help.
std::string Download::attempt() {
  check_stop();
  const HttpResult result = get();
  const int status = result.response.status;
  const bool worth_trying = result.end == HttpEnd::broken || (result.end == HttpEnd::unreachable && reached_);
  if (worth_trying) return result.reason;
  if (result.end != HttpEnd::complete) give_up(result.reason);
  if (status == 200 || status == 206) return "the server sent only a part";
  std::string reason = fmt::format("the server answered {}", status);
  if (status == 416) {  // the part is not of the server's file, or the server is confused
    part_.clear();
    return reason;
  }
  if (status == 408 || status == 429 || status >= 500) return reason;
  give_up(reason);
}

HttpResult Download::get() {
  std::string url = url_;
  for (int hop = 0; hop <= most_redirects; ++hop) {
    HttpResult result = http_get(url, part_.size(), *this);
    const std::string& next = result.response.redirect;
    if (next.empty() || result.end != HttpEnd::complete) return result;
    if (!may_redirect(url, next))
      give_up(fmt::format("{} redirects to {}, which is not followed", printable(url), printable(next)));
    url = next;
  }
  give_up(fmt::format("more than {} redirects", most_redirects));
}

void Download::start(const HttpResponse& response) {
  skip_ = 0;
  std::optional<std::uint64_t> total = response.length;
  if (response.status == 206) {
    if (!response.range || response.range->first != part_.size())
      give_up("the server answered with another range than it was asked for");
    total = response.range->total;
  } else {
    skip_ = part_.size();
  }
  if (total && *total != file_.bytes) not_the_file(fmt::format("{} bytes", *total));
}

void Download::write(std::string_view bytes) {
  reached_ = true;
  const auto skipped = std::min<std::uint64_t>(skip_, bytes.size());
  skip_ -= skipped;
  bytes.remove_prefix(skipped);
  if (bytes.size() > file_.bytes - part_.size()) {
    part_.clear();
    not_the_file("more bytes");
  }
  part_.write(bytes.data(), bytes.size());
  furthest_ = std::max(furthest_, part_.size());
  if (options_.progress) options_.progress(part_.size());
  check_stop();
}

void Download::pause(std::chrono::milliseconds length, const std::string& trouble) {
  constexpr std::chrono::milliseconds step{50};
  log().warn("{}: {}; trying again in {:.0f} s from byte {} of {}", url_, trouble,
             static_cast<double>(length.count()) / 1000, part_.size(), file_.bytes);
  for (; length.count() > 0 && stop_signal() == 0; length -= step)
    std::this_thread::sleep_for(std::min(length, step));
}

void Download::check_sum() {
  const std::string found = md5_hex(part_.path());
  if (found == file_.md5) return;
  part_.clear();
  fail(ErrorKind::data,
       "what came from {} has MD5 {}, {} is expected: it was damaged on the way, or another file is offered. "
       "It "
       "was deleted; the same command starts anew{}",
       url_, found, file_.md5, in_other_ways());
}

std::string Download::in_other_ways() const {
  return fmt::format(
      ".\nOr --from URL names a mirror; or download it by other means to {}, and check that md5sum says {}",
      target_.string(), file_.md5);
}

void Download::give_up(const std::string& reason) {
  const std::string kept = part_.size() == 0
                               ? std::string("The same command tries again")
                               : fmt::format("{} has {} of {} bytes; the same command goes on from there",
                                             part_.path().string(), part_.size(), file_.bytes);
  fail(ErrorKind::failed, "cannot download {}: {}. {}{}", url_, reason, kept, in_other_ways());
}

void Download::not_the_file(const std::string& found) {
  fail(ErrorKind::data,
       "{} offers {}, {} bytes are expected: another file, or the page of a proxy in between{}", url_, found,
       file_.bytes, in_other_ways());
}

// True when the file is there; one that is not the expected file is refused, for it may be someone's.
bool already_there(const fs::path& target, const RemoteFile& file) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(target, ignored))) return false;
  const bool regular = fs::is_regular_file(target, ignored);
  if (regular && fs::file_size(target, ignored) == file.bytes && md5_hex(target) == file.md5) return true;
  fail(ErrorKind::data,
       "{} is there, but is not the file of {} bytes with MD5 {}: remove it to download that",
       target.string(), file.bytes, file.md5);
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    fail(ErrorKind::failed, "cannot make the folder {}: {}", folder.string(), error.message());
}

}  // namespace

std::span<const RemoteFile> remote_files() {
  return files;
}

const RemoteFile& find_remote_file(const std::string& name) {
  std::string names;
  for (const RemoteFile& each : files) {
    if (name == each.name) return each;
    names += (names.empty() ? "" : ", ") + each.name;
  }
  fail(ErrorKind::usage, "\"{}\" cannot be fetched; there are {}", name, names);
}

FetchReport fetch(const RemoteFile& file, const FetchOptions& options) {
  const fs::path target = options.to / file.file;
  if (already_there(target, file)) return {target, true};
  make_folder(options.to);
  Download(file, options, target).run();
  return {target, false};
}

}  // namespace smlp
