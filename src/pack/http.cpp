#include "pack/http.hpp"

#include <curl/curl.h>

#include <charconv>
#include <cstdlib>
#include <exception>
#include <memory>
#include <system_error>

#include "smlp/core/error.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/text.hpp"
#include "smlp/core/version.hpp"

namespace smlp {
namespace {

constexpr std::size_t longest_page = 1 << 20;  // bytes of a body that is only passed over

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

struct Transfer {
  CURL* handle;
  HttpSink& sink;
  HttpResponse response;
  bool started = false;
  std::size_t passed_over = 0;
  std::exception_ptr thrown;
};

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  if (const CURLcode code = curl_easy_setopt(handle, option, value); code != CURLE_OK)
    fail(ErrorKind::failed, "libcurl refuses an option: {}", curl_easy_strerror(code));
}

// Without CURLOPT_NOSIGNAL, for then libcurl keeps SIGPIPE away while OpenSSL writes.
Handle make_handle() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  Handle handle(once == CURLE_OK ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (handle == nullptr) fail(ErrorKind::failed, "libcurl could not be started");
  return handle;
}

// libcurl itself reads only the proxies' variables.
void name_certificates(CURL* handle) {
  const auto take = [&](CURLoption option, const char* variable) {
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0')
      set(handle, option, value);
  };
  take(CURLOPT_CAPATH, "SSL_CERT_DIR");
  take(CURLOPT_CAINFO, "SSL_CERT_FILE");
  take(CURLOPT_CAINFO, "CURL_CA_BUNDLE");
}

// "bytes 100-199/200", or with * for an unknown total.
std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view unit = "bytes ";
  const std::size_t slash = text.find('/');
  if (!text.starts_with(unit) || slash == std::string_view::npos) return std::nullopt;
  ContentRange range;
  const char* const first = text.data() + unit.size();
  const auto [after, error] = std::from_chars(first, text.data() + slash, range.first);
  if (error != std::errc{} || *after != '-') return std::nullopt;
  const std::string_view total = text.substr(slash + 1);
  if (total == "*") return range;
  std::uint64_t bytes = 0;
  const auto [end, total_error] = std::from_chars(total.data(), total.data() + total.size(), bytes);
  if (total_error != std::errc{} || end != total.data() + total.size()) return std::nullopt;
  range.total = bytes;
  return range;
}

HttpResponse read_response(CURL* handle) {
  HttpResponse response;
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  curl_off_t length = -1;
  curl_easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length >= 0) response.length = static_cast<std::uint64_t>(length);
  curl_header* header = nullptr;
  if (curl_easy_header(handle, "Content-Range", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
    response.range = parse_content_range(header->value);
  char* type = nullptr;
  curl_easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &type);
  if (type != nullptr) response.type = type;
  char* redirect = nullptr;
  curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &redirect);
  if (redirect != nullptr) response.redirect = redirect;
  return response;
}

void start(Transfer& transfer) {
  if (transfer.started) return;
  transfer.started = true;
  transfer.response = read_response(transfer.handle);
  if (transfer.response.status == 200 || transfer.response.status == 206)
    transfer.sink.start(transfer.response);
}

std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  try {
    start(transfer);
    if (transfer.response.status == 200 || transfer.response.status == 206)
      transfer.sink.write({bytes, count});
    else if ((transfer.passed_over += count) > longest_page)
      fail(ErrorKind::failed, "the server answered {} with an endless page", transfer.response.status);
  } catch (...) {
    transfer.thrown = std::current_exception();
    return 0;
  }
  return count;
}

int poll_stop(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return stop_signal();
}

HttpEnd end_of(CURL* handle, CURLcode code) {
  long proxy_answer = 0;
  curl_easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &proxy_answer);
  if (code != CURLE_OK && proxy_answer >= 400) return HttpEnd::other;
  switch (code) {
    case CURLE_OK:
      return HttpEnd::complete;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
      return HttpEnd::unreachable;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return HttpEnd::broken;
    default:
      return HttpEnd::other;
  }
}

std::string reason_of(CURL* handle, CURLcode code, const char* details) {
  std::string reason = printable(*details != '\0' ? details : curl_easy_strerror(code));
  long system_code = 0;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &system_code);
  if (code == CURLE_COULDNT_CONNECT && system_code != 0)
    reason += ": " + std::generic_category().message(static_cast<int>(system_code));
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
    reason +=
        " (Debian's trusted certificates are in the package ca-certificates; SSL_CERT_FILE names others)";
  return reason;
}

}  // namespace

HttpResult http_get(const std::string& url, std::uint64_t first_byte, HttpSink& sink) {
  const Handle handle = make_handle();
  Transfer transfer{handle.get(), sink, {}, false, 0, nullptr};
  char details[CURL_ERROR_SIZE] = "";
  const std::string range = std::to_string(first_byte) + "-", agent = std::string("smlp/") + version();
  set(handle.get(), CURLOPT_URL, url.c_str());
  set(handle.get(), CURLOPT_PROTOCOLS_STR, url.starts_with("https://") ? "https" : "http");
  set(handle.get(), CURLOPT_USERAGENT, agent.c_str());
  if (first_byte > 0) set(handle.get(), CURLOPT_RANGE, range.c_str());
  name_certificates(handle.get());
  set(handle.get(), CURLOPT_CONNECTTIMEOUT, 30L);
  set(handle.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes a second, over so many seconds:
  set(handle.get(), CURLOPT_LOW_SPEED_TIME, 60L);
  set(handle.get(), CURLOPT_ERRORBUFFER, details);
  set(handle.get(), CURLOPT_WRITEFUNCTION, take_body);
  set(handle.get(), CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  set(handle.get(), CURLOPT_NOPROGRESS, 0L);
  set(handle.get(), CURLOPT_XFERINFOFUNCTION, poll_stop);

  const CURLcode code = curl_easy_perform(handle.get());
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (code == CURLE_ABORTED_BY_CALLBACK) throw Interrupted("stopped; the same command goes on from here");
  if (code == CURLE_OK) start(transfer);
  // The redirect is known only at the end.
  HttpResult result{read_response(handle.get()), end_of(handle.get(), code), ""};
  if (code != CURLE_OK) result.reason = reason_of(handle.get(), code, details);
  return result;
}

}  // namespace smlp
