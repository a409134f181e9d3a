#include "engine/policy/thread-tuner.h"

#include <functional>
#include <utility>
#include <vector>

#include "test/check.h"

using sluice::BatchTime;
using sluice::Clock;
using sluice::ThreadTuner;
using namespace std::chrono_literals;

namespace {

// A machine: what a batch of so many rows takes with so many threads, in milliseconds.
using Machine = std::function<BatchTime(int32_t rows, int32_t threads)>;

struct Run {
  ThreadTuner tuner;
  Clock::time_point now{1h};

  // For some seconds, one batch after the other; the share of the time spent with `threads`.
  double share(const Machine& machine, int32_t rows, int32_t threads, Clock::duration time) {
    const auto end = now + time;
    double all = 0, with = 0;
    while (now < end) {
      const int32_t chosen = tuner.choose(rows, now);
      const BatchTime time_taken = machine(rows, chosen);
      const double ms = time_taken.ms;
      now += std::chrono::microseconds(int64_t(ms * 1000));
      tuner.learn(rows, chosen, time_taken, now);
      all += ms;
      if (chosen == threads) with += ms;
    }
    return with / all;
  }
};

BatchTime quiet(int32_t rows, int32_t threads) { return {10.0 * rows / threads, 0.02}; }
BatchTime barriers(int32_t rows, int32_t threads) { return {rows * 0.1 + threads * 0.3, 0.02}; }
// Two cores and one busy process: two threads get 1.33 cores, and wait for each other.
BatchTime one_busy(int32_t rows, int32_t threads) {
  return threads > 1 ? BatchTime{12.0 * rows, 0.4} : BatchTime{10.0 * rows, 0};
}
// Two of them: two threads get one core together, a single one half of one.
BatchTime two_busy(int32_t rows, int32_t threads) {
  return threads > 1 ? BatchTime{11.0 * rows, 0.5} : BatchTime{14.0 * rows, 0.3};
}
// Four cores and one busy process: of four threads one gets half of its core.
BatchTime four_cores_one_busy(int32_t rows, int32_t threads) {
  return threads == 4 ? BatchTime{5.0 * rows, 0.5} : BatchTime{10.0 * rows / threads, 0.02};
}

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
  run.share(one_busy, 8, 1, 5s);
  CHECK(run.share(one_busy, 8, 1, 60s) > 0.9);
  run.share(quiet, 8, 2, 2s);  // however many tries were vain
  CHECK(run.share(quiet, 8, 2, 10s) > 0.9);
}

TEST("thread tuner: a program that passes by takes the second thread away for hardly longer") {
  // Every 1.13 s a program wants one of two cores, for so long; the rest of the time is quiet.
  const std::vector<std::pair<Clock::duration, double>> passing{
      {20ms, 0.95}, {40ms, 0.9}, {100ms, 0.9}, {400ms, 0.6}};
  for (const auto& [passes, share] : passing) {
    Run run{ThreadTuner(2, false)};
    const Machine machine = [&, passes = passes](int32_t, int32_t threads) {
      if (threads == 1) return BatchTime{9.2, 0};
      const bool is_here = run.now.time_since_epoch() % 1130ms < passes;
      return is_here ? BatchTime{18, 0.5} : BatchTime{6, 0.02};
    };
    run.share(machine, 1, 2, 5s);
    CHECK(run.share(machine, 1, 2, 60s) > share);
  }
}

TEST("thread tuner: one thread is kept where two are fast most often and very slow now and then") {
  Run run{ThreadTuner(2, false)};
  int batch = 0;
  const Machine machine = [&](int32_t, int32_t threads) {
    if (threads == 1) return BatchTime{9.2, 0};
    return ++batch % 4 == 0 ? BatchTime{100, 0.9} : BatchTime{6, 0.02};
  };
  run.share(machine, 1, 1, 20s);
  CHECK(run.share(machine, 1, 1, 60s) > 0.85);
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
    now += std::chrono::microseconds(int64_t(ms * 1000));
    tuner.learn(64, threads, {ms, 0.02}, now);
  }
}

TEST("thread tuner: a machine that was busy from the start is noticed within the first batches") {
  for (const int32_t rows : {1, 8, 64, 512}) {
    Run run{ThreadTuner(2, false)};
    const double first_ms = 2 * one_busy(rows, 2).ms;
    run.share(one_busy, rows, 1, std::chrono::milliseconds(int64_t(first_ms + 200)));
    CHECK(run.share(one_busy, rows, 1, 60s) > 0.9);
  }
}

TEST("thread tuner: all threads are kept where they are faster on a busy machine too") {
  for (const int32_t rows : {1, 8, 64, 512}) {
    Run run{ThreadTuner(2, false)};
    run.share(two_busy, rows, 2, 20s);
    CHECK(run.share(two_busy, rows, 2, 60s) > 0.9);
  }
}

TEST("thread tuner: all cores but one are used where another program keeps one busy") {
  Run run{ThreadTuner(4, false)};
  run.share(four_cores_one_busy, 64, 3, 20s);
  CHECK(run.share(four_cores_one_busy, 64, 3, 60s) > 0.9);
}

TEST("thread tuner: what is best for one size is what another size begins with") {
  Run run{ThreadTuner(2, false)};
  run.share(one_busy, 1, 1, 20s);
  CHECK_EQ(run.tuner.choose(512, run.now), 1);
}

TEST("thread tuner: when the other program ends, each size is tried anew within a second or two") {
  Run run{ThreadTuner(2, false)};
  run.share(one_busy, 64, 1, 5s);
  run.share(one_busy, 1, 1, 5s);
  run.share(quiet, 1, 2, 10s);
  run.share(quiet, 64, 2, 2s);
  CHECK(run.share(quiet, 64, 2, 10s) > 0.95);
}

TEST("thread tuner: fewer threads are not tried with large batches on a quiet machine") {
  Run run{ThreadTuner(4, false)};
  CHECK_EQ(run.share(quiet, 64, 4, 60s), 1.0);
}

TEST("thread tuner: what the user chose stays") {
  Run run{ThreadTuner(4, true)};
  CHECK_EQ(run.share(barriers, 1, 4, 1s), 1.0);
}

TEST("thread tuner: one core leaves nothing to choose") {
  Run run{ThreadTuner(1, false)};
  CHECK_EQ(run.share(barriers, 1, 1, 1s), 1.0);
}
