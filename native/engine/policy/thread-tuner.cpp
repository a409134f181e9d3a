#include "engine/policy/thread-tuner.h"

#include <algorithm>

namespace sluice {

namespace {

Clock::duration to_duration(double ms) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(ms));
}

}  // namespace

ThreadTuner::ThreadTuner(int32_t threads_max, bool fixed) {
  ThreadCounts counts{{threads_max}};
  if (!fixed) {
    // All but one: for machines on which another program keeps one core busy. Half of them: for
    // those on which two logical cores are one physical core.
    for (const int32_t threads : {threads_max - 1, threads_max / 2, 1}) {
      if (threads >= 1 && threads < counts.back().threads) counts.push_back({threads});
    }
  }
  sizes_.fill(counts);
}

size_t ThreadTuner::size_of(int32_t rows) {
  size_t size = 0;
  while (size + 1 < kSizes && rows >= (2 << size)) ++size;
  return size;
}

// Untried ones aside; the first of all where none was tried.
ThreadTuner::ThreadCount& ThreadTuner::best_of(ThreadCounts& counts) {
  return *std::min_element(counts.begin(), counts.end(),
                           [](const ThreadCount& a, const ThreadCount& b) {
                             return a.row_ms > 0 && (b.row_ms == 0 || a.row_ms < b.row_ms);
                           });
}

bool ThreadTuner::is_due(const ThreadCount& count, const ThreadCount& best, int32_t rows,
                         Clock::time_point now) const {
  if (best.row_ms == 0 || best.is_old || now < count.next_try) return false;
  return rows < kSmallRows || count.threads > best.threads || is_busy_;
}

// What is best for the size of batch, of those that were tried, that is nearest to this one.
int32_t ThreadTuner::nearest_best(size_t size) {
  for (size_t apart = 1; apart < kSizes; ++apart) {
    for (const size_t other : {size - apart, size + apart}) {
      if (other >= kSizes) continue;  // below 0 too
      const ThreadCount& best = best_of(sizes_[other]);
      if (best.row_ms > 0) return best.threads;
    }
  }
  return sizes_[size].front().threads;
}

int32_t ThreadTuner::choose(int32_t rows, Clock::time_point now) {
  const size_t size = size_of(rows);
  ThreadCounts& counts = sizes_[size];
  const ThreadCount& best = best_of(counts);
  if (best.row_ms == 0) return nearest_best(size);
  for (ThreadCount& other : counts) {
    if (&other == &best || !is_due(other, best, rows, now)) continue;
    other.next_try = now + other.interval;
    return other.threads;
  }
  return best.threads;
}

void ThreadTuner::learn(int32_t rows, int32_t threads, const BatchTime& time,
                        Clock::time_point now) {
  ThreadCounts& counts = sizes_[size_of(rows)];
  const auto found = std::find_if(counts.begin(), counts.end(), [&](const ThreadCount& count) {
    return count.threads == threads;
  });
  if (found == counts.end() || rows <= 0 || time.ms <= 0) return;
  ThreadCount& used = *found;
  // On fewer threads there may be cores enough for all, however busy the machine is.
  if (threads == counts.front().threads) notice(time);
  const double newest = time.ms / rows;
  ThreadCount& best = best_of(counts);
  const double best_ms = best.row_ms;
  const bool is_try = &used != &best;
  // A try that beats the best replaces its average at once: if it was luck, the next batches show
  // it.
  const bool is_better = is_try && newest < best_ms;
  const bool is_taken = used.row_ms == 0 || used.is_old || is_better;
  used.row_ms += (is_taken ? 1 : is_try ? kNewestTry : kNewest) * (newest - used.row_ms);
  used.is_old = false;
  if (is_try && is_better) used.interval = kTryEvery;
  if (is_try && !is_better) put_off_tried(used, rows, time.ms, best_ms * rows);
  ThreadCount& leader = best_of(counts);
  leader.has_led = true;
  if (&leader == &best) return;
  leader.led_since = now;
  put_off_lost(best, leader.row_ms * rows, now);
}

// A try that was no better. Its next one was set an interval off when it was chosen.
void ThreadTuner::put_off_tried(ThreadCount& tried, int32_t rows, double ms, double best_ms) {
  const bool is_bad = ms > kBad * best_ms;
  Clock::duration least{}, most = kTryEveryMax;
  if (tried.has_led) most = std::max(kTryEvery, to_duration(kTryShare * (ms - best_ms)));
  if (rows < kSmallRows && !is_bad) most = kTryEvery;
  if (rows >= kSmallRows) least = to_duration(kTryShare * ms);
  const Clock::duration interval = std::max(std::min(2 * tried.interval, most), least);
  tried.next_try += interval - tried.interval;
  tried.interval = interval;
}

void ThreadTuner::put_off_lost(ThreadCount& lost, double batch_ms, Clock::time_point now) {
  const bool is_again = now - lost.led_since < kLedShare * lost.lost_for;
  const Clock::duration soon = to_duration(kLostBatches * batch_ms);
  lost.lost_for = is_again ? std::min(std::max(2 * lost.lost_for, soon), kTryEveryMax) : soon;
  lost.interval = lost.lost_for;
  lost.next_try = now + lost.lost_for;
}

void ThreadTuner::notice(const BatchTime& time) {
  stalled_ += std::min(1.0, time.ms / kStallMs) * (time.stalled - stalled_);
  if (is_busy_ ? stalled_ >= kQuiet : stalled_ <= kBusy) return;
  is_busy_ = !is_busy_;
  for (ThreadCounts& counts : sizes_) {
    for (ThreadCount& count : counts) {
      count.is_old = true;
      count.interval = count.lost_for > Clock::duration{} ? count.lost_for : kTryEvery;
      count.next_try = {};
    }
  }
}

}  // namespace sluice
