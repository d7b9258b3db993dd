#pragma once
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace smlp::testing {

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What a program left: its exit code (128 + signal when a signal ended it) and its two streams.
struct Finished {
  int code = 0;
  std::string out;
  std::string err;
};

// A program running in its own process, streams kept in files of `folder`.
class Program {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  Program(const std::filesystem::path& folder, std::vector<std::string> arguments,
          const Environment& environment = {})
      : out_(folder / "stdout.txt"), err_(folder / "stderr.txt") {
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ > 0) return;
    redirect(out_, STDOUT_FILENO);
    redirect(err_, STDERR_FILENO);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);  // -1, of one that has ended, would be every process there is
  }
  const std::filesystem::path& error_file() const { return err_; }
  // RssAnon of /proc; 0 when the program has ended.
  std::int64_t anonymous_kib() const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string word; status >> word;)
      if (word == "RssAnon:") {
        std::int64_t kib = 0;
        status >> kib;
        return kib;
      }
    return 0;
  }
  bool running() {
    int status = 0;
    if (pid_ < 0 || waitpid(pid_, &status, WNOHANG) == 0) return pid_ > 0;
    status_ = status;
    pid_ = -1;
    return false;
  }
  Finished wait() {
    if (pid_ > 0) waitpid(pid_, &status_, 0);
    pid_ = -1;
    const int code = WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
    return {code, read_text(out_), read_text(err_)};
  }

 private:
  static void redirect(const std::filesystem::path& file, int descriptor) {
    const int target = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ::dup2(target, descriptor);
    ::close(target);
  }

  std::filesystem::path out_, err_;
  pid_t pid_ = -1;
  int status_ = 0;
};

}  // namespace smlp::testing
