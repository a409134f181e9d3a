#pragma once

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "engine/request/fair-line.h"

namespace sluice {

// Jobs to one thread, in several lines that take turns: the first job of a line waits for at most
// one job of each other line, however many there are. Within a line the owners of jobs take turns
// (FairLine). Any thread may call anything but take(), which is the receiver's.
template <typename Job, size_t kLines>
class TurnQueue {
 public:
  void push(size_t line, Job job, const std::string& owner = {}) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      lines_[line].push(owner, pushed_++, std::move(job));
    }
    changed_.notify_one();
  }

  // Waits for a job. Nothing at the deadline, and where wake() or close() was called meanwhile.
  std::optional<Job> take(std::optional<Clock::time_point> deadline = std::nullopt) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto is_due = [this] { return is_woken_ || is_closed_ || has_jobs(); };
    if (deadline) {
      changed_.wait_until(lock, *deadline, is_due);
    } else {
      changed_.wait(lock, is_due);
    }
    is_woken_ = false;
    return is_closed_ ? std::nullopt : next();
  }

  // Lets take() return, with nothing if there is no job.
  void wake() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      is_woken_ = true;
    }
    changed_.notify_one();
  }

  // From now on take() returns nothing.
  void close() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      is_closed_ = true;
    }
    changed_.notify_one();
  }
  bool is_closed() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return is_closed_;
  }

  // Drops the jobs that are not wanted.
  template <typename IsWanted>
  void keep(const IsWanted& is_wanted) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (Line& line : lines_) {
      line.visit([&](std::optional<Job>& job) {
        if (!is_wanted(*job)) job.reset();
        return true;
      });
    }
  }

 private:
  using Line = FairLine<std::optional<Job>>;

  bool has_jobs() const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [](const Line& line) { return !line.empty(); });
  }

  std::optional<Job> next() {
    for (size_t i = 0; i < kLines; ++i) {
      Line& line = lines_[(turn_ + i) % kLines];
      if (line.empty()) continue;
      turn_ = (turn_ + i + 1) % kLines;
      std::optional<Job> job;
      line.offer([&](std::optional<Job>& first) {
        job.swap(first);
        return false;
      });
      return job;
    }
    return std::nullopt;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Line, kLines> lines_;
  uint64_t pushed_ = 0;
  size_t turn_ = 0;
  bool is_woken_ = false, is_closed_ = false;
};

}  // namespace sluice
