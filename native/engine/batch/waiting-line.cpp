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
  auto place = queue_.end();
  while (place != queue_.begin() && (*std::prev(place))->request().submitted > submitted) --place;
  queue_.insert(place, std::move(sequence));
}

void WaitingLine::offer(const Taker& take) {
  bool has_room = true;
  // By index: taking one may set another one aside, which joins at the end.
  for (size_t i = 0; has_room && i < aside_.size(); ++i) {
    if (!aside_[i]->parked()) has_room = take(aside_[i]);
  }
  for (size_t i = 0; has_room && i < queue_.size(); ++i) has_room = take(queue_[i]);
  close_gaps(aside_);
  close_gaps(queue_);
}

std::vector<std::unique_ptr<Sequence>> WaitingLine::take_cancelled() {
  std::vector<std::unique_ptr<Sequence>> taken;
  take_cancelled_of(aside_, taken);
  take_cancelled_of(queue_, taken);
  return taken;
}

std::vector<std::unique_ptr<Sequence>> WaitingLine::take_submitted_before(Clock::time_point time) {
  std::vector<std::unique_ptr<Sequence>> taken;
  for (auto& sequence : queue_) {
    if (sequence->request().submitted > time) break;
    if (!sequence->is_served()) taken.push_back(std::move(sequence));
  }
  close_gaps(queue_);
  return taken;
}

std::optional<Clock::time_point> WaitingLine::oldest_submission() const {
  for (const auto& sequence : queue_) {
    if (!sequence->is_served()) return sequence->request().submitted;
  }
  return std::nullopt;
}

void WaitingLine::credit(RequestId id, int32_t tokens, int32_t window) {
  for (auto& sequence : aside_) {
    if (sequence->request().id == id) sequence->credit(tokens, window);
  }
}

bool WaitingLine::someone_waits() const {
  return !queue_.empty() || parked_count() < int64_t(aside_.size());
}

int64_t WaitingLine::parked_count() const {
  return std::count_if(aside_.begin(), aside_.end(),
                       [](const auto& sequence) { return sequence->parked(); });
}

}  // namespace sluice
