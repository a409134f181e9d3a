#include "memory/memory-budget.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice {
namespace {

using BytesByKey = std::map<std::string, uint64_t>;

void take_most(BytesByKey& most, const BytesByKey& other) {
  for (const auto& [key, bytes] : other) most[key] = std::max(most[key], bytes);
}

uint64_t sum(const BytesByKey& weights) {
  uint64_t total = 0;
  for (const auto& [key, bytes] : weights) total += bytes;
  return total;
}

// Bytes that both have.
uint64_t common(const BytesByKey& weights, const BytesByKey& own) {
  uint64_t total = 0;
  for (const auto& [key, bytes] : weights) {
    const auto it = own.find(key);
    if (it != own.end()) total += std::min(bytes, it->second);
  }
  return total;
}

}  // namespace

MemoryBudget& MemoryBudget::of_process() {
  // Leaked on purpose: engine threads may outlive static destruction at process exit.
  static auto* budget = new MemoryBudget();
  return *budget;
}

MemoryBudget::Share::Share(MemoryBudget& budget, uint64_t system_free_bytes)
    : budget_(budget), system_free_bytes_(system_free_bytes), free_at_first_(system_free_bytes) {
  const std::lock_guard<std::mutex> lock(budget_.mutex_);
  // The others' memory is free no longer, and will be again: this engine may outlive them.
  if (!budget_.is_unused()) free_at_first_ = std::max(free_at_first_, budget_.free_at_first_);
  budget_.shares_[this] = {};
}

MemoryBudget::Share::~Share() {
  const std::lock_guard<std::mutex> lock(budget_.mutex_);
  budget_.shares_.erase(this);
}

FreeMemory MemoryBudget::Share::free(const SharedWeights& own) const {
  const std::lock_guard<std::mutex> lock(budget_.mutex_);
  const MemoryNeed beside = budget_.promised_beside(*this);
  const auto& [mapped, copied] = beside.weights;
  // The system counts mapped weights as free, since it can drop them, and copied ones as taken.
  const uint64_t there = common(copied, own.copied);
  const uint64_t promised =
      beside.other + sum(mapped) - common(mapped, own.mapped) + sum(copied) - there;
  if (promised == 0) return {system_free_bytes_ + there, 0};
  uint64_t& at_first = budget_.free_at_first_;
  at_first = std::max(at_first, system_free_bytes_);  // more is free where another program ended
  return {std::min(system_free_bytes_ + there, at_first - std::min(at_first, promised)), promised};
}

void MemoryBudget::Share::promise(MemoryNeed need) const {
  const std::lock_guard<std::mutex> lock(budget_.mutex_);
  if (budget_.is_unused()) budget_.free_at_first_ = free_at_first_;
  budget_.shares_[this] = std::move(need);
}

MemoryBudget::Turn MemoryBudget::Share::turn(const std::function<bool()>& is_abandoned) const {
  std::unique_lock<std::mutex> lock(budget_.mutex_);
  while (!is_abandoned()) {
    if (!budget_.is_turn_taken_) {
      budget_.is_turn_taken_ = true;
      return Turn(&budget_);
    }
    budget_.turn_ended_.wait_for(lock, std::chrono::milliseconds(20));
  }
  return nullptr;
}

void MemoryBudget::EndTurn::operator()(MemoryBudget* budget) const {
  {
    const std::lock_guard<std::mutex> lock(budget->mutex_);
    budget->is_turn_taken_ = false;
  }
  budget->turn_ended_.notify_all();
}

bool MemoryBudget::is_unused() const {
  return std::all_of(shares_.begin(), shares_.end(), [](const auto& entry) {
    const auto& [weights, other] = entry.second;
    return weights.mapped.empty() && weights.copied.empty() && other == 0;
  });
}

MemoryNeed MemoryBudget::promised_beside(const Share& share) const {
  MemoryNeed beside;
  for (const auto& [other, need] : shares_) {
    if (other == &share) continue;
    beside.other += need.other;
    take_most(beside.weights.mapped, need.weights.mapped);
    take_most(beside.weights.copied, need.weights.copied);
  }
  return beside;
}

}  // namespace sluice
