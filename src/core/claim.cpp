#include "smlp/core/claim.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "file_details.hpp"
#include "smlp/core/host.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

using std::chrono::nanoseconds;

std::string own_name() {
  return fmt::format("process {} on {}", ::getpid(), host_name());
}

// Made by this call, with this text; false: it is there.
bool make_file(const fs::path& path, const std::string& text) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0 && errno == EEXIST) return false;
  if (descriptor < 0) cannot("make", path, errno);
  const ssize_t written = ::write(descriptor, text.data(), text.size());
  const int code = written < 0 ? errno : ENOSPC;
  ::close(descriptor);
  if (written == static_cast<ssize_t>(text.size())) return true;
  ::unlink(path.c_str());
  cannot("write", path, code);
}

// What there is of a claim at one moment.
struct Seen {
  std::string owner;  // "": there is none
  nanoseconds changed{};
};

Seen look_at(const fs::path& path) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  char text[512];
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return {};
  const ssize_t size = ::read(file.get(), text, sizeof text);
  std::string owner = size > 0 ? printable({text, static_cast<std::size_t>(size)}) : "a process that begins";
  return {std::move(owner),
          std::chrono::seconds(status.st_mtim.tv_sec) + nanoseconds(status.st_mtim.tv_nsec)};
}

// By the clock of the file system, which is not this machine's where it lies on another; by this machine's
// where the folder is only to be looked at.
nanoseconds time_in(const fs::path& folder) {
  const fs::path file = temporary_beside(folder / "clock");
  try {
    make_file(file, "now");
  } catch (const Error&) {
    return std::chrono::system_clock::now().time_since_epoch();
  }
  const nanoseconds now = look_at(file).changed;
  ::unlink(file.c_str());
  return now;
}

bool is_abandoned(const Seen& claim, const fs::path& path, const ClaimTimes& times) {
  long long process = 0;
  char host[256];
  if (std::sscanf(claim.owner.c_str(), "process %lld on %255s", &process, host) == 2 && host == host_name() &&
      !is_alive_here(host, process))
    return true;
  const nanoseconds age = time_in(parent_of(path)) - claim.changed;
  return age > times.stale || -age > times.stale;  // a clock was set back
}

// Takes an abandoned claim out of the way; false: somebody else is about to. One process at a time, under a
// file of its own: between looking at a claim and removing it, another could have made the next one.
bool remove_abandoned(const fs::path& path, const Seen& claim, const ClaimTimes& times) {
  const fs::path guard =
      parent_of(path) / fmt::format(".{}{}abandoned", path.filename().string(), temporary_mark);
  if (!make_file(guard, own_name())) {
    const Seen other = look_at(guard);  // of a process that died here: the next call finds none
    if (!other.owner.empty() && is_abandoned(other, guard, times)) ::unlink(guard.c_str());
    return false;
  }
  const Seen now = look_at(path);
  if (now.owner == claim.owner && now.changed == claim.changed) ::unlink(path.c_str());
  ::unlink(guard.c_str());
  return true;
}

}  // namespace

std::unique_ptr<Claim> Claim::take(const fs::path& path, const ClaimTimes& times) {
  if (const Seen claim = look_at(path); !claim.owner.empty()) {
    if (!is_abandoned(claim, path, times) || !remove_abandoned(path, claim, times)) return nullptr;
  }
  if (!make_file(path, own_name())) return nullptr;
  return std::unique_ptr<Claim>(new Claim(path, times));
}

Claim::Claim(fs::path path, const ClaimTimes& times)
    : path_(std::move(path)), renewing_([this, times] { renew(times); }) {}

Claim::~Claim() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_all();
  renewing_.join();
  if (look_at(path_).owner == own_name()) ::unlink(path_.c_str());
}

void Claim::renew(const ClaimTimes& times) {
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, times.renewed, [this] { return over_; })) {
    const timespec now[] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    ::utimensat(AT_FDCWD, path_.c_str(), now, 0);
  }
}

std::string owner_of_claim(const fs::path& path, const ClaimTimes& times) {
  Seen claim = look_at(path);
  if (claim.owner.empty() || is_abandoned(claim, path, times)) return "";
  return claim.owner;
}

}  // namespace smlp
