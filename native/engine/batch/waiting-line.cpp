#include "engine/batch/waiting-line.h"

#include <algorithm>

namespace sluice {
namespace {

using Line = std::vector<std::unique_ptr<Sequence>>;

void close_gaps(Line& line) {
  line.erase(std::remove(line.begin(), line.end(), nullptr), line.end());
}

}  // namespace

void WaitingLine::join(std::unique_ptr<Sequence> sequence) {
  const Request& request = sequence->request();
  queue_.push(request.owner, request.id, std::move(sequence));
}

void WaitingLine::end_parking() {
  for (auto& sequence : preempted_) {
    if (!sequence->parked()) join(std::move(sequence));
  }
  close_gaps(preempted_);
}

void WaitingLine::offer(const Taker& take) {
  end_parking();
  queue_.offer(take);
}

std::vector<std::unique_ptr<Sequence>> WaitingLine::take_cancelled() {
  std::vector<std::unique_ptr<Sequence>> taken;
  const auto take = [&](std::unique_ptr<Sequence>& sequence) {
    if (sequence->cancelled()) taken.push_back(std::move(sequence));
    return true;
  };
  for (auto& sequence : preempted_) take(sequence);
  close_gaps(preempted_);
  queue_.visit(take);
  return taken;
}

std::vector<std::unique_ptr<Sequence>> WaitingLine::take_submitted_before(Clock::time_point time) {
  std::vector<std::unique_ptr<Sequence>> taken;
  queue_.visit([&](std::unique_ptr<Sequence>& sequence) {
    if (sequence->request().submitted > time) return false;
    if (!sequence->is_deadline_exempt()) taken.push_back(std::move(sequence));
    return true;
  });
  return taken;
}

std::optional<Clock::time_point> WaitingLine::oldest_submission() const {
  std::optional<Clock::time_point> oldest;
  queue_.visit([&](const std::unique_ptr<Sequence>& sequence) {
    if (sequence->is_deadline_exempt()) return true;
    const Clock::time_point submitted = sequence->request().submitted;
    if (!oldest || submitted < *oldest) oldest = submitted;
    return false;
  });
  return oldest;
}

void WaitingLine::credit(RequestId id, int32_t tokens, int32_t window) {
  const auto credit = [&](std::unique_ptr<Sequence>& sequence) {
    if (sequence->request().id == id) sequence->credit(tokens, window);
    return true;
  };
  for (auto& sequence : preempted_) credit(sequence);
  queue_.visit(credit);
}

bool WaitingLine::has_runnable() const {
  return !queue_.empty() || parked_count() < int64_t(preempted_.size());
}

int64_t WaitingLine::parked_count() const {
  return std::count_if(preempted_.begin(), preempted_.end(),
                       [](const auto& sequence) { return sequence->parked(); });
}

}  // namespace sluice
