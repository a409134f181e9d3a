#include "engine/scheduler.h"

#include <algorithm>
#include <cstdlib>

namespace sluice {
namespace {

constexpr double kPromptMsBeside = 80;
constexpr double kPromptMsMost = 220;
// A prompt that nearly fits is computed whole: a step may have this part of its rows more.
constexpr int32_t kOvershoot = 4;
// Shorter chunks share a call: alone, each would read all weights for a few rows. Longer ones do
// where they are as long as each other; of unequal lengths, llama.cpp computes what they have in
// common and then the rests (159 rows of four prompts took 199 ms, in calls of their own 175).
constexpr int32_t kOwnCallMin = 32;
// Beyond that, a row becomes no cheaper, and who is done first waits for the others.
constexpr int32_t kSharedCallMax = 192;
// In a call, attention costs each prompt what it costs the deepest.
constexpr int32_t kDepthsApartMax = 256;

int32_t left_of(const SequenceView& prompt) { return prompt.n_tokens - prompt.n_computed; }
// Until somebody can go on: it, or one that waits for its beginning.
int32_t left_to_stop(const SequenceView& prompt) { return prompt.stop - prompt.n_computed; }

// Shares the rows among prompts that are sorted by how much is left of them.
std::vector<Chunk> share_rows(const std::vector<SequenceView>& prompts, int32_t rows) {
  const auto oldest =
      std::min_element(prompts.begin(), prompts.end(),
                       [](const auto& a, const auto& b) { return a.arrival < b.arrival; });
  int32_t reserved = oldest == prompts.begin() ? 0 : rows / 2;
  const int32_t all_rows = rows;
  std::vector<Chunk> chunks;
  for (auto prompt = prompts.begin(); prompt != prompts.end(); ++prompt) {
    if (prompt == oldest) reserved = 0;
    const int32_t wanted = left_to_stop(*prompt);
    int32_t count = std::min(rows - reserved, wanted);
    if (count <= 0) continue;
    if (wanted - count <= all_rows / kOvershoot) count = wanted;
    const bool is_worth_it = count == wanted || count >= all_rows / 2 || prompt == oldest;
    if (!is_worth_it && !chunks.empty()) continue;
    chunks.push_back({prompt->slot, prompt->n_computed, count});
    rows -= count;
  }
  return chunks;
}

std::vector<std::vector<Chunk>> calls_of(std::vector<Chunk> chunks) {
  std::sort(chunks.begin(), chunks.end(),
            [](const Chunk& a, const Chunk& b) { return a.slot < b.slot; });
  std::vector<std::vector<Chunk>> calls;
  std::vector<Chunk> together;
  for (const Chunk& chunk : chunks) {
    if (chunk.count < kOwnCallMin) {
      together.push_back(chunk);
      continue;
    }
    const auto equal = std::find_if(calls.begin(), calls.end(), [&](const auto& call) {
      const Chunk& first = call.front();
      return first.count == chunk.count && int32_t(call.size() + 1) * chunk.count <= kSharedCallMax &&
             std::abs(first.begin - chunk.begin) <= kDepthsApartMax;
    });
    if (equal != calls.end()) {
      equal->push_back(chunk);
    } else {
      calls.push_back({chunk});
    }
  }
  if (!together.empty()) calls.insert(calls.begin(), std::move(together));
  return calls;
}

}  // namespace

StepPlan plan_step(const std::vector<SequenceView>& sequences, int32_t prompt_rows) {
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
    const int32_t left_a = left_to_stop(a), left_b = left_to_stop(b);
    return left_a != left_b ? left_a < left_b : a.arrival < b.arrival;
  });
  plan.prefills = calls_of(share_rows(prompts, prompt_rows));
  return plan;
}

double prompt_ms(int32_t generating, int32_t prompts, double singles_ms) {
  if (generating == 0) return kPromptMsMost;
  const double by_number = kPromptMsBeside * (2.0 * prompts / generating - 1);
  const double ms = std::clamp(by_number, kPromptMsBeside, kPromptMsMost);
  return std::max(ms, singles_ms);
}

}  // namespace sluice
