#include "engine/policy/prompt-limits.h"

#include <algorithm>
#include <string>
#include <vector>

#include "engine/policy/scheduler.h"
#include "engine/policy/thread-tuner.h"
#include "test/check.h"

using sluice::BatchTime;
using sluice::Chunk;
using sluice::Clock;
using sluice::has_adapted_prompt;
using sluice::Hold;
using sluice::kTileRows;
using sluice::plan_step;
using sluice::PrefillBatch;
using sluice::PrefillCost;
using sluice::prompt_limits;
using sluice::PromptLimits;
using sluice::SequenceView;
using sluice::StepPlan;
using sluice::StepTime;

namespace {

// What a machine takes, in milliseconds: for a batch beside its rows, for a row, for a row after
// 1,000 tokens in a chunk of a tile or more, and in a shorter one; and for a batch of single rows.
struct Machine {
  const char* name;
  double batch_ms, row_ms, deep_ms, deep_short_ms, singles_ms;
  bool can_abort = true;
  double speed_beside = 0.9;  // of a long prompt beside two streams, against alone

  double takes(const PrefillBatch& batch) const {
    const double deep = batch.chunk_rows >= kTileRows ? deep_ms : deep_short_ms;
    return batch_ms + batch.rows * (row_ms + deep * batch.depth / 1000);
  }
};

const Machine kAvx512{"AVX-512, two cores, 200 MB", 8, 1.6, 0.55, 2.2, 15};
const Machine kAmx{"AMX, two cores, 200 MB", 30, 0.3, 0.3, 1.2, 10, true, 0.85};
const Machine kGpu{"a GPU", 12, 0.02, 0.001, 0.001, 8, false, 0.9};
const Machine kSlow{"AVX2, one core, 7B", 150, 38, 5, 20, 250};

// Steps of an engine on that machine, until no prompt is left. Who has been computed generates.
struct Run {
  const Machine& machine;
  PrefillCost& cost;
  std::vector<SequenceView> sequences;
  bool learns = true;
  double slowed = 1;  // so many times as long do batches take, since other programs have the cores

  double now = 0, longest_step = 0;
  Hold hold{};
  int32_t steps = 0, batches = 0;
  std::vector<double> firsts{};      // when each one had its first token
  std::vector<double> gaps{};        // between the tokens of each
  std::vector<double> last_token{};  // by slot; negative before the first

  void run() {
    last_token.assign(sequences.size(), -1);
    while (step() && steps < 10000) {
    }
  }

  bool step() {
    const bool is_over = std::all_of(sequences.begin(), sequences.end(),
                                     [](const auto& one) { return one.is_generating; });
    if (is_over) return false;
    PromptLimits limits =
        prompt_limits(sequences, cost, {machine.singles_ms, machine.can_abort, hold.ms(clock())});
    hold.note(limits, clock());
    limits.is_oldest_turn = steps % 2 == 1;
    const StepPlan plan = plan_step(sequences, limits);
    if (plan.empty()) return false;
    const double start = now;
    if (!plan.singles.empty()) now += slowed * machine.singles_ms;
    for (const auto& batch : plan.singles) {
      for (const int32_t slot : batch) token(slot);
    }
    for (const auto& chunks : plan.prefills) compute(chunks);
    ++steps;
    longest_step = std::max(longest_step, now - start);
    return true;
  }

  Clock::time_point clock() const {
    return Clock::time_point(std::chrono::microseconds(int64_t(1000 * now)));
  }

  void compute(const std::vector<Chunk>& chunks) {
    const PrefillBatch batch = PrefillBatch::of(chunks);
    const double ms = slowed * machine.takes(batch);
    now += ms;
    ++batches;
    if (learns) cost.learn(batch, BatchTime{ms, 1 - 1 / slowed}.undisturbed_ms());
    for (const Chunk& chunk : chunks) {
      SequenceView& one = sequences[size_t(chunk.slot)];
      one.n_computed += chunk.count;
      if (one.n_computed == one.n_tokens) token(chunk.slot);
    }
  }

