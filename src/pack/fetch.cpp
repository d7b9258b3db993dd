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

constexpr int most_redirects = 10;
constexpr std::uint64_t most_bytes = std::uint64_t{8} << 30;  // of a file whose size nobody says

std::string url_of(const RemoteFile& file, const FetchOptions& options) {
  if (options.mirror.empty()) return file.url;
  std::string base = options.mirror;
  if (!base.starts_with("https://") && !base.starts_with("http://"))
    fail(ErrorKind::usage, "\"{}\" is no mirror: a folder's URL is wanted, https://… or http://…",
         printable(base));
  if (!base.ends_with('/')) base += '/';
  return base + file.file;
}

fs::path sum_file(const fs::path& target) {
  return target.string() + ".md5";
}

bool may_redirect(const std::string& from, const std::string& to) {
  return to.starts_with("https://") || (to.starts_with("http://") && from.starts_with("http://"));
}

void check_stop() {
  if (stop_signal() != 0) throw Interrupted("stopped; the same command goes on from here");
}

class Download : HttpSink {
 public:
  Download(const RemoteFile& file, const FetchOptions& options, const fs::path& target)
      : file_(file), options_(options), target_(target), url_(url_of(file, options)), part_(target) {
    if (file.bytes > 0) bytes_ = file.bytes;
  }

  std::string run();  // the file's MD5

 private:
  void start(const HttpResponse& response) override;
  void write(std::string_view bytes) override;

  void begin_with_part();
  bool complete() const { return whole_ || (bytes_ && part_.size() == *bytes_); }
  std::string done_text() const {
    return bytes_ ? fmt::format("{} of {} bytes", part_.size(), *bytes_)
                  : fmt::format("{} bytes", part_.size());
  }
  std::string attempt();
  HttpResult get();
  void pause(std::chrono::milliseconds length, const std::string& trouble);
  std::string check_sum();
  std::string in_other_ways() const;
  [[noreturn]] void give_up(const std::string& reason);
  [[noreturn]] void not_the_file(const std::string& found);

  const RemoteFile& file_;
  const FetchOptions& options_;
  const fs::path target_;
  const std::string url_;
  PartFile part_;
  std::optional<std::uint64_t> bytes_;  // of the file; unknown until the server says it
  bool whole_ = false;                  // of a file of no known size: the server has sent all of it
  std::uint64_t skip_ = 0;              // bytes of the answer that are in the part already
  std::uint64_t furthest_ = 0;          // the largest size of the part
  bool reached_ = false;                // the server has sent something
};

std::string Download::run() {
  begin_with_part();
  for (std::size_t vain = 0; !complete();) {
    const std::uint64_t before = furthest_;
    const std::string trouble = attempt();
    if (complete()) break;
    if (furthest_ > before) vain = 0;
    if (vain == options_.pauses.size()) give_up(trouble);
    pause(options_.pauses[vain++], trouble);
  }
  std::string md5 = check_sum();
  part_.commit();
  return md5;
}

void Download::begin_with_part() {
  if (bytes_ && part_.size() > *bytes_) {
    log().warn("{} has {} bytes, {} are expected: starting anew", part_.path().string(), part_.size(),
               *bytes_);
    part_.clear();
  }
  furthest_ = part_.size();
  whole_ = part_.size() > 0 && !bytes_ && !file_.md5.empty() && md5_hex(part_.path()) == file_.md5;
  if (part_.size() > 0) log().info("going on with {}: {}", part_.path().string(), done_text());
}

// What kept it from going on, when trying again may help.
std::string Download::attempt() {
  check_stop();
  const HttpResult result = get();
  const int status = result.response.status;
  const bool worth_trying = result.end == HttpEnd::broken || (result.end == HttpEnd::unreachable && reached_);
  if (worth_trying) return result.reason;
  if (result.end != HttpEnd::complete) give_up(result.reason);
  whole_ = !bytes_ && (status == 200 || status == 206) && skip_ == 0;
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
  if (!bytes_ && response.type.starts_with("text/html")) not_the_file("a web page");
  if (bytes_ && total && *total != *bytes_) not_the_file(fmt::format("{} bytes", *total));
  if (total) bytes_ = total;
}

