#pragma once

#include <algorithm>
#include <cstddef>

#include "base/average.h"
#include "base/clock.h"

namespace sluice {

// How often JavaScript is woken for text. A wake-up is a write to every reader's socket, on cores
// that compute as well: where it takes long beside a step, text of several steps goes out together.
// Pure: times are handed in. Owned by TokenOutbox.
class WakePace {
 public:
  // `cpu_ms`: the time of JavaScript's thread so far, each time that it has come for what waits.
  void came(double cpu_ms) {
    if (last_ms_ > 0) average(work_ms_, cpu_ms - last_ms_, kNewest);
    last_ms_ = cpu_ms;
  }

  // How long after the last wake-up the next one is due, with text of so many replies.
  Clock::duration pause(size_t replies) const {
    if (replies <= 1) return Clock::duration(0);  // a lone reader has every token at once
    const double ms = std::min(kRestPerWork * work_ms_, kPauseMaxMs);
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double, std::milli>(ms));
  }

 private:
  // An eighth of a core at most. What is lost of a batch is more: its threads wait for each other.
  static constexpr double kRestPerWork = 8;
  // No reader sees a difference at 250 parts a second.
  static constexpr double kPauseMaxMs = 4;
  static constexpr double kNewest = 0.1;

  double last_ms_ = 0, work_ms_ = 0;
};

}  // namespace sluice
