#include "engine/policy/thread-tuner.h"

#include <algorithm>

namespace sluice {

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

void ThreadTuner::learn(int32_t rows, int32_t threads, const BatchTime& time) {
  ThreadCounts& counts = sizes_[size_of(rows)];
  const auto tried = std::find_if(counts.begin(), counts.end(), [&](const ThreadCount& count) {
    return count.threads == threads;
  });
  if (tried == counts.end() || rows <= 0 || time.ms <= 0) return;
  // On fewer threads there may be cores enough for all, however busy the machine is.
  if (threads == counts.front().threads) notice(time);
  const double newest = time.ms / rows;
  const ThreadCount& best = best_of(counts);
  // A try that beats the best replaces its average at once: if it was luck, the next batches show
  // it.
  const bool is_try = &*tried != &best;
  const bool is_better = is_try && newest < best.row_ms;
  const bool is_taken = tried->row_ms == 0 || tried->is_old || is_better;
  const bool is_put_off = is_try && (rows < kSmallRows ? newest > kBad * best.row_ms : !is_better);
  tried->row_ms += (is_taken ? 1 : is_try ? kNewestTry : kNewest) * (newest - tried->row_ms);
  tried->is_old = false;
  Clock::duration interval = kTryEvery;
  if (is_put_off) {
    const std::chrono::duration<double, std::milli> spare(kTryShare * time.ms);
    interval = std::max(std::min(2 * tried->interval, kTryEveryMax),
                        std::chrono::duration_cast<Clock::duration>(spare));
  }
  tried->next_try += interval - tried->interval;
  tried->interval = interval;
}

void ThreadTuner::notice(const BatchTime& time) {
  stalled_ += std::min(1.0, time.ms / kStallMs) * (time.stalled - stalled_);
  if (is_busy_ ? stalled_ >= kQuiet : stalled_ <= kBusy) return;
  is_busy_ = !is_busy_;
  for (ThreadCounts& counts : sizes_) {
    for (ThreadCount& count : counts) {
      count.is_old = true;
      count.interval = kTryEvery;
      count.next_try = {};
    }
  }
}

}  // namespace sluice
