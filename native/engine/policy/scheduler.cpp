#include "engine/policy/scheduler.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace sluice {
namespace {

// Shorter chunks share a batch: alone, each would read all weights for a few rows. Longer ones
// share one only with chunks of the same length: of unequal chunks llama.cpp computes the length
// that they have in common, then the rests (159 rows of four prompts: 199 ms, in batches of their
// own 175).
constexpr int32_t kOwnBatchMin = 32;
// In a batch, attention costs each prompt what it costs the deepest one.
constexpr int32_t kDepthsApartMax = 256;

int32_t left_of(const SequenceView& prompt) { return prompt.n_tokens - prompt.n_computed; }
// Until it can generate, or a sequence that waits for its prefix can start.
int32_t left_to_boundary(const SequenceView& prompt) { return prompt.boundary - prompt.n_computed; }

// Of these limits' prompts, what may be computed now.
int32_t wanted_of(const SequenceView& prompt, const PromptLimits& limits) {
  const bool is_end = prompt.boundary == prompt.n_tokens;
  return left_to_boundary(prompt) - (limits.holds && is_end ? 1 : 0);
}

PromptLimits limits_of(const SequenceView& prompt, const PromptLimits& limits) {
  if (!prompt.is_scored) return limits;
  PromptLimits own = limits;
  own.batch_rows = std::min(limits.batch_rows, limits.batch_logits);
  own.rows = std::min({limits.rows, limits.scored_rows, own.batch_rows});
  own.rows_most = std::min(limits.rows_most, own.rows);
  return own;
}

// How much of a prompt a step computes where so many rows are left, or 0.
int32_t part_of(const SequenceView& prompt, int32_t rows_left, const PromptLimits& all_limits) {
  const PromptLimits limits = limits_of(prompt, all_limits);
  const int32_t rows = std::min(rows_left, limits.rows);
  const int32_t wanted = wanted_of(prompt, limits);
  if (rows <= 0) return 0;
  const int32_t most = std::min(limits.rows_most, limits.batch_rows);
  if (wanted <= rows + std::max(0, most - limits.rows)) return wanted;
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
    if (count > 0) {
      chunks.push_back(
          {prompt->slot, prompt->n_computed, count, prompt->is_scored, prompt->adapters});
    }
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

int32_t rows_of(const std::vector<Chunk>& batch) {
  int32_t rows = 0;
  for (const Chunk& chunk : batch) rows += chunk.count;
  return rows;
}

bool can_share(const std::vector<Chunk>& batch, const Chunk& chunk, const PromptLimits& limits) {
  if (batch.front().adapters != chunk.adapters) return false;
  if (rows_of(batch) + chunk.count > limits.batch_rows) return false;
  if (logits_of(batch) + logits_of(chunk) > limits.batch_logits) return false;
  if (limits.shares_cells) return true;
  const Chunk& first = batch.front();
  const bool are_short = first.count < kOwnBatchMin && chunk.count < kOwnBatchMin;
  const bool are_equal =
      first.count == chunk.count && std::abs(first.begin - chunk.begin) <= kDepthsApartMax;
  return are_short || are_equal;
}

// The short ones first: they are soon done.
std::vector<std::vector<Chunk>> batches_of(std::vector<Chunk> chunks, const PromptLimits& limits) {
  std::sort(chunks.begin(), chunks.end(), [](const Chunk& a, const Chunk& b) {
    return std::pair(a.count >= kOwnBatchMin, a.slot) < std::pair(b.count >= kOwnBatchMin, b.slot);
  });
  std::vector<std::vector<Chunk>> batches;
  for (Chunk chunk : chunks) {
    if (chunk.count <= limits.batch_rows) {
      const auto shared = std::find_if(batches.begin(), batches.end(), [&](const auto& batch) {
        return can_share(batch, chunk, limits);
      });
      if (shared != batches.end()) {
        shared->push_back(chunk);
        continue;
      }
    }
    for (; chunk.count > limits.batch_rows; chunk.count -= limits.batch_rows) {
      batches.push_back(
          {{chunk.slot, chunk.begin, limits.batch_rows, chunk.is_scored, chunk.adapters}});
      chunk.begin += limits.batch_rows;
    }
    batches.push_back({chunk});
  }
  return batches;
}

}  // namespace

StepPlan plan_step(const std::vector<SequenceView>& sequences, const PromptLimits& limits) {
  StepPlan plan;
  std::map<int32_t, std::vector<int32_t>> singles;  // by their adapters
  std::vector<SequenceView> prompts;
  for (const SequenceView& sequence : sequences) {
    if (sequence.parked || left_of(sequence) == 0) continue;
    if (left_of(sequence) == 1) {
      if (limits.holds && !sequence.is_generating) continue;
      singles[sequence.adapters].push_back(sequence.slot);
    } else {
      prompts.push_back(sequence);
    }
  }
  for (auto& [adapters, slots] : singles) plan.singles.push_back(std::move(slots));
  if (prompts.empty()) return plan;
  std::sort(prompts.begin(), prompts.end(), [](const auto& a, const auto& b) {
    const int32_t left_a = left_to_boundary(a), left_b = left_to_boundary(b);
    return left_a != left_b ? left_a < left_b : a.arrival < b.arrival;
  });
  plan.prefills = batches_of(share_rows(prompts, limits), limits);
  return plan;
}

}  // namespace sluice
