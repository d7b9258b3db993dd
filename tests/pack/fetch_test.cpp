// Downloads from servers on loopback ports that behave in every way but well. The official pages are not
// asked.
#include "smlp/pack/fetch.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <set>

#include "smlp/core/files.hpp"
#include "smlp/core/hash.hpp"
#include "smlp/core/part_file.hpp"
#include "smlp/core/signals.hpp"
#include "support/errors.hpp"
#include "support/http_server.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_identity.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::honest_reply;
using testing::HttpReply;
using testing::HttpRequest;
using testing::HttpServer;
using testing::TempDir;
using testing::TlsIdentity;
using testing::write_plainly;

class Fetch : public ::testing::Test {
 protected:
  Fetch() {
    for (const char* name : environment) ::unsetenv(name);
    ::setenv("NO_PROXY", "127.0.0.1", 1);
    for (std::size_t i = 0; i < 1'000'000; ++i) content_ += static_cast<char>(i * i >> 7);
    write_plainly(folder_ / "content", content_);
    file_ = {
        RemoteFile::Kind::data_set,  "toy", "https://127.0.0.1:1/toy.tar.gz", "toy.tar.gz", content_.size(),
        md5_hex(folder_ / "content")};
    fs::create_directory(to());
  }
  ~Fetch() override {
    for (const char* name : environment) ::unsetenv(name);
  }

  fs::path to() const { return folder_ / "to"; }
  fs::path target() const { return to() / file_.file; }
  fs::path part() const { return to() / (file_.file + ".part"); }
  std::string half() const { return content_.substr(0, content_.size() / 2); }

  FetchReport fetch_from(const std::string& mirror) const {
    FetchOptions options;
    options.to = to();
    options.mirror = mirror;
    options.pauses.assign(3, std::chrono::milliseconds(0));
    return fetch(file_, options);
  }
  std::string refusal(ErrorKind kind, const std::string& mirror) const {
    return error_of(kind, [&] { fetch_from(mirror); });
  }
  void expect_fetched(const HttpServer& server) const {
    EXPECT_EQ(fetch_from(server.url()).path, target());
    EXPECT_TRUE(read_file(target(), 1 << 22) == content_);
    EXPECT_FALSE(fs::exists(part()));
  }
  void forget_what_is_known() { file_.bytes = 0, file_.md5.clear(); }
  static void expect_says(const std::string& message, const std::string& what) {
    EXPECT_NE(message.find(what), std::string::npos) << message;
  }
  // Where each request began.
  static std::vector<std::size_t> starts(const HttpServer& server) {
    std::vector<std::size_t> from;
    for (const HttpRequest& request : server.requests()) from.push_back(request.from.value_or(0));
    return from;
  }
  using Starts = std::vector<std::size_t>;

  static constexpr const char* environment[] = {"NO_PROXY",      "no_proxy",      "https_proxy",
                                                "HTTPS_PROXY",   "SSL_CERT_FILE", "SSL_CERT_DIR",
                                                "CURL_CA_BUNDLE"};
  TempDir folder_;
  std::string content_;
  RemoteFile file_;
};

TEST_F(Fetch, TheTableNamesWhatPackReadsByHttpsWithSizeAndMd5) {
  std::set<std::string> sets, places;
  for (const RemoteFile& file : remote_files()) {
    EXPECT_TRUE(file.url.starts_with("https://")) << file.url;
    EXPECT_TRUE(places.insert(file.url).second) << "two names of one file: " << file.url;
    EXPECT_EQ(&find_remote_file(file.name), &file);
    if (file.kind == RemoteFile::Kind::weights) continue;
    sets.insert(file.name);
    EXPECT_TRUE(file.url.ends_with("/" + file.file)) << file.url;
    EXPECT_EQ(file.md5.size(), 32u);
    EXPECT_EQ(file.md5.find_first_not_of("0123456789abcdef"), std::string::npos) << file.md5;
    EXPECT_GT(file.bytes, 100'000'000u);
  }
  EXPECT_EQ(sets, (std::set<std::string>{"cifar10", "cifar100", "stl10", "tiny-imagenet"}));
  EXPECT_EQ(places.size(), sets.size() + 15);
  EXPECT_EQ(find_remote_file("CIFAR10").name, "cifar10");
  expect_says(error_of(ErrorKind::usage, [] { find_remote_file("cifar-10"); }), "did you mean 'cifar10'?");
}

