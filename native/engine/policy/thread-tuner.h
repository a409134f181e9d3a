#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace sluice {

// Finds by trying how many compute threads a call is fastest with. Every tensor ends at a barrier
// where ggml's threads spin, so with as many of them as there are cores a call takes a multiple
// of its time as soon as somebody else needs one: the event loop, or another process. A second
// thread may not even pay for its barriers where the tensors are small. So each size of call has
// an average for each number of threads, takes the best, and tries another now and then, or as soon
// as the best is suddenly slow.
// Pure: time is handed in. Owned by StepLoop.
class ThreadTuner {
 public:
  // Between one thread and threads_max; with `fixed` always threads_max.
  ThreadTuner(int32_t threads_max, bool fixed);

  int32_t choose(int32_t rows, Clock::time_point now);
  void learn(int32_t rows, int32_t threads, double ms);

 private:
  static constexpr int32_t kSizes = 8;                      // calls from 1, 2, 4 ... 128 rows up
  static constexpr double kNewest = 0.2, kNewestTry = 0.5;  // weights in the averages
  // A try of a small call costs little. Of a larger one it is felt, and not made on fewer threads
  // before a call takes so many times what such calls took: crowded cores show in one call, and a
  // long prompt becomes slower little by little.
  static constexpr int32_t kSmallRows = 8;
  static constexpr double kSudden = 2.5, kNewestSudden = 0.02;
  // Tries are this far apart; one that went badly is put off twice as long each time.
  static constexpr Clock::duration kTryEvery = std::chrono::seconds(1);
  static constexpr Clock::duration kTryEveryMax = std::chrono::seconds(32);
  // This much worse is bad: such a try is felt.
  static constexpr double kBad = 1.5;

  struct Choice {
    int32_t threads;
    double row_ms = 0;  // 0 is not tried yet
    Clock::time_point next_try{};
    Clock::duration interval = kTryEvery;
    double usual_ms = 0;      // a row's too, to which sudden ones hardly count
    bool was_sudden = false;  // the last call
  };
  using Choices = std::vector<Choice>;

  static size_t size_of(int32_t rows);
  static Choice& best_of(Choices& choices);
  static bool is_due(const Choice& choice, const Choice& best, int32_t rows, Clock::time_point now);

  std::array<Choices, kSizes> sizes_;
};

}  // namespace sluice
