#include "engine/policy/thread-tuner.h"

#include <functional>

#include "test/check.h"

using sluice::Clock;
using sluice::ThreadTuner;
using namespace std::chrono_literals;

namespace {

// A machine: what a batch of so many rows takes with so many threads, in milliseconds.
using Machine = std::function<double(int32_t rows, int32_t threads)>;

struct Run {
  ThreadTuner tuner;
  Clock::time_point now{1h};

  // For some seconds, one batch after the other; the share of the time spent with `threads`.
  double share(const Machine& machine, int32_t rows, int32_t threads, Clock::duration time) {
    const auto end = now + time;
    double all = 0, with = 0;
    while (now < end) {
      const int32_t chosen = tuner.choose(rows, now);
      const double ms = machine(rows, chosen);
      tuner.learn(rows, chosen, ms);
      now += std::chrono::microseconds(int64_t(ms * 1000));
      all += ms;
      if (chosen == threads) with += ms;
    }
    return with / all;
  }
};

double quiet(int32_t rows, int32_t threads) { return 10.0 * rows / threads; }
double barriers(int32_t rows, int32_t threads) { return rows * 0.1 + threads * 0.3; }
double crowded(int32_t rows, int32_t threads) { return threads > 1 ? 400 : 10.0 * rows; }

}  // namespace

TEST("thread tuner: the fastest number is found, and used nearly all the time") {
  Run on_quiet{ThreadTuner(8, false)};
  CHECK(on_quiet.share(quiet, 8, 8, 10s) > 0.9);
  Run of_small{ThreadTuner(8, false)};
  CHECK(of_small.share(barriers, 1, 1, 10s) > 0.9);
}

TEST(
    "thread tuner: one thread is used while another program needs the cores, and more afterwards") {
  Run run{ThreadTuner(2, false)};
  CHECK(run.share(quiet, 8, 2, 5s) > 0.9);
  run.share(crowded, 8, 1, 5s);
  CHECK(run.share(crowded, 8, 1, 60s) > 0.9);
  run.share(quiet, 8, 2, 40s);  // after so many bad tries the next one is half a minute off
  CHECK(run.share(quiet, 8, 2, 10s) > 0.9);
}

TEST("thread tuner: each size of batch has its own number") {
  const Machine machine = [](int32_t rows, int32_t threads) {
    return rows == 1 ? barriers(rows, threads) : quiet(rows, threads);
  };
  Run run{ThreadTuner(4, false)};
  for (int i = 0; i < 100; ++i) {
    run.share(machine, 1, 1, 50ms);
    run.share(machine, 64, 4, 500ms);
  }
  CHECK_EQ(run.tuner.choose(1, run.now - 1h), 1);
  CHECK_EQ(run.tuner.choose(64, run.now - 1h), 4);
}

TEST("thread tuner: a large batch that becomes slower little by little is not tried on fewer") {
  ThreadTuner tuner(2, false);
  Clock::time_point now{1h};
  for (int32_t depth = 0; depth < 8000; depth += 64) {
    const int32_t threads = tuner.choose(64, now);
    CHECK_EQ(threads, 2);
    const double ms = 64 * (1 + depth / 1500.0) * 2 / threads;
    tuner.learn(64, threads, ms);
    now += std::chrono::microseconds(int64_t(ms * 1000));
  }
}

TEST("thread tuner: what the user chose stays") {
  Run run{ThreadTuner(4, true)};
  CHECK_EQ(run.share(barriers, 1, 4, 1s), 1.0);
}

TEST("thread tuner: one core leaves nothing to choose") {
  Run run{ThreadTuner(1, false)};
  CHECK_EQ(run.share(barriers, 1, 1, 1s), 1.0);
}
