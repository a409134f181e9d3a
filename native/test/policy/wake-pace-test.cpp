#include "engine/policy/wake-pace.h"

#include <cmath>

#include "test/check.h"

using sluice::Clock;
using sluice::WakePace;

namespace {

// JavaScript has come often, and was at work for so long each time.
WakePace paced(double work_ms) {
  WakePace pace;
  for (int32_t i = 1; i <= 100; ++i) pace.came(10 + i * work_ms);
  return pace;
}

double pause_ms(const WakePace& pace, size_t replies) {
  return std::chrono::duration<double, std::milli>(pace.pause(replies)).count();
}

}  // namespace

TEST("wake pace: a lone reply's text never waits, however long JavaScript is at work") {
  for (const double work_ms : {0.01, 0.5, 20.0}) CHECK_EQ(pause_ms(paced(work_ms), 1), 0.0);
}

TEST("wake pace: text of several waits a multiple of JavaScript's work, and 4 ms at most") {
  CHECK(std::abs(pause_ms(paced(0.05), 2) - 0.4) < 1e-3);
  CHECK(std::abs(pause_ms(paced(0.2), 8) - 1.6) < 1e-3);
  CHECK_EQ(pause_ms(paced(30.0), 8), 4.0);
}

TEST("wake pace: nothing waits before a wake-up was measured, nor without a clock") {
  CHECK_EQ(pause_ms(WakePace(), 8), 0.0);
  WakePace once;
  once.came(5000.0);
  CHECK_EQ(pause_ms(once, 8), 0.0);
  CHECK_EQ(pause_ms(paced(0.0), 8), 0.0);
}
