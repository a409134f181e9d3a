#include "engine/policy/prompt-limits.h"

#include <algorithm>

namespace sluice {
namespace {

// Of the 300 ms: what is left is for what the cost does not tell, such as sampling, and for batches
// that take longer than expected.
constexpr double kPauseMs = 245;
// A step that has copied for long goes on for so long all the same.
constexpr double kLeftMsMin = 60;
// So many times the single rows' own batch may take longer than that.
constexpr double kSinglesMost = 3;
// What a newcomer waits for half of, where nobody waits for tokens.
constexpr double kAloneMs = 2500;
constexpr double kNearAlone = 0.03;  // see PrefillCost::Wish
constexpr double kUnabortableMs = 80;
constexpr double kHeldMsMax = 2500;
// Prompts are short of which so many fit the largest batch.
constexpr int32_t kHeldPartMin = 4;

struct Prompts {
  int32_t generating = 0, ready = 0, count = 0;
  int32_t rows = 0;   // that are left of all
  int32_t begin = 0;  // the deepest of those that are served first
  int32_t most = 0;   // rows that are left of the one with the most
  bool is_scored = false;
  bool is_reply_parked = false;  // some reply waits for its reader
};

Prompts prompts_of(const std::vector<SequenceView>& sequences) {
  Prompts all;
  const SequenceView *shortest = nullptr, *oldest = nullptr;
  for (const SequenceView& one : sequences) {
    const int32_t left = one.n_tokens - one.n_computed;
    if (one.parked) all.is_reply_parked |= one.is_generating;
    if (one.parked || left == 0) continue;
    if (left == 1) {
      ++(one.is_generating ? all.generating : all.ready);
      continue;
    }
    ++all.count;
    all.rows += left;
    all.most = std::max(all.most, left);
    all.is_scored |= one.is_scored;
    if (!shortest || left < shortest->n_tokens - shortest->n_computed) shortest = &one;
    if (!oldest || one.arrival < oldest->arrival) oldest = &one;
  }
  if (shortest) all.begin = std::max(shortest->n_computed, oldest->n_computed);
  return all;
}

bool are_held(const Prompts& prompts, const PrefillCost& cost, const PrefillCost::Wish& wish,
              double held_ms) {
  if (prompts.is_scored || prompts.count + prompts.ready <= prompts.generating) return false;
  const bool was_held = held_ms >= 0;
  if (prompts.most > cost.rows_max() / kHeldPartMin) return false;
  if (!was_held && prompts.rows <= cost.rows_max()) return false;
  const int32_t rows = std::min(cost.rows_for(wish), cost.rows_max());
  const double batch_ms = cost.ms_of({rows, wish.has_tiles ? rows : 1, double(wish.begin)});
  const double left_ms = batch_ms * prompts.rows / rows;
  return batch_ms > 0 && left_ms + std::max(0.0, held_ms) <= kHeldMsMax;
}

}  // namespace

double Hold::ms(Clock::time_point now) const {
  return since_ ? std::chrono::duration<double, std::milli>(now - *since_).count() : -1;
}

void Hold::note(const PromptLimits& limits, Clock::time_point now) {
  if (!limits.holds) {
    since_.reset();
  } else if (!since_) {
    since_ = now;
  }
}

PromptLimits prompt_limits(const std::vector<SequenceView>& sequences, const PrefillCost& cost,
                           const StepTime& time) {
  const Prompts prompts = prompts_of(sequences);
  PromptLimits limits{cost.rows_max(), cost.rows_max(), false};
  if (prompts.count == 0) return limits;
  // A reader who is a little late may be back at once.
  const bool is_alone = prompts.generating == 0 && !prompts.is_reply_parked;
  const double pause_ms = std::max(kPauseMs, kSinglesMost * time.singles_ms);
  const double left_ms = std::max(pause_ms - time.copied_ms, kLeftMsMin);
  PrefillCost::Wish wish;
  wish.begin = prompts.begin;
  wish.has_tiles = prompts.most >= kTileRows;
  wish.is_alone = is_alone;
  wish.beside_ms = is_alone ? 0 : time.singles_ms;
  wish.limit_ms = !is_alone ? left_ms : time.can_abort ? kAloneMs : kUnabortableMs;
  if (is_alone) wish.near = kNearAlone;
  limits.rows = cost.rows_for(wish);
  const int32_t fitting = cost.rows_within(wish.limit_ms - wish.beside_ms, prompts.begin);
  // Alone, also where its rest would be less than a tile.
  const int32_t more = std::max(limits.rows / 2, kTileRows - 1);
  limits.rows_most = is_alone ? limits.rows + more : std::max(limits.rows, fitting);
  wish.near = 0;
  limits.holds = are_held(prompts, cost, wish, time.held_ms);
  if (limits.holds) limits.rows = limits.rows_most = cost.rows_for(wish);
  return limits;
}

bool has_adapted_prompt(const std::vector<SequenceView>& sequences) {
  return std::any_of(sequences.begin(), sequences.end(), [](const SequenceView& one) {
    return one.adapters > 0 && !one.parked && one.n_tokens - one.n_computed > 1;
  });
}

}  // namespace sluice
