#include "engine/policy/thread-tuner.h"

#include <algorithm>

namespace sluice {

ThreadTuner::ThreadTuner(int32_t threads_max, bool fixed) {
  ThreadCounts counts{{threads_max}};
  // Half of them: for machines on which two logical cores are one physical core.
  if (!fixed && threads_max >= 4) counts.push_back({threads_max / 2});
  if (!fixed && threads_max >= 2) counts.push_back({1});
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
                         Clock::time_point now) {
  if (best.row_ms == 0 || now < count.next_try) return false;
  return rows < kSmallRows || count.threads > best.threads || best.was_sudden;
}

int32_t ThreadTuner::choose(int32_t rows, Clock::time_point now) {
  ThreadCounts& counts = sizes_[size_of(rows)];
  ThreadCount& best = best_of(counts);
  for (ThreadCount& other : counts) {
    if (&other == &best || !is_due(other, best, rows, now)) continue;
    other.next_try = now + other.interval;
    return other.threads;
  }
  return best.threads;
}

void ThreadTuner::learn(int32_t rows, int32_t threads, double ms) {
  ThreadCounts& counts = sizes_[size_of(rows)];
  const auto tried = std::find_if(counts.begin(), counts.end(), [&](const ThreadCount& count) {
    return count.threads == threads;
  });
  if (tried == counts.end() || rows <= 0 || ms <= 0) return;
  const double newest = ms / rows;
  const ThreadCount& best = best_of(counts);
  // A try that beats the best replaces its average at once: if it was luck, the next batches show
  // it.
  const bool is_try = &*tried != &best;
  const bool is_taken = tried->row_ms == 0 || (is_try && newest < best.row_ms);
  const bool went_badly = is_try && newest > kBad * best.row_ms;
  if (tried->usual_ms == 0) tried->usual_ms = newest;
  tried->was_sudden = newest > kSudden * tried->usual_ms;
  tried->usual_ms += (tried->was_sudden ? kNewestSudden : kNewest) * (newest - tried->usual_ms);
  tried->row_ms += (is_taken ? 1 : is_try ? kNewestTry : kNewest) * (newest - tried->row_ms);
  const auto interval = went_badly ? std::min(2 * tried->interval, kTryEveryMax) : kTryEvery;
  tried->next_try += interval - tried->interval;
  tried->interval = interval;
}

}  // namespace sluice
