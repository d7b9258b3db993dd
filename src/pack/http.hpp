#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smlp {

// "Content-Range: bytes FIRST-LAST/TOTAL"
struct ContentRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> total;
};

struct HttpResponse {
  int status = 0;                       // 0: no answer came
  std::optional<std::uint64_t> length;  // Content-Length
  std::optional<ContentRange> range;
  std::string type;      // Content-Type; "" where the server says none
  std::string redirect;  // where a 3xx points to, an absolute URL of any scheme; "" otherwise
};

enum class HttpEnd {
  complete,     // by the protocol; the status may be any
  broken,       // the connection ended early: worth trying again
  unreachable,  // no such name, no connection, or no answer in time
  other,        // certificates, an answer that is no HTTP, …: trying again will not help
};

struct HttpResult {
  HttpResponse response;
  HttpEnd end = HttpEnd::complete;
  std::string reason;  // unless complete
};

// Takes the body of a 200 or 206; other bodies are passed over. What it throws ends the transfer, and
// http_get() throws it on.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  virtual void start(const HttpResponse& response) = 0;  // once, before the first bytes
  virtual void write(std::string_view bytes) = 0;
};

// GET of an http:// or https:// URL from `first_byte` on (a request with Range unless that is 0).
// Certificates are verified; redirects are not followed. Gives up after 30 s without a connection and 60 s
// without a byte. Takes the usual environment: https_proxy and its kin, SSL_CERT_FILE, SSL_CERT_DIR,
// CURL_CA_BUNDLE. stop_signal() ends it: Interrupted.
HttpResult http_get(const std::string& url, std::uint64_t first_byte, HttpSink& sink);

}  // namespace smlp
