#include "engine/request/ledger.h"

namespace sluice {

bool Ledger::admit(const std::vector<std::shared_ptr<Ticket>>& tickets, size_t in_flight_max) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (in_flight_ + tickets.size() > in_flight_max) return false;
  stats_.started += int64_t(tickets.size());
  if (closed_) {
    stats_.failed += int64_t(tickets.size());
    return true;
  }
  for (const auto& ticket : tickets) {
    requests_[ticket->id].ticket = ticket;
    unprepared_.emplace(ticket->id, ticket);
  }
  in_flight_ += tickets.size();
  return true;
}

void Ledger::close() {
  std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
}

std::shared_ptr<Ticket> Ledger::find(RequestId id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = requests_.find(id);
  return it == requests_.end() ? nullptr : it->second.ticket;
}

bool Ledger::cancel(RequestId id) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = requests_.find(id);
  if (it == requests_.end()) return false;
  Entry& entry = it->second;
  if (entry.ticket) {
    entry.ticket->cancelled = true;
    return true;
  }
  entry.outcome = Outcome::cancelled;
  return false;
}

bool Ledger::retire(RequestId id, Outcome outcome, Phase phase) {
  std::lock_guard<std::mutex> lock(mutex_);
  return retire_locked(id, outcome, phase);
}

bool Ledger::retire_locked(RequestId id, Outcome outcome, Phase phase) {
  const auto it = requests_.find(id);
  if (it == requests_.end() || !it->second.ticket) return false;
  it->second = {nullptr, it->second.ticket->cancelled ? Outcome::cancelled : outcome, phase};
  --in_flight_;
  unprepared_.erase(id);
  if (outcome == Outcome::cancelled) {  // it stays that, whatever else is asked until it is told
    count(it->second);
    requests_.erase(it);
  }
  return true;
}

std::optional<Outcome> Ledger::tell(RequestId id) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = requests_.find(id);
  if (it == requests_.end() || it->second.ticket) return std::nullopt;
  const Outcome outcome = it->second.outcome;
  count(it->second);
  requests_.erase(it);
  return outcome;
}

void Ledger::count(const Entry& end) {
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
  for (auto& [id, entry] : requests_) {
    if (entry.ticket)
      entry.outcome = entry.ticket->cancelled ? Outcome::cancelled : Outcome::failed;
    count(entry);
  }
  requests_.clear();
  unprepared_.clear();
  in_flight_ = 0;
}

bool Ledger::hand_over(RequestId id) {
  std::lock_guard<std::mutex> lock(mutex_);
  return unprepared_.erase(id) == 1;
}

Ledger::Gone Ledger::retire_unprepared(Clock::time_point time) {
  std::lock_guard<std::mutex> lock(mutex_);
  Gone gone;
  for (const auto& [id, ticket] : unprepared_) {
    if (ticket->cancelled) {
      gone.cancelled.push_back(ticket);
    } else if (ticket->submitted < time) {
      gone.late.push_back(ticket);
    }
  }
  for (const auto& ticket : gone.cancelled) {
    retire_locked(ticket->id, Outcome::cancelled, Phase::queued);
  }
  for (const auto& ticket : gone.late) {
    retire_locked(ticket->id, Outcome::failed, Phase::queued);
    ticket->cancelled = true;
  }
  return gone;
}

std::optional<Clock::time_point> Ledger::oldest_unprepared() const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (unprepared_.empty()) return std::nullopt;
  return unprepared_.begin()->second->submitted;
}

std::vector<std::shared_ptr<Ticket>> Ledger::in_flight() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::shared_ptr<Ticket>> requests;
  for (const auto& entry : requests_) {
    if (entry.second.ticket) requests.push_back(entry.second.ticket);
  }
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
  // Whoever holds no slot waits: for one, with the Preparer or in the queue, or to be told of his
  // end, so that nobody is neither under way nor counted.
  const int64_t waiting = int64_t(requests_.size()) - stats.running - stats.parked;
  stats.queued = waiting > 0 ? waiting : 0;
  return stats;
}

}  // namespace sluice
