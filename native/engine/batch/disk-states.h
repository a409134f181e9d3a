#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "disk/state-store.h"
#include "engine/batch/sequence.h"
#include "engine/batch/slots.h"
#include "engine/policy/prefill-cost.h"

namespace sluice {

// Between the slots and the states on disk: which states are written there, and which sequence
// waits for one. The disk itself is waited for by the store's threads alone.
//
// A state is offered where it is copied to host memory anyway; when a slot has become free, if the
// copy takes no longer than a step may wait; when nothing else is to be done; and at the engine's
// end. Of each, only where it is worth it (is_worth_writing).
//
// Owned by StepLoop. Engine thread only.
class DiskStates : public StateWatcher {
 public:
  // `store` is null where there is none; then nothing is done.
  DiskStates(StateStore* store, Slots& slots, const PrefillCost& cost, uint64_t reading_bytes_max);

  // Whether it is to wait for a state that is being read. Where it has come, the slots have it.
  bool must_wait(Sequence& sequence);
  // Copies states of free slots: with `is_idle` all of them, else one that takes not long.
  void save_free_slots(bool is_idle);
  void step_begins() { idle_since_.reset(); }
  // When to do so again, or to wait no longer for a read.
  std::optional<Clock::time_point> next_turn() const;
  // Copies all that the slots hold and is worth it, until then.
  void save_all(Clock::time_point until);

  void kept(const std::shared_ptr<SavedState>& state) override;
  void forgotten(const std::string& salt, const std::vector<int32_t>& tokens) override;
  StateStoreCounts counts() const { return store_ ? store_->counts() : StateStoreCounts(); }

 private:
  enum class Copied { no, later, yes };
  Copied save(int32_t slot, double ms_max);
  bool begin_read(Sequence& sequence);
  uint64_t bytes_being_read();
  double token_ms(const std::vector<int32_t>& tokens) const {
    return cost_.token_ms(int32_t(tokens.size()));
  }
  double copy_ms(uint64_t bytes) const { return double(bytes) / copied_bytes_per_ms_; }

  StateStore* const store_;
  Slots& slots_;
  const PrefillCost& cost_;
  const uint64_t reading_bytes_max_;
  double copied_bytes_per_ms_ = 2e6;
  std::vector<std::weak_ptr<DiskRead>> reads_;  // whose sequences have not started
  std::optional<Clock::time_point> idle_since_, try_again_at_;
  Clock::time_point patient_until_{};
};

}  // namespace sluice