void Download::write(std::string_view bytes) {
  reached_ = true;
  const auto skipped = std::min<std::uint64_t>(skip_, bytes.size());
  skip_ -= skipped;
  bytes.remove_prefix(skipped);
  if (bytes.size() > bytes_.value_or(most_bytes) - part_.size()) {
    part_.clear();
    not_the_file("more bytes");
  }
  part_.write(bytes.data(), bytes.size());
  furthest_ = std::max(furthest_, part_.size());
  if (options_.progress) options_.progress(part_.size(), bytes_.value_or(0));
  check_stop();
}

void Download::pause(std::chrono::milliseconds length, const std::string& trouble) {
  constexpr std::chrono::milliseconds step{50};
  log().warn("{}: {}; trying again in {:.0f} s after {}", url_, trouble,
             static_cast<double>(length.count()) / 1000, done_text());
  for (; length.count() > 0 && stop_signal() == 0; length -= step)
    std::this_thread::sleep_for(std::min(length, step));
}

// Where no sum is published, the first one is written down beside the file, for later downloads.
std::string Download::check_sum() {
  std::string found = md5_hex(part_.path());
  if (file_.md5.empty())
    write_file_atomically(sum_file(target_), fmt::format("{}  {}\n", found, target_.filename().string()));
  if (file_.md5.empty() || found == file_.md5) return found;
  part_.clear();
  fail(ErrorKind::data,
       "what came from {} has MD5 {}, {} is expected: it was damaged on the way, or another file is offered. "
       "It "
       "was deleted; the same command starts anew{}",
       url_, found, file_.md5, in_other_ways());
}

std::string Download::in_other_ways() const {
  return fmt::format(".\nOr --from URL names a mirror; or download it by other means to {}, and {}",
                     target_.string(),
                     file_.md5.empty() ? fmt::format("write its md5sum to {}", sum_file(target_).string())
                                       : fmt::format("check that md5sum says {}", file_.md5));
}

void Download::give_up(const std::string& reason) {
  const std::string kept = part_.size() == 0 ? std::string("The same command tries again")
                                             : fmt::format("{} has {}; the same command goes on from there",
                                                           part_.path().string(), done_text());
  fail(ErrorKind::failed, "cannot download {}: {}. {}{}", url_, reason, kept, in_other_ways());
}

void Download::not_the_file(const std::string& found) {
  fail(ErrorKind::data,
       "{} offers {}, {} expected: another file, or the page of a proxy, or of a server that was asked too "
       "often{}",
       url_, found, bytes_ ? fmt::format("{} bytes are", *bytes_) : "a file is", in_other_ways());
}

// With the sum that an earlier download wrote down, where none is published.
RemoteFile pinned(RemoteFile file, const fs::path& target) {
  constexpr std::size_t digits = 32, longest = 4096;
  const fs::path sum = sum_file(target);
  std::error_code ignored;
  if (!file.md5.empty() || !fs::exists(sum, ignored)) return file;
  file.md5 = read_file(sum, longest).substr(0, digits);
  if (file.md5.size() < digits || file.md5.find_first_not_of("0123456789abcdef") != std::string::npos)
    fail(ErrorKind::data, "{}: it holds no MD5 as md5sum writes them; remove it to take what comes next",
         sum.string());
  return file;
}

// True when the file is there; one that is not the expected file is refused, for it may be someone's.
bool already_there(const fs::path& target, const RemoteFile& file) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(target, ignored))) return false;
  if (file.md5.empty())
    fail(ErrorKind::data,
         "{} is there, and nothing says that it is the file: remove it to download that, or keep it with "
         "`md5sum {} > {}`",
         target.string(), target.string(), sum_file(target).string());
  const bool as_large = file.bytes == 0 || fs::file_size(target, ignored) == file.bytes;
  if (fs::is_regular_file(target, ignored) && as_large && md5_hex(target) == file.md5) return true;
  if (file.bytes == 0)
    fail(ErrorKind::data, "{} is there, but is not the file with MD5 {} of {}: remove it to download that",
         target.string(), file.md5, sum_file(target).string());
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

FetchReport fetch(const RemoteFile& file, const FetchOptions& options) {
  const fs::path target = options.to / file.file;
  const RemoteFile expected = pinned(file, target);
  FetchReport report{.path = target, .md5 = expected.md5};
  report.was_there = already_there(target, expected);
  if (report.was_there) return report;
  make_folder(options.to);
  report.md5 = Download(expected, options, target).run();
  report.first = expected.md5.empty();
  return report;
}

}  // namespace smlp
