#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/batch/sequence.h"
#include "engine/policy/compaction.h"
#include "llama/context.h"
#include "memory/prefix-cache.h"

namespace sluice {

struct SlotsOptions {
  int32_t parallel;      // slots
  int32_t shared_cells;  // of all slots together; 0: each has as many as it can need
  uint64_t cache_bytes;  // host memory for states
  bool keeps_ahead;      // not where states lie on another machine: copying takes seconds
};

// Hears of states that were copied to host memory, and of sequences whose states may be bad.
class StateWatcher {
 public:
  virtual ~StateWatcher() = default;
  virtual void kept(const std::shared_ptr<SavedState>& state) = 0;
  virtual void forgotten(const std::string& salt, const std::vector<int32_t>& tokens) = 0;
};

// The slots of the batch (a slot is a llama.cpp sequence id), the sequences in them, and what the
// free ones remember. A sequence starts with the longest prefix that is computed already. What it
// computes stays after it: in its slot until another sequence needs that, then in host memory.
//
// Rules of sharing, by which no cached cell is ever a wrong one:
//  1. A slot's cells are exactly the computed tokens of its sequence, or `remembered`, in order.
//  2. A copy is always of a whole sequence, then cut to what is shared; where the model cannot be
//     cut (Context::can_trim) it must be shared whole.
//  3. After a batch that failed, or was aborted on a model that cannot be cut, nothing of its
//     sequences is kept. A batch of several sequences may have moved recurrent states of others: on
//     such a model it is never aborted, and after a failure nothing is kept at all.
//  4. At least one token of a prompt is computed, for its logits; with prompt logprobs, all that
//     have a next token (Sequence::shared_max).
//  5. Where the model cannot be cut, drafted tokens that were not accepted are taken back before
//     anything of their sequence is copied, and none are drafted while a boundary is ahead.
//
// Owned by StepLoop. Engine thread only.
class Slots {
 public:
  Slots(Context& context, const SlotsOptions& options);

  int32_t count() const { return int32_t(slots_.size()); }
  // Null when the slot is free.
  Sequence* at(int32_t slot) const { return slots_[size_t(slot)].live.get(); }
  Sequence* find(RequestId id) const;
  int32_t live_count() const;
  int64_t cells_live() const;
  int64_t cells_remembered() const;
  const PrefixCache& cache() const { return cache_; }

  // Whether it can start now.
  bool has_room(const Sequence& sequence) const { return has_room(sequence, true); }
  // Whether it could start if those were preempted that have been parked for a while. A reader that
  // is only a few tokens late does not cost its reply the slot.
  bool would_have_room(const Sequence& sequence) const { return has_room(sequence, false); }
  // The running sequence that is computing a longer prefix of this one than is there to start from.
  // It gets a boundary where the two differ, so that the state there can be shared.
  std::optional<Leader> find_leader(const Sequence& sequence);
  // Whether it could start now, and had so few tokens left to compute then; and none that another
  // is computing for it.
  bool would_be_soon_done(const Sequence& sequence, int32_t rows_max);
  // Only where has_room(). It starts from the longest prefix that is computed.
  void start(std::unique_ptr<Sequence> sequence);

  // The reply ended: the slot is free, and remembers what was computed.
  std::unique_ptr<Sequence> finish(int32_t slot);
  // Its slot or its cells are needed: its state goes to host memory until it comes back.
  std::unique_ptr<Sequence> preempt(int32_t slot);
  // Its batch failed (rule 3).
  void forget(int32_t slot);
  // The sequence's logits were not numbers, so states that were kept of its prefixes may be bad
  // too.
  void forget_prefixes(const Sequence& sequence);
  void forget_all();
  // Its batch was aborted: what was computed of it is cut off (rules 1, 3).
  void cut(int32_t slot);
  // Its batch computed more rows than are used: those are taken back (rule 1).
  void roll_back(int32_t slot);
  // Copies the state that the next newcomer would push out of its slot, where there is room for it
  // beside those that are kept: it need not wait for that then.
  void keep_ahead();
  // It was preempted and never comes back.
  void disown(RequestId id) { cache_.disown(id); }

