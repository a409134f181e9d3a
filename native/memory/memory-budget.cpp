#include "memory/memory-budget.h"

#include <algorithm>
#include <utility>

namespace sluice {

MemoryBudget& MemoryBudget::of_process() {
  // Leaked on purpose: engine threads may outlive static destruction at process exit.
  static auto* budget = new MemoryBudget();
  return *budget;
}

MemoryBudget::Share::Share(MemoryBudget& budget, uint64_t system_free_bytes)
    : budget_(budget), system_free_bytes_(system_free_bytes) {
  promise({});
}

MemoryBudget::Share::~Share() {
  const std::lock_guard<std::mutex> lock(budget_.mutex_);
  budget_.shares_.erase(this);
}

FreeMemory MemoryBudget::Share::free() const {
  const std::lock_guard<std::mutex> lock(budget_.mutex_);
  const uint64_t promised = budget_.promised_beside(*this);
  if (promised == 0) return {system_free_bytes_, 0};
  uint64_t& at_first = budget_.free_at_first_;
  at_first = std::max(at_first, system_free_bytes_);  // more is free where another program ended
  return {std::min(system_free_bytes_, at_first - std::min(at_first, promised)), promised};
}

void MemoryBudget::Share::promise(MemoryNeed need) const {
  const std::lock_guard<std::mutex> lock(budget_.mutex_);
  if (budget_.is_unused()) budget_.free_at_first_ = system_free_bytes_;
  budget_.shares_[this] = std::move(need);
}

std::unique_lock<std::mutex> MemoryBudget::Share::turn() const {
  return std::unique_lock<std::mutex>(budget_.turn_);
}

bool MemoryBudget::is_unused() const {
  return std::all_of(shares_.begin(), shares_.end(), [](const auto& entry) {
    return entry.second.weights.empty() && entry.second.other == 0;
  });
}

uint64_t MemoryBudget::promised_beside(const Share& share) const {
  const auto& own = shares_.at(&share).weights;
  std::map<std::string, uint64_t> weights;
  uint64_t promised = 0;
  for (const auto& [other, need] : shares_) {
    if (other == &share) continue;
    promised += need.other;
    weights.insert(need.weights.begin(), need.weights.end());
  }
  for (const auto& [file, bytes] : weights) {
    if (own.count(file) == 0) promised += bytes;
  }
  return promised;
}

}  // namespace sluice
