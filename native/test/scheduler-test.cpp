#include "engine/scheduler.h"

#include <map>

#include "test/check.h"

using sluice::Chunk;
using sluice::Scheduler;
using sluice::SequenceView;
using sluice::StepPlan;

namespace {

constexpr int32_t kRows = 128;

SequenceView running(int32_t slot, int32_t n_tokens) {
  return {slot, n_tokens, n_tokens - 1, false};
}
SequenceView prompt(int32_t slot, int32_t n_tokens, int32_t n_computed = 0) {
  return {slot, n_tokens, n_computed, false};
}
SequenceView parked(int32_t slot, int32_t n_tokens) { return {slot, n_tokens, n_tokens - 1, true}; }

int32_t rows_of(const StepPlan& plan) {
  int32_t rows = 0;
  for (const Chunk& chunk : plan.chunks) rows += chunk.count;
  return rows;
}

}  // namespace

TEST("scheduler: nobody, nothing") { CHECK(Scheduler(kRows).plan({}).empty()); }

TEST("scheduler: every running sequence gets its single row, in order of slots") {
  const StepPlan plan = Scheduler(kRows).plan({running(0, 10), running(1, 20), running(5, 7)});
  CHECK(plan.singles == (std::vector<int32_t>{0, 1, 5}));
  CHECK(plan.chunks.empty());
}

TEST("scheduler: a parked sequence gets no row") {
  const StepPlan plan = Scheduler(kRows).plan({parked(0, 10), running(1, 20)});
  CHECK(plan.singles == std::vector<int32_t>{1});
}

TEST("scheduler: when all are parked there is nothing to do") {
  CHECK(Scheduler(kRows).plan({parked(0, 10), parked(1, 20)}).empty());
}

TEST("scheduler: a computed sequence gets no row") {
  CHECK(Scheduler(kRows).plan({prompt(0, 10, 10)}).empty());
}

TEST("scheduler: a prompt of one token is a single row") {
  CHECK(Scheduler(kRows).plan({prompt(3, 1)}).singles == std::vector<int32_t>{3});
}

TEST("scheduler: the last token of a prompt is a single row") {
  CHECK(Scheduler(kRows).plan({prompt(0, 129, 128)}).singles == std::vector<int32_t>{0});
}

TEST("scheduler: a short prompt is computed in one chunk, to its end") {
  const StepPlan plan = Scheduler(kRows).plan({prompt(2, 12)});
  CHECK_EQ(plan.chunks.size(), 1u);
  CHECK_EQ(plan.chunks[0].slot, 2);
  CHECK_EQ(plan.chunks[0].begin, 0);
  CHECK_EQ(plan.chunks[0].count, 12);
}

TEST("scheduler: a long prompt is computed in chunks of the budget, from where it stands") {
  const StepPlan plan = Scheduler(kRows).plan({prompt(0, 1000, 256)});
  CHECK_EQ(plan.chunks[0].begin, 256);
  CHECK_EQ(plan.chunks[0].count, kRows);
}

TEST("scheduler: running sequences keep their rows while a prompt is computed") {
  const StepPlan plan = Scheduler(kRows).plan({running(0, 10), prompt(1, 1000), running(2, 5)});
  CHECK(plan.singles == (std::vector<int32_t>{0, 2}));
  CHECK_EQ(plan.chunks.size(), 1u);
}

TEST("scheduler: a short prompt does not wait for a long one") {
  const StepPlan plan = Scheduler(kRows).plan({prompt(0, 4000), prompt(1, 12)});
  CHECK_EQ(plan.chunks.size(), 2u);
  CHECK_EQ(plan.chunks[1].slot, 1);
  CHECK_EQ(plan.chunks[1].count, 12);
}

TEST("scheduler: what a short prompt leaves of the budget goes to those behind it") {
  const StepPlan plan = Scheduler(kRows).plan({prompt(0, 12), prompt(1, 4000)});
  CHECK_EQ(plan.chunks[0].count, 12);
  CHECK_EQ(plan.chunks[1].count, kRows - 12);
}

TEST("scheduler: no step computes more prompt rows than the budget") {
  std::vector<SequenceView> prompts;
  for (int32_t slot = 0; slot < 100; ++slot) prompts.push_back(prompt(slot, 500));
  Scheduler scheduler(kRows);
  for (int step = 0; step < 100; ++step) CHECK(rows_of(scheduler.plan(prompts)) <= kRows);
}

TEST("scheduler: of many long prompts every one gets its turn, and none more than its share") {
  std::vector<SequenceView> prompts;
  for (int32_t slot = 0; slot < 12; ++slot) prompts.push_back(prompt(slot, 10000));
  Scheduler scheduler(kRows);
  std::map<int32_t, int> turns;
  for (int step = 0; step < 12; ++step) {
    for (const Chunk& chunk : scheduler.plan(prompts).chunks) ++turns[chunk.slot];
  }
  CHECK_EQ(turns.size(), 12u);
  for (const auto& turn : turns) CHECK_EQ(turn.second, 4);
}

TEST("scheduler: chunk after chunk, a prompt is computed once and whole") {
  Scheduler scheduler(kRows);
  SequenceView sequence = prompt(0, 1000);
  int32_t rows = 0;
  while (sequence.n_computed < sequence.n_tokens) {
    const StepPlan plan = scheduler.plan({sequence});
    CHECK(plan.chunks.empty() || plan.chunks[0].begin == sequence.n_computed);
    const int32_t computed = rows_of(plan) + static_cast<int32_t>(plan.singles.size());
    CHECK(computed > 0);
    sequence.n_computed += computed;
    rows += computed;
  }
  CHECK_EQ(rows, 1000);
}