TEST_F(Fetch, DownloadsIntoAFolderItMakesAndReportsProgress) {
  const HttpServer server([&](const HttpRequest& request, int) { return honest_reply(request, content_); });
  FetchOptions options;
  options.to = to() / "a/b";
  options.mirror = server.url() + "mirror";  // no slash at the end
  std::uint64_t last = 0;
  options.progress = [&](std::uint64_t bytes, std::uint64_t total) {
    EXPECT_GT(bytes, last);
    EXPECT_EQ(total, content_.size());
    last = bytes;
  };
  const FetchReport report = fetch(file_, options);
  EXPECT_FALSE(report.was_there);
  EXPECT_TRUE(read_file(report.path, 1 << 22) == content_);
  EXPECT_EQ(last, content_.size());
  EXPECT_EQ(server.requests().at(0).path, "/mirror/toy.tar.gz");
  EXPECT_EQ(std::distance(fs::directory_iterator(options.to), fs::directory_iterator{}), 1);
}

TEST_F(Fetch, AsksNobodyWhenTheFileIsThereAndLeavesAnotherFileAlone) {
  const HttpServer server([&](const HttpRequest& request, int) { return honest_reply(request, content_); });
  write_plainly(target(), content_);
  EXPECT_TRUE(fetch_from(server.url()).was_there);
  for (const std::string& other : {std::string("short"), std::string(content_.size(), 'x')}) {
    write_plainly(target(), other);
    expect_says(refusal(ErrorKind::data, server.url()), "remove it");
    EXPECT_EQ(read_file(target(), 1 << 22), other);
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Fetch, GoesOnFromAnEarlierPart) {
  const HttpServer server([&](const HttpRequest& request, int) { return honest_reply(request, content_); });
  write_plainly(part(), half());
  expect_fetched(server);
  EXPECT_EQ(starts(server), (Starts{500'000}));
}

TEST_F(Fetch, ACompletePartNeedsNoServerAndALongerOneIsStartedAnew) {
  const HttpServer server([&](const HttpRequest& request, int) { return honest_reply(request, content_); });
  write_plainly(part(), content_);
  expect_fetched(server);
  EXPECT_TRUE(server.requests().empty());
  fs::remove(target());
  write_plainly(part(), content_ + "x");
  expect_fetched(server);
  EXPECT_EQ(starts(server), (Starts{0}));
}

TEST_F(Fetch, TruncatedAnswersAreContinuedAsLongAsSomethingComes) {
  const HttpServer server([&](const HttpRequest& request, int) {
    HttpReply reply = honest_reply(request, content_);
    reply.length = reply.body.size();
    reply.body.resize(std::min<std::size_t>(reply.body.size(), 100'000));
    return reply;
  });
  expect_fetched(server);  // in ten pieces, though only three attempts in vain are allowed
  EXPECT_EQ(starts(server).size(), 10u);
  EXPECT_EQ(starts(server).back(), 900'000u);
}

TEST_F(Fetch, AnswersWithoutALengthAreContinuedToo) {
  const HttpServer server([&](const HttpRequest& request, int number) {
    HttpReply reply = honest_reply(request, content_);
    reply.declare_length = false;
    if (number == 0) reply.body = half();
    return reply;
  });
  expect_fetched(server);
  EXPECT_EQ(starts(server), (Starts{0, 500'000}));
}

TEST_F(Fetch, ResetConnectionsAreContinued) {
  const HttpServer server([&](const HttpRequest& request, int number) {
    HttpReply reply = honest_reply(request, content_);
    if (number == 2) return reply;
    reply.length = reply.body.size();
    reply.body.resize(number == 0 ? 0 : 10'000);
    reply.reset = true;
    return reply;
  });
  expect_fetched(server);
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST_F(Fetch, AServerInTroubleIsAskedAgainButNotForEver) {
  const HttpServer recovers([&](const HttpRequest& request, int number) {
    const int statuses[] = {500, 429, 503};
    if (number < 3) return HttpReply{statuses[number], {}, "<html>trouble</html>", {}, true, false};
    return honest_reply(request, content_);
  });
  write_plainly(part(), half());
  expect_fetched(recovers);
  EXPECT_EQ(starts(recovers), (Starts{500'000, 500'000, 500'000, 500'000}));

  fs::remove(target());
  write_plainly(part(), half());
  const HttpServer stays([](const HttpRequest&, int) { return HttpReply{500, {}, "no", {}, true, false}; });
  const std::string message = refusal(ErrorKind::failed, stays.url());
  expect_says(message, "answered 500");
  expect_says(message, "500000 of 1000000 bytes; the same command goes on");
  EXPECT_EQ(stays.requests().size(), 4u);
  EXPECT_EQ(read_file(part(), 1 << 22), half());
}

TEST_F(Fetch, AMissingFileIsAskedForOnce) {
  const HttpServer server([](const HttpRequest&, int) { return HttpReply{404, {}, "no", {}, true, false}; });
  const std::string message = refusal(ErrorKind::failed, server.url());
  expect_says(message, server.url() + "toy.tar.gz: the server answered 404");
  expect_says(message, "md5sum says " + file_.md5);
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_TRUE(fs::is_empty(to()));
}

HttpReply redirect_to(const std::string& where) {
  return {302, {"Location: " + where}, "moved", {}, true, false};
}

TEST_F(Fetch, RedirectsAreFollowedAndTheRangeIsAskedOfTheLast) {
  const HttpServer server([&](const HttpRequest& request, int number) {
    if (number == 0) return redirect_to("/relative/");
    if (number == 1) return redirect_to(server.url() + "absolute");
    return honest_reply(request, content_);
  });
  write_plainly(part(), half());
  expect_fetched(server);
  EXPECT_EQ(server.requests().back().path, "/absolute");
  EXPECT_EQ(server.requests().back().from, 500'000u);
}

TEST_F(Fetch, RedirectsInALoopAndToOtherSchemesAreNotFollowed) {
  const HttpServer loop([](const HttpRequest&, int) { return redirect_to("/again"); });
  expect_says(refusal(ErrorKind::failed, loop.url()), "more than 10 redirects");
  EXPECT_EQ(loop.requests().size(), 11u);
  for (const std::string where : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x"}) {
    const HttpServer server([&](const HttpRequest&, int) { return redirect_to(where); });
    expect_says(refusal(ErrorKind::failed, server.url()),
                "redirects to " + where + ", which is not followed");
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST_F(Fetch, ALengthThatIsNotTheFilesIsRefusedBeforeAByteIsWritten) {
  for (const std::size_t length : {content_.size() + 1, content_.size() - 1, std::size_t{0}}) {
    const HttpServer server([&](const HttpRequest& request, int) {
      HttpReply reply = honest_reply(request, content_);
      reply.length = length;
      return reply;
    });
    const std::string message = refusal(ErrorKind::data, server.url());
    expect_says(message, fmt::format("offers {} bytes, 1000000 bytes are expected", length));
    EXPECT_EQ(server.requests().size(), 1u);
    EXPECT_TRUE(fs::is_empty(to()));
  }
}

TEST_F(Fetch, MoreThanTheDeclaredLengthIsNotRead) {
  const HttpServer server([&](const HttpRequest& request, int) {
    HttpReply reply = honest_reply(request, content_);
    reply.length = reply.body.size();
    reply.body += "more";
    return reply;
  });
  expect_fetched(server);
}

TEST_F(Fetch, MoreThanTheExpectedSizeIsNeverWritten) {
  const HttpServer server(
      [&](const HttpRequest&, int) { return HttpReply{200, {}, content_ + content_, {}, false, false}; });
  FetchOptions options;
  options.to = to();
  options.mirror = server.url();
  options.progress = [&](std::uint64_t bytes, std::uint64_t) { EXPECT_LE(bytes, content_.size()); };
  expect_says(error_of(ErrorKind::data, [&] { fetch(file_, options); }), "offers more bytes");
  EXPECT_TRUE(fs::is_empty(to()));
}

TEST_F(Fetch, AServerThatIgnoresTheRangeSendsTheWholeAgain) {
  const HttpServer server(
      [&](const HttpRequest&, int) { return HttpReply{200, {}, content_, {}, true, false}; });
  write_plainly(part(), half());
  expect_fetched(server);
  EXPECT_EQ(starts(server), (Starts{500'000}));
}

TEST_F(Fetch, AServerThatIgnoresTheRangeAndAlwaysStopsEarlyIsLeft) {
  const HttpServer server(
      [&](const HttpRequest&, int) { return HttpReply{200, {}, half(), content_.size(), true, false}; });
  expect_says(refusal(ErrorKind::failed, server.url()), "500000 of 1000000 bytes; the same command goes on");
  EXPECT_EQ(server.requests().size(), 4u);  // one brought something, three did not
}

TEST_F(Fetch, ARangeThatCannotBeSatisfiedStartsAnew) {
  const HttpServer server([&](const HttpRequest& request, int) {
    return request.from ? HttpReply{416, {"Content-Range: bytes */10"}, "", {}, true, false}
                        : honest_reply(request, content_);
  });
  write_plainly(part(), half());
  expect_fetched(server);
  EXPECT_EQ(starts(server), (Starts{500'000, 0}));
}

TEST_F(Fetch, AnotherRangeThanTheOneAskedForIsRefused) {
  for (const std::string range : {"bytes 0-999999/1000000", "bytes 500001-999999/1000000", "bytes=500000",
                                  "bytes 500000-999999/x", "bytes 99999999999999999999-1/1000000", ""}) {
    const HttpServer server([&](const HttpRequest&, int) {
      return HttpReply{206, {"Content-Range: " + range}, half(), {}, true, false};
    });
    write_plainly(part(), half());
    expect_says(refusal(ErrorKind::failed, server.url()), "another range");
    EXPECT_EQ(read_file(part(), 1 << 22), half());
  }
}

TEST_F(Fetch, AFileThatChangesBetweenAttemptsIsNoticed) {
  std::string changed;
  const HttpServer server([&](const HttpRequest& request, int number) {
    HttpReply reply = honest_reply(request, number == 0 ? content_ : changed);
    if (number > 0) return reply;
    reply.length = reply.body.size();
    reply.body = half();
    return reply;
  });
  changed = content_ + "longer";
  expect_says(refusal(ErrorKind::data, server.url()), "offers 1000006 bytes");
  EXPECT_EQ(read_file(part(), 1 << 22), half());

  changed = std::string(content_.size(), 'x');
  const std::string message = refusal(ErrorKind::data, server.url());
  expect_says(message, file_.md5 + " is expected");
  expect_says(message, "deleted");
  EXPECT_TRUE(fs::is_empty(to()));
}

TEST_F(Fetch, OfflineSaysWhatWasTriedAndWhatToDo) {
  HttpServer server([](const HttpRequest&, int) { return HttpReply{}; });
  server.stop();
  const std::string message = refusal(ErrorKind::failed, server.url());
  for (const std::string& what : {"cannot download " + server.url() + "toy.tar.gz", std::string("refused"),
                                  std::string("The same command tries again"), target().string(), file_.md5})
    expect_says(message, what);
  EXPECT_TRUE(fs::is_empty(to()));
}

TEST_F(Fetch, AnythingButHttpIsRefused) {
  expect_says(refusal(ErrorKind::usage, "file:///tmp"), "is no mirror");
  expect_says(refusal(ErrorKind::usage, "toys.example"), "is no mirror");
}

TEST_F(Fetch, CertificatesAreVerifiedAndSslCertFileNamesThem) {
  const TlsIdentity identity;
  const HttpServer server([&](const HttpRequest& request, int) { return honest_reply(request, content_); },
                          identity.context());
  expect_says(refusal(ErrorKind::failed, server.url()), "certificate");
  EXPECT_TRUE(server.requests().empty());
  identity.write_certificate(folder_ / "trusted.pem");
  ::setenv("SSL_CERT_FILE", (folder_ / "trusted.pem").c_str(), 1);
  expect_fetched(server);
}

TEST_F(Fetch, RedirectsNeverLeadFromHttpsToHttp) {
  const TlsIdentity identity;
  identity.write_certificate(folder_ / "trusted.pem");
  ::setenv("SSL_CERT_FILE", (folder_ / "trusted.pem").c_str(), 1);
  std::string where;
  const HttpServer secure([&](const HttpRequest&, int) { return redirect_to(where); }, identity.context());
  const HttpServer plain([&](const HttpRequest& request, int number) {
    return number == 0 ? redirect_to(secure.url()) : honest_reply(request, content_);
  });
  where = plain.url() + "toy";
  expect_says(refusal(ErrorKind::failed, plain.url()), "redirects to " + where + ", which is not followed");
  EXPECT_EQ(plain.requests().size(), 1u);
  EXPECT_EQ(secure.requests().size(), 1u);
}

TEST_F(Fetch, AProxyThatRefusesIsAskedOnce) {
  const HttpServer proxy([](const HttpRequest&, int) { return HttpReply{403, {}, "", {}, true, false}; });
  ::setenv("https_proxy", proxy.url().c_str(), 1);
  expect_says(refusal(ErrorKind::failed, "https://toys.example"), "403");
  EXPECT_EQ(proxy.requests().size(), 1u);
  EXPECT_EQ(proxy.requests().at(0).method, "CONNECT");
}

TEST_F(Fetch, AStopSignalKeepsThePart) {
  const HttpServer server([&](const HttpRequest& request, int) { return honest_reply(request, content_); });
  EXPECT_EXIT(
      {
        catch_stop_signals();
        FetchOptions options;
        options.to = to();
        options.mirror = server.url();
        options.progress = [](std::uint64_t, std::uint64_t) { raise(SIGTERM); };
        try {
          fetch(file_, options);
        } catch (const Interrupted&) {
          std::_Exit(128 + stop_signal());
        }
        std::_Exit(1);
      },
      ::testing::ExitedWithCode(128 + SIGTERM), "");
  EXPECT_GT(fs::file_size(part()), 0u);
  EXPECT_FALSE(fs::exists(target()));
  expect_fetched(server);
  EXPECT_GT(starts(server).at(1), 0u);
}

TEST_F(Fetch, WhereNoSumIsPublishedTheFirstDownloadsIsKept) {
  const std::string md5 = file_.md5, sum = "toy.tar.gz.md5";
  forget_what_is_known();
  const HttpServer server([&](const HttpRequest& request, int number) {
    HttpReply reply = honest_reply(request, content_);
    reply.length = reply.body.size();
    if (number == 0) reply.body = half();
    return reply;
  });
  const FetchReport first = fetch_from(server.url());
  EXPECT_TRUE(first.first && first.md5 == md5);
  EXPECT_TRUE(read_file(target(), 1 << 22) == content_);
  EXPECT_EQ(read_file(to() / sum, 1000), md5 + "  toy.tar.gz\n");
  EXPECT_EQ(starts(server), (Starts{0, 500'000}));
  EXPECT_TRUE(fetch_from(server.url()).was_there);

  fs::remove(target());
  write_plainly(part(), content_);  // killed before the file got its name
  EXPECT_FALSE(fetch_from(server.url()).first);
  EXPECT_EQ(server.requests().size(), 2u);
  write_plainly(target(), "short");
  expect_says(refusal(ErrorKind::data, server.url()), "MD5 " + md5);
  fs::remove(target());
  content_[0] = 'x';
  expect_says(refusal(ErrorKind::data, server.url()), md5 + " is expected");
  EXPECT_FALSE(fs::exists(target()));
  write_plainly(to() / sum, "no sum");
  expect_says(refusal(ErrorKind::data, server.url()), "holds no MD5");
  fs::remove(to() / sum);
  write_plainly(target(), "mine");
  expect_says(refusal(ErrorKind::data, server.url()), "nothing says that it is the file");
}

TEST_F(Fetch, AWebPageInTheFilesPlaceIsRefused) {
  forget_what_is_known();
  const HttpServer server([](const HttpRequest&, int) {
    return HttpReply{200, {"Content-Type: text/html; charset=utf-8"}, "<html>too often", {}, true, false};
  });
  expect_says(refusal(ErrorKind::data, server.url()), "offers a web page, a file is expected");
  EXPECT_TRUE(fs::is_empty(to()));
}

TEST_F(Fetch, TwoDownloadsNeverWriteOnePart) {
  const HttpServer server([&](const HttpRequest& request, int) { return honest_reply(request, content_); });
  const PartFile other(target());
  expect_says(refusal(ErrorKind::failed, server.url()), "being written by another process");
}

}  // namespace
}  // namespace smlp