  // The sequence has reached one of its boundaries: keeps its state, where the model cannot be cut
  // back to there later.
  void checkpoint(const Sequence& sequence);
  // Moves running sequences to neighbouring slots until then; returns how many moved (see
  // policy/compaction.h).
  int32_t compact(Clock::time_point until);

  // What it would start from: tokens that are computed.
  int32_t shared_now(const Sequence& sequence) { return find_source(sequence).shared; }
  // A state that another than these slots has kept, for as long as there is room for it.
  void bring(std::shared_ptr<SavedState> state) { cache_.insert(std::move(state)); }
  // What a slot's cells hold, its state to be copied. `is_settled` is for who copies states of free
  // slots: it stays as it is until another sequence leaves the slot.
  struct Held {
    const std::string& salt;
    std::vector<int32_t> tokens;
  };
  Held held(int32_t slot) const;
  bool is_settled(int32_t slot) const { return slots_[size_t(slot)].is_settled; }
  void settle(int32_t slot) { slots_[size_t(slot)].is_settled = true; }
  size_t state_bytes(int32_t slot) { return context_.state_bytes(slot); }
  // Null where it cannot be read, or there is no memory. The cache does not have it.
  std::shared_ptr<SavedState> copy(int32_t slot);
  // The watcher must outlive it.
  void watch(StateWatcher& watcher) { watcher_ = &watcher; }

  // With shared cells: frees remembered ones until so many are free. False where it cannot.
  bool free_cells(int64_t cells, int32_t but_slot = -1);
  // When the next parked sequence will have been parked for a while.
  std::optional<Clock::time_point> next_to_yield() const;
  // The slot of the sequence that has been parked longest, and of the one that came last; -1: none.
  int32_t longest_parked() const;
  int32_t youngest() const;

 private:
  struct SlotContent {
    std::unique_ptr<Sequence> live;
    // Of a free slot: the tokens of its cells, their salt, and when it became free.
    std::vector<int32_t> remembered;
    std::string salt;
    uint64_t left_at = 0;
    bool is_settled = false;
  };
  // Where a sequence's prefix is taken from.
  struct Source {
    int32_t shared = 0;                 // tokens
    int32_t slot = -1;                  // a slot that holds it,
    bool is_taken_over = false;         // which is free and need not be kept as it is,
    std::shared_ptr<SavedState> state;  // or a copy
  };

  struct Computing {
    Sequence* sequence;  // null: none is
    int32_t shared;
  };

  bool has_room(const Sequence& sequence, bool beside_parked) const;
  Computing find_computing(const Sequence& sequence, int32_t there) const;
  int64_t cells_of(const SlotContent& content) const;
  Source find_source(const Sequence& sequence);
  bool serves(int32_t shared, size_t computed) const;
  int32_t choose_slot() const;
  int32_t fill(int32_t slot, const Sequence& sequence, Source source);
  void vacate(int32_t slot);
  bool is_worth_keeping(const SlotContent& content);
  bool make_cells_for(int32_t slot, const Sequence& sequence, const Source& source);
  // Null where it is larger than the cache, or cannot be read.
  std::shared_ptr<SavedState> save(int32_t slot, const std::string& salt,
                                   std::vector<int32_t> tokens, RequestId owner);
  void keep(const std::shared_ptr<SavedState>& state);
  void plan_checkpoints(Sequence& sequence);
  bool swap(const Swap& swap);

  Context& context_;
  const SlotsOptions options_;
  std::vector<SlotContent> slots_;
  PrefixCache cache_;
  StateWatcher* watcher_ = nullptr;
  uint64_t departures_ = 0;
  StateBuffer moving_, making_room_;  // kept for the next swap
};

}  // namespace sluice
