#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace sluice {

// Finds by trying how many compute threads are fastest for a batch. After every tensor ggml's
// threads spin at a barrier. So with as many threads as cores, a batch takes a multiple of its time
// as soon as the event loop or another process needs a core; and where the tensors are small, a
// second thread may not even pay for its barriers. So there is an average for each size of batch
// and number of threads. The best is used, and another is tried now and then, or when the best is
// suddenly slow. Pure: time is handed in. Owned by StepLoop.
class ThreadTuner {
 public:
  // Between one thread and threads_max; with `fixed` always threads_max.
  ThreadTuner(int32_t threads_max, bool fixed);

  int32_t choose(int32_t rows, Clock::time_point now);
  void learn(int32_t rows, int32_t threads, double ms);

 private:
  static constexpr int32_t kSizes = 8;                      // batches from 1, 2, 4 ... 128 rows up
  static constexpr double kNewest = 0.2, kNewestTry = 0.5;  // weights in the averages
  // A try with a small batch costs little. With a larger one it is felt, so fewer threads are tried
  // only after a batch that took kSudden times the usual: other work on the cores shows in one
  // batch, while a long prompt becomes slower little by little.
  static constexpr int32_t kSmallRows = 8;
  static constexpr double kSudden = 2.5, kNewestSudden = 0.02;
  // Tries are this far apart; one that went badly is put off twice as long each time.
  static constexpr Clock::duration kTryEvery = std::chrono::seconds(1);
  static constexpr Clock::duration kTryEveryMax = std::chrono::seconds(32);
  // This much worse is bad: such a try is felt.
  static constexpr double kBad = 1.5;

  struct ThreadCount {
    int32_t threads;
    double row_ms = 0;  // 0 is not tried yet
    Clock::time_point next_try{};
    Clock::duration interval = kTryEvery;
    double usual_ms = 0;      // a row's too, to which sudden ones hardly count
    bool was_sudden = false;  // whether the last batch was suddenly slow
  };
  using ThreadCounts = std::vector<ThreadCount>;

  static size_t size_of(int32_t rows);
  static ThreadCount& best_of(ThreadCounts& counts);
  static bool is_due(const ThreadCount& count, const ThreadCount& best, int32_t rows,
                     Clock::time_point now);

  std::array<ThreadCounts, kSizes> sizes_;
};

}  // namespace sluice