  void token(int32_t slot) {
    SequenceView& one = sequences[size_t(slot)];
    double& last = last_token[size_t(slot)];
    one.n_computed = one.n_tokens;
    one.n_tokens += 1;
    one.boundary = one.n_tokens;
    one.is_generating = true;
    if (last < 0) {
      firsts.push_back(now);
    } else {
      gaps.push_back(now - last);
    }
    last = now;
  }
};

SequenceView prompt(int32_t slot, int32_t n_tokens) {
  return {slot, n_tokens, 0, n_tokens, uint64_t(slot), false};
}
SequenceView running(int32_t slot) { return {slot, 10, 9, 10, uint64_t(slot), false, false, true}; }
std::vector<SequenceView> prompts(int32_t count, int32_t tokens) {
  std::vector<SequenceView> all;
  for (int32_t slot = 0; slot < count; ++slot) all.push_back(prompt(slot, tokens));
  return all;
}

PrefillCost learned(const Machine& machine) {
  PrefillCost cost(512);
  Run{machine, cost, {prompt(0, 6000)}}.run();
  Run{machine, cost, prompts(4, 36)}.run();
  for (int i = 0; i < 3; ++i) Run{machine, cost, prompts(8, 36)}.run();
  return cost;
}

// How long it takes in batches of 512 rows, which is what llama-server computes.
double in_large_batches(const Machine& machine, int32_t tokens) {
  double ms = 0;
  for (int32_t begin = 0; begin < tokens; begin += 512) {
    const int32_t rows = std::min(512, tokens - begin);
    ms += machine.takes({rows, rows, begin + rows / 2.0});
  }
  return ms;
}

}  // namespace

TEST("prompt limits: a prompt alone is hardly slower than in the largest batches, on any machine") {
  for (const Machine& machine : {kAvx512, kAmx, kGpu, kSlow}) {
    for (const int32_t tokens : {500, 4000, 12000}) {
      PrefillCost cost = learned(machine);
      Run run{machine, cost, {prompt(0, tokens)}};
      run.run();
      CHECK(run.firsts.front() < 1.08 * in_large_batches(machine, tokens));
    }
  }
}

TEST("prompt limits: beside two streams a long prompt has nearly its speed alone") {
  for (const Machine& machine : {kAmx, kGpu}) {
    PrefillCost cost = learned(machine);
    Run run{machine, cost, {running(0), running(1), prompt(2, 4000)}};
    run.run();
    CHECK(run.now < in_large_batches(machine, 4000) / machine.speed_beside);
    CHECK(*std::max_element(run.gaps.begin(), run.gaps.end()) < 300);
  }
}

TEST("prompt limits: where no tile fits into the pause, the pause is a little longer") {
  PrefillCost cost = learned(kAvx512);
  Run run{kAvx512, cost, {running(0), running(1), prompt(2, 4000)}};
  run.run();
  CHECK(run.now < 1.25 * in_large_batches(kAvx512, 4000));
  CHECK(*std::max_element(run.gaps.begin(), run.gaps.end()) < 300);
}

TEST("prompt limits: on a slow machine streams go on beside a prompt, and the prompt too") {
  PrefillCost cost = learned(kSlow);
  Run run{kSlow, cost, {running(0), prompt(1, 1000)}};
  run.run();
  CHECK(*std::max_element(run.gaps.begin(), run.gaps.end()) < 1400);
  CHECK(run.now < 2 * in_large_batches(kSlow, 1000));
}

TEST("prompt limits: what cannot be aborted is kept short") {
  PrefillCost cost = learned(kGpu);
  Run run{kGpu, cost, {prompt(0, 8000)}};
  run.run();
  CHECK(run.longest_step < 80);
  CHECK_EQ(run.batches, 16);
}

TEST("prompt limits: a reply whose reader is a little late is not kept waiting by a prompt") {
  PrefillCost cost(512);
  for (const int32_t rows : {64, 128, 256, 512, 64, 128, 256, 512}) {
    const PrefillBatch batch{rows, rows, rows / 2.0};
    cost.learn(batch, kAvx512.takes(batch));
  }
  const SequenceView prompt{1, 2000, 0, 2000, 1, false};
  SequenceView reply{0, 100, 99, 100, 0, true, false, true};
  const int32_t alone = prompt_limits({prompt}, cost, {15, true}).rows;
  const int32_t beside = prompt_limits({reply, prompt}, cost, {15, true}).rows;
  CHECK(cost.ms_of({alone, alone, 0}) > 300);
  CHECK(cost.ms_of({beside, beside, 0}) <= 300);
}

