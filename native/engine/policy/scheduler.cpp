#include "engine/policy/scheduler.h"

#include <algorithm>
#include <cstdlib>

namespace sluice {
namespace {

constexpr double kPromptMsBeside = 80;
constexpr double kPromptMsMost = 220;
// A prompt that nearly fits is computed whole: a step may have 1/kOvershoot more rows.
constexpr int32_t kOvershoot = 4;
// But not this deep in a text, where a few rows beyond a tile cost as much as another tile.
constexpr int32_t kDeep = 1024;
// Shorter chunks share a batch: alone, each would read all weights for a few rows. Longer ones
// share one only with chunks of the same length: of unequal chunks llama.cpp computes the length
// that they have in common, then the rests (159 rows of four prompts: 199 ms, in batches of their
// own 175).
constexpr int32_t kOwnBatchMin = 32;
// With more rows a row becomes no cheaper, and the first prompt to be done waits for the others.
constexpr int32_t kSharedBatchMax = 192;
// In a batch, attention costs each prompt what it costs the deepest one.
constexpr int32_t kDepthsApartMax = 256;

int32_t left_of(const SequenceView& prompt) { return prompt.n_tokens - prompt.n_computed; }
// Until it can generate, or a sequence that waits for its prefix can start.
int32_t left_to_boundary(const SequenceView& prompt) { return prompt.boundary - prompt.n_computed; }

PromptLimits limits_of(const SequenceView& prompt, const PromptLimits& limits) {
  if (!prompt.is_scored) return limits;
  PromptLimits own = limits;
  own.batch_rows = std::min(limits.batch_rows, limits.batch_logits);
  own.rows = std::min({limits.rows, limits.scored_rows, own.batch_rows});
  return own;
}

// How much of a prompt a step computes where so many rows are left, or 0.
int32_t part_of(const SequenceView& prompt, int32_t rows_left, const PromptLimits& all_limits) {
  const PromptLimits limits = limits_of(prompt, all_limits);
  const int32_t rows = std::min(rows_left, limits.rows);
  const int32_t wanted = left_to_boundary(prompt);
  if (rows <= 0) return 0;
  const int32_t more = prompt.n_computed < kDeep ? limits.rows / kOvershoot : 0;
  if (wanted <= std::min(rows + more, limits.batch_rows)) return wanted;
  if (rows < limits.rows / 2) return 0;
  return rows < kTileRows ? rows : rows - rows % kTileRows;
}

// Shares the rows among prompts that are sorted by how much is left of them.
std::vector<Chunk> share_rows(const std::vector<SequenceView>& prompts,
                              const PromptLimits& limits) {
  const auto oldest =
      std::min_element(prompts.begin(), prompts.end(),
                       [](const auto& a, const auto& b) { return a.arrival < b.arrival; });
  const bool are_halves_worth_it = limits.rows >= 2 * kTileRows;
  int32_t rows = limits.rows, reserved = 0;
  if (are_halves_worth_it) {
    reserved = rows / 2;
  } else if (limits.is_oldest_turn) {
    reserved = rows;
  }
  std::vector<Chunk> chunks;
  for (auto prompt = prompts.begin(); prompt != prompts.end(); ++prompt) {
    if (prompt == oldest) {
      rows = std::max(rows, reserved);
      reserved = 0;
    }
    const int32_t count = part_of(*prompt, rows - reserved, limits);
    if (count > 0) chunks.push_back({prompt->slot, prompt->n_computed, count, prompt->is_scored});
    rows -= count;
  }
  return chunks;
}

// How many logits it may have; the end of a prompt has one.
int32_t logits_of(const Chunk& chunk) { return chunk.is_scored ? chunk.count : 1; }

int32_t logits_of(const std::vector<Chunk>& batch) {
  int32_t logits = 0;
  for (const Chunk& chunk : batch) logits += logits_of(chunk);
  return logits;
}

std::vector<std::vector<Chunk>> batches_of(std::vector<Chunk> chunks, const PromptLimits& limits) {
  const int32_t batch_rows = limits.batch_rows;
  const auto has_room = [&](const std::vector<Chunk>& batch, const Chunk& chunk) {
    return logits_of(batch) + logits_of(chunk) <= limits.batch_logits;
  };
  std::sort(chunks.begin(), chunks.end(),
            [](const Chunk& a, const Chunk& b) { return a.slot < b.slot; });
  std::vector<std::vector<Chunk>> batches;
  std::vector<Chunk> together;
  const int32_t rows_max = std::min(kSharedBatchMax, batch_rows);
  int32_t rows_together = 0;
  for (const Chunk& chunk : chunks) {
    const bool is_short = chunk.count < kOwnBatchMin && rows_together + chunk.count <= batch_rows;
    if (is_short && has_room(together, chunk)) {
      together.push_back(chunk);
      rows_together += chunk.count;
      continue;
    }
    const auto equal = std::find_if(batches.begin(), batches.end(), [&](const auto& batch) {
      const Chunk& first = batch.front();
      return first.count == chunk.count && int32_t(batch.size() + 1) * chunk.count <= rows_max &&
             std::abs(first.begin - chunk.begin) <= kDepthsApartMax && has_room(batch, chunk);
    });
    if (equal != batches.end()) {
      equal->push_back(chunk);
    } else {
      batches.push_back({chunk});
    }
  }
  if (!together.empty()) batches.insert(batches.begin(), std::move(together));
  return batches;
}

}  // namespace

StepPlan plan_step(const std::vector<SequenceView>& sequences, const PromptLimits& limits) {
  StepPlan plan;
  std::vector<SequenceView> prompts;
  for (const SequenceView& sequence : sequences) {
    if (sequence.parked || left_of(sequence) == 0) continue;
    if (left_of(sequence) == 1) {
      plan.singles.push_back(sequence.slot);
    } else {
      prompts.push_back(sequence);
    }
  }
  if (prompts.empty()) return plan;
  std::sort(prompts.begin(), prompts.end(), [](const auto& a, const auto& b) {
    const int32_t left_a = left_to_boundary(a), left_b = left_to_boundary(b);
    return left_a != left_b ? left_a < left_b : a.arrival < b.arrival;
  });
  plan.prefills = batches_of(share_rows(prompts, limits), limits);
  return plan;
}

double prompt_ms(int32_t generating, int32_t prompts, double singles_ms, bool can_abort) {
  if (generating == 0) return can_abort ? kPromptMsMost : kPromptMsBeside;
  const double by_number = kPromptMsBeside * (2.0 * prompts / generating - 1);
  const double ms = std::clamp(by_number, kPromptMsBeside, kPromptMsMost);
  return std::max(ms, singles_ms);
}

}  // namespace sluice
