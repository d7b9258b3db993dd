#pragma once
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace smlp::testing {

struct HttpRequest {
  std::string method, path;
  std::optional<std::size_t> from;  // "Range: bytes=FROM-"
};

// One answer, sent as it is told to: nothing in it need be true.
struct HttpReply {
  int status = 200;
  std::vector<std::string> headers;
  std::string body;
  std::optional<std::size_t> length;  // declared; the body's own when empty
  bool declare_length = true;
  bool reset = false;  // the connection ends with RST instead of FIN
};

// What an honest server answers for a file.
inline HttpReply honest_reply(const HttpRequest& request, const std::string& file) {
  if (!request.from) return {200, {}, file, {}, true, false};
  if (*request.from >= file.size()) return {416, {}, "", {}, true, false};
  return {206,
          {"Content-Range: bytes " + std::to_string(*request.from) + "-" + std::to_string(file.size() - 1) +
           "/" + std::to_string(file.size())},
          file.substr(*request.from),
          {},
          true,
          false};
}

// A server on a loopback port that answers one request a connection, by a function of the request and its
// number. With `tls` it speaks TLS by that context.
class HttpServer {
 public:
  using Script = std::function<HttpReply(const HttpRequest&, int number)>;

  explicit HttpServer(Script script, SSL_CTX* tls = nullptr) : script_(std::move(script)), tls_(tls) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("cannot listen on a loopback port");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() { stop(); }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void stop() {  // from then on connections to the port are refused
    if (!thread_.joinable()) return;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const {
    return (tls_ ? "https" : "http") + ("://127.0.0.1:" + std::to_string(port_)) + "/";
  }
  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  class Connection {
   public:
    Connection(int socket, SSL_CTX* tls) : socket_(socket) {
      if (tls == nullptr) return;
      ssl_ = SSL_new(tls);
      SSL_set_fd(ssl_, socket);
      usable_ = SSL_accept(ssl_) == 1;
    }
    ~Connection() {
      if (ssl_ != nullptr) {
        if (usable_) SSL_shutdown(ssl_);
        SSL_free(ssl_);
      }
      ::close(socket_);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    std::string read_head() {
      std::string head;
      char byte = 0;
      while (usable_ && head.find("\r\n\r\n") == head.npos && read(&byte) == 1) head += byte;
      return head;
    }
    void send(const std::string& text) {
      for (std::size_t done = 0; done < text.size();) {
        const long sent =
            ssl_ ? SSL_write(ssl_, text.data() + done, static_cast<int>(text.size() - done))
                 : static_cast<long>(::send(socket_, text.data() + done, text.size() - done, MSG_NOSIGNAL));
        if (sent <= 0) return;
        done += static_cast<std::size_t>(sent);
      }
    }
    void reset_on_close() {
      const linger now{1, 0};
      ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }

   private:
    long read(char* byte) {
      return ssl_ ? SSL_read(ssl_, byte, 1) : static_cast<long>(::recv(socket_, byte, 1, 0));
    }

    int socket_;
    SSL* ssl_ = nullptr;
    bool usable_ = true;
  };

  static HttpRequest parse(const std::string& head) {
    HttpRequest request;
    const std::size_t first = head.find(' '), second = head.find(' ', first + 1);
    request.method = head.substr(0, first);
    request.path = head.substr(first + 1, second - first - 1);
    const std::string range = "Range: bytes=";
    if (const std::size_t at = head.find(range); at != head.npos)
      request.from = std::stoul(head.substr(at + range.size()));
    return request;
  }

  void serve() {
    for (int socket; (socket = ::accept(listener_, nullptr, nullptr)) >= 0;) {
      Connection connection(socket, tls_);
      const std::string head = connection.read_head();
      if (head.find("\r\n\r\n") == head.npos) continue;  // as when a handshake failed
      const HttpRequest request = parse(head);
      int number = 0;
      {
        const std::lock_guard lock(mutex_);
        number = static_cast<int>(requests_.size());
        requests_.push_back(request);
      }
      const HttpReply reply = script_(request, number);
      std::string answer = "HTTP/1.1 " + std::to_string(reply.status) + " Scripted\r\nConnection: close\r\n";
      if (reply.declare_length)
        answer += "Content-Length: " + std::to_string(reply.length.value_or(reply.body.size())) + "\r\n";
      for (const std::string& header : reply.headers) answer += header + "\r\n";
      connection.send(answer + "\r\n" + reply.body);
      if (reply.reset) connection.reset_on_close();
    }
  }

  Script script_;
  SSL_CTX* tls_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::thread thread_;
};

}  // namespace smlp::testing
