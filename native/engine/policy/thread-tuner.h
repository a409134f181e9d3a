#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace sluice {

// What one batch took.
struct BatchTime {
  double ms;
  // The part of it, 0 to 1, in which the engine's thread had no core, or slept at a barrier until a
  // thread that had none was there.
  double stalled = 0;

  // What of it other programs took, and what it would have been without them. Never more than half:
  // the thread may wait for slower cores, or for a quota, in each batch.
  double disturbed_ms() const { return ms * std::min(stalled, 0.5); }
  double undisturbed_ms() const { return ms - disturbed_ms(); }
};

// Finds by trying how many compute threads are fastest for a batch. After every tensor ggml's
// threads meet at a barrier. So where the event loop or another process needs a core, all wait for
// the one that is preempted; and where the tensors are small, a second thread may not even pay for
// its barriers. So there is an average for each size of batch and number of threads. The best is
// used, and another is tried now and then. How busy the machine is shows in the batches themselves,
// by their stalls: when that changes, all is tried again. Pure: time is handed in. Owned by
// StepLoop.
class ThreadTuner {
 public:
  // Between one thread and threads_max; with `fixed` always threads_max.
  ThreadTuner(int32_t threads_max, bool fixed);

  int32_t choose(int32_t rows, Clock::time_point now);
  void learn(int32_t rows, int32_t threads, const BatchTime& time, Clock::time_point now);

 private:
  static constexpr int32_t kSizes = 8;                      // batches from 1, 2, 4 ... 128 rows up
  static constexpr double kNewest = 0.2, kNewestTry = 0.5;  // weights in the averages
  // A try with a small batch costs little. With a larger one it is felt, so fewer threads are tried
  // only while the machine is busy.
  static constexpr int32_t kSmallRows = 8;
  // Tries are this far apart. One with a large batch that was no better is put off twice as long
  // each time, and one with a small batch that was much worse.
  static constexpr Clock::duration kTryEvery = std::chrono::seconds(1);
  static constexpr Clock::duration kTryEveryMax = std::chrono::seconds(32);
  // One with a large batch comes not before so many times as long as it took itself. A number that
  // has led once is tried again after so many times what its try took too long, at the latest: that
  // costs a twentieth, and other programs do end.
  static constexpr double kTryShare = 20;
  static constexpr double kBad = 1.5;
  // A number of threads that led, and lost that by a few slow batches, is tried again after so many
  // batches of the next best: most often another program has only passed by. Twice as late each
  // time that it has not led for so many times as long as it was put off before.
  static constexpr double kLostBatches = 8;
  static constexpr int kLedShare = 4;
  // Busy from the first on, quiet again under the second: on a quiet machine 1 to 5 % is stalled,
  // beside one busy process on two cores a third to a half.
  static constexpr double kBusy = 0.2, kQuiet = 0.1;
  // The average of stalls is over about so many milliseconds of computing.
  static constexpr double kStallMs = 100;

  struct ThreadCount {
    int32_t threads;
    double row_ms = 0;  // 0 is not tried yet
    bool is_old =
        false;  // learnt when the machine was busier, or less busy: the next one replaces it
    Clock::time_point next_try{};
    Clock::duration interval = kTryEvery;
    bool has_led = false;
    Clock::time_point led_since{};
    Clock::duration lost_for{};  // how long it was put off when it last lost its lead
  };
  using ThreadCounts = std::vector<ThreadCount>;

  static size_t size_of(int32_t rows);
  static ThreadCount& best_of(ThreadCounts& counts);
  bool is_due(const ThreadCount& count, const ThreadCount& best, int32_t rows,
              Clock::time_point now) const;
  int32_t nearest_best(size_t size);
  static void put_off_lost(ThreadCount& lost, double batch_ms, Clock::time_point now);
  static void put_off_tried(ThreadCount& tried, int32_t rows, double ms, double best_ms);
  void notice(const BatchTime& time);

  std::array<ThreadCounts, kSizes> sizes_;
  double stalled_ = 0;  // moving average
  bool is_busy_ = false;
};

}  // namespace sluice
