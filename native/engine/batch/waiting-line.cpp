#include "engine/batch/waiting-line.h"

#include <algorithm>
#include <iterator>

namespace sluice {
namespace {

using Line = std::deque<std::unique_ptr<Sequence>>;

void close_gaps(Line& line) {
  line.erase(std::remove(line.begin(), line.end(), nullptr), line.end());
}

void take_cancelled_of(Line& line, std::vector<std::unique_ptr<Sequence>>& taken) {
  for (auto& sequence : line) {
    if (sequence->cancelled()) taken.push_back(std::move(sequence));
  }
  close_gaps(line);
}

}  // namespace

void WaitingLine::join(std::unique_ptr<Sequence> sequence) {
  const Clock::time_point submitted = sequence->request().submitted;
  auto next = queue_.end();
  while (next != queue_.begin() && (*std::prev(next))->request().submitted > submitted) --next;
  queue_.insert(next, std::move(sequence));
}

void WaitingLine::offer(const Taker& take) {
  bool has_room = true;
  // By index: taking one may preempt another, which joins at the end.
  for (size_t i = 0; has_room && i < preempted_.size(); ++i) {
    if (!preempted_[i]->parked()) has_room = take(preempted_[i]);
  }
  for (size_t i = 0; has_room && i < queue_.size(); ++i) has_room = take(queue_[i]);
  close_gaps(preempted_);
  close_gaps(queue_);
}

std::vector<std::unique_ptr<Sequence>> WaitingLine::take_cancelled() {
  std::vector<std::unique_ptr<Sequence>> taken;
  take_cancelled_of(preempted_, taken);
  take_cancelled_of(queue_, taken);
  return taken;
}

std::vector<std::unique_ptr<Sequence>> WaitingLine::take_submitted_before(Clock::time_point time) {
  std::vector<std::unique_ptr<Sequence>> taken;
  for (auto& sequence : queue_) {
    if (sequence->request().submitted > time) break;
    if (!sequence->is_deadline_exempt()) taken.push_back(std::move(sequence));
  }
  close_gaps(queue_);
  return taken;
}

std::optional<Clock::time_point> WaitingLine::oldest_submission() const {
  for (const auto& sequence : queue_) {
    if (!sequence->is_deadline_exempt()) return sequence->request().submitted;
  }
  return std::nullopt;
}

void WaitingLine::credit(RequestId id, int32_t tokens, int32_t window) {
  for (auto& sequence : preempted_) {
    if (sequence->request().id == id) sequence->credit(tokens, window);
  }
}

bool WaitingLine::has_runnable() const {
  return !queue_.empty() || parked_count() < int64_t(preempted_.size());
}

int64_t WaitingLine::parked_count() const {
  return std::count_if(preempted_.begin(), preempted_.end(),
                       [](const auto& sequence) { return sequence->parked(); });
}

}  // namespace sluice
