#pragma once
#include <chrono>

namespace smlp {

// Seconds gone by since it was made, but for the pauses; `before` are those of an earlier run of the program.
class Stopwatch {
 public:
  explicit Stopwatch(double before = 0) : seconds_(before) {}

  double seconds() const {
    const double running = std::chrono::duration<double>(Clock::now() - since_).count();
    return seconds_ + (pauses_ == 0 ? running : 0);
  }

  // It stands still while any of these lives.
  class Pause {
   public:
    explicit Pause(Stopwatch& stopwatch) : stopwatch_(stopwatch) {
      stopwatch_.seconds_ = stopwatch_.seconds();
      ++stopwatch_.pauses_;
    }
    ~Pause() {
      --stopwatch_.pauses_;
      stopwatch_.since_ = Clock::now();
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Stopwatch& stopwatch_;
  };

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_;
  Clock::time_point since_ = Clock::now();
  int pauses_ = 0;
};

}  // namespace smlp
