#pragma once
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace smlp {

// How often an owner renews its claim, and after how long without that it may be taken over.
struct ClaimTimes {
  std::chrono::milliseconds renewed{10'000}, stale{60'000};
};

// A file that says which process has taken a piece of work, for processes of several machines that share a
// folder, also where that has no locks. Renewed as long as it lives. One that was not renewed for long, or
// whose process is gone from this machine, is taken over. It keeps work from being begun twice but for rare
// moments: what the work writes has a lock of its own.
class Claim {
 public:
  // Null: somebody else has it. A folder that cannot be written: Error(failed).
  static std::unique_ptr<Claim> take(const std::filesystem::path& path, const ClaimTimes& times = {});
  ~Claim();  // gives it up
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

 private:
  Claim(std::filesystem::path path, const ClaimTimes& times);
  void renew(const ClaimTimes& times);

  std::filesystem::path path_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread renewing_;
};

// "process 12 on host" of whoever holds it; "" when nobody does, or nobody any more.
std::string owner_of_claim(const std::filesystem::path& path, const ClaimTimes& times = {});

}  // namespace smlp