TEST("prompt limits: what copying states took of a step is taken off what prompts may take") {
  const PrefillCost cost = learned(kAvx512);
  const std::vector<SequenceView> sequences{running(0), prompt(1, 4000)};
  const double quiet_ms = cost.ms_of({prompt_limits(sequences, cost, {15, true}).rows, 64, 0});
  CHECK(quiet_ms > 150);
  for (const double copied_ms : {100.0, 150.0, 1000.0}) {
    const int32_t rows = prompt_limits(sequences, cost, {15, true, -1, copied_ms}).rows;
    CHECK(rows >= PrefillCost::kRowsMin);
    CHECK(cost.ms_of({rows, rows, 0}) <= std::max(245 - copied_ms, 80.0));
  }
}

TEST("prompt limits: a few short prompts begin as soon as they are computed") {
  PrefillCost cost = learned(kAvx512);
  Run run{kAvx512, cost, prompts(8, 36)};
  run.run();
  std::sort(run.firsts.begin(), run.firsts.end());
  CHECK(run.firsts[3] < 0.6 * run.firsts.back());
  CHECK(run.firsts.back() < 1.1 * (in_large_batches(kAvx512, 8 * 36) + kAvx512.singles_ms));
}

TEST("prompt limits: a burst of short prompts begins together, and no stream waits for prompts") {
  for (const Machine& machine : {kAvx512, kAmx}) {
    PrefillCost cost = learned(machine);
    Run run{machine, cost, prompts(machine.row_ms > 1 ? 32 : 64, 36)};
    run.run();
    CHECK_EQ(run.gaps.size(), 0u);
    CHECK(run.now < 1.1 * in_large_batches(machine, int32_t(run.sequences.size()) * 36));
  }
}

TEST("prompt limits: a burst that would be held for long is not held") {
  PrefillCost cost = learned(kSlow);
  Run run{kSlow, cost, prompts(32, 36)};
  run.run();
  std::sort(run.firsts.begin(), run.firsts.end());
  CHECK(run.firsts.front() < 4000);
}

TEST("prompt limits: nobody is held for a long prompt, nor where more generate") {
  PrefillCost cost = learned(kAvx512);
  std::vector<SequenceView> sequences = prompts(16, 36);
  sequences.push_back(prompt(16, 4000));
  CHECK(!prompt_limits(sequences, cost, {15, true}).holds);
  sequences = prompts(16, 36);
  CHECK(prompt_limits(sequences, cost, {15, true}).holds);
  for (int32_t slot = 16; slot < 32; ++slot) sequences.push_back(running(slot));
  CHECK(!prompt_limits(sequences, cost, {15, true}).holds);
}

TEST("prompt limits: those that are held begin after 2.5 s whatever still comes") {
  PrefillCost cost = learned(kAvx512);
  const std::vector<SequenceView> sequences = prompts(16, 36);
  CHECK(prompt_limits(sequences, cost, {15, true, 1000}).holds);
  CHECK(!prompt_limits(sequences, cost, {15, true, 2400}).holds);
  // One comes in each step, for as long as nobody has begun.
  Run run{kAvx512, cost, sequences};
  run.last_token.assign(1000, -1);
  while (run.firsts.empty() && run.steps < 500) {
    run.sequences.push_back(prompt(int32_t(run.sequences.size()), 36));
    run.step();
  }
  CHECK(run.firsts.front() > 1500);  // they were held
  CHECK(run.firsts.front() < 2500 + 2 * run.longest_step);
}

// Of a batch that takes twice as long on a busy machine, half is stalled. What is learnt is without
// that, so the plan is that of a quiet machine.
TEST("prompt limits: batches of an engine that other processes slow down become no smaller") {
  PrefillCost quiet = learned(kAvx512);
  Run run{kAvx512, quiet, {running(0), prompt(1, 2000)}};
  run.run();
  for (const double factor : {1.3, 2.0}) {
    PrefillCost cost = learned(kAvx512);
    Run busy{kAvx512, cost, {running(0), prompt(1, 2000)}};
    busy.slowed = factor;
    busy.run();
    CHECK_EQ(busy.batches, run.batches);
    CHECK(busy.now > 0.9 * factor * run.now);
  }
}

TEST("prompt limits: only prompts say whether the next batches have adapters") {
  const SequenceView plain{0, 500, 0, 500, 0, false};
  SequenceView reply{1, 40, 39, 30, 1, false, false, true, 1};
  SequenceView prompt{2, 500, 0, 500, 2, false, false, false, 1};
  CHECK(!has_adapted_prompt({plain}));
  CHECK(!has_adapted_prompt({plain, reply}));
  CHECK(has_adapted_prompt({plain, reply, prompt}));
  prompt.parked = true;
  CHECK(!has_adapted_prompt({plain, prompt}));
}
