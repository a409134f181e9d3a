#include "engine/ledger.h"

namespace sluice {

bool Ledger::admit(const std::vector<std::shared_ptr<Ticket>>& tickets, size_t in_flight_max) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (requests_.size() + tickets.size() > in_flight_max) return false;
  for (const auto& ticket : tickets) requests_.emplace(ticket->id, ticket);
  stats_.started += int64_t(tickets.size());
  return true;
}

std::shared_ptr<Ticket> Ledger::find(RequestId id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = requests_.find(id);
  return it == requests_.end() ? nullptr : it->second;
}

bool Ledger::cancel(RequestId id) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto request = requests_.find(id);
  if (request != requests_.end()) {
    request->second->cancelled = true;
    return true;
  }
  const auto end = ended_.find(id);
  if (end != ended_.end()) end->second.outcome = Outcome::cancelled;
  return false;
}

bool Ledger::retire(RequestId id, Outcome outcome, Phase phase) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto request = requests_.find(id);
  if (request == requests_.end()) return false;
  ended_[id] = {request->second->cancelled ? Outcome::cancelled : outcome, phase};
  requests_.erase(request);
  return true;
}

std::optional<Outcome> Ledger::tell(RequestId id) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = ended_.find(id);
  if (found == ended_.end()) return std::nullopt;
  const End end = found->second;
  ended_.erase(found);
  count(end);
  return end.outcome;
}

void Ledger::count(const End& end) {
  switch (end.outcome) {
    case Outcome::finished: ++stats_.finished; break;
    case Outcome::cancelled:
      ++stats_.cancelled;
      ++stats_.cancelled_in[size_t(end.phase)];
      break;
    case Outcome::failed: ++stats_.failed; break;
  }
}

void Ledger::retire_all() noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& entry : ended_) count(entry.second);
  ended_.clear();
  for (const auto& entry : requests_) {
    count({entry.second->cancelled ? Outcome::cancelled : Outcome::failed, Phase::queued});
  }
  requests_.clear();
}

std::vector<std::shared_ptr<Ticket>> Ledger::in_flight() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::shared_ptr<Ticket>> requests;
  for (const auto& entry : requests_) requests.push_back(entry.second);
  return requests;
}

void Ledger::publish(const Stats& step) {
  std::lock_guard<std::mutex> lock(mutex_);
  Stats merged = step;
  merged.started = stats_.started;
  merged.finished = stats_.finished;
  merged.cancelled = stats_.cancelled;
  merged.failed = stats_.failed;
  merged.cancelled_in = stats_.cancelled_in;
  stats_ = merged;
}

Stats Ledger::stats() const {
  std::lock_guard<std::mutex> lock(mutex_);
  Stats stats = stats_;
  stats.beats = beats_;
  stats.preparer_beats = preparer_beats_;
  stats.busy = busy_;
  // Whoever holds no place waits: for one, with the Preparer or in the queue, or to be told of his
  // end, so that nobody is neither under way nor counted.
  const int64_t in_flight = int64_t(requests_.size() + ended_.size());
  const int64_t waiting = in_flight - stats.running - stats.parked;
  stats.queued = waiting > 0 ? waiting : 0;
  return stats;
}

}  // namespace sluice
