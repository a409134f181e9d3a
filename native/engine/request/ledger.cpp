#include "engine/request/ledger.h"

namespace sluice {

void Ledger::admit(const std::vector<std::shared_ptr<Ticket>>& tickets) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return;
  for (const auto& ticket : tickets) {
    requests_.emplace(ticket->id, ticket);
    unprepared_.emplace(ticket->id, ticket);
  }
}

void Ledger::close() {
  std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
}

std::shared_ptr<Ticket> Ledger::find(RequestId id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = requests_.find(id);
  return it == requests_.end() ? nullptr : it->second;
}

bool Ledger::cancel(RequestId id) {
  const std::shared_ptr<Ticket> ticket = find(id);
  if (ticket) ticket->cancelled = true;
  return ticket != nullptr;
}

bool Ledger::retire(RequestId id) {
  std::lock_guard<std::mutex> lock(mutex_);
  return retire_locked(id);
}

bool Ledger::retire_locked(RequestId id) {
  unprepared_.erase(id);
  return requests_.erase(id) == 1;
}

void Ledger::retire_all() noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  requests_.clear();
  unprepared_.clear();
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
    retire_locked(ticket->id);
  }
  for (const auto& ticket : gone.late) {
    retire_locked(ticket->id);
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
    requests.push_back(entry.second);
  }
  return requests;
}

void Ledger::publish(const Stats& step, const std::vector<SlotView>& slots) {
  std::lock_guard<std::mutex> lock(mutex_);
  stats_ = step;
  slots_ = slots;
  idle_since_.reset();  // what is published tells of it
}

Stats Ledger::stats() const {
  std::lock_guard<std::mutex> lock(mutex_);
  Stats stats = stats_;
  stats.beats = beats_;
  stats.preparer_beats = preparer_beats_;
  stats.busy = !idle_since_;
  if (idle_since_) stats.idle_ms += ms_since(*idle_since_);
  return stats;
}

std::vector<SlotView> Ledger::slots() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return slots_;
}

void Ledger::set_idle(std::optional<Clock::time_point> since) {
  std::lock_guard<std::mutex> lock(mutex_);
  idle_since_ = since;
}

}  // namespace sluice
