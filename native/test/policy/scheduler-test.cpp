#include "engine/policy/scheduler.h"

#include <sstream>
#include <string>

#include "test/check.h"

using sluice::Chunk;
using sluice::plan_step;
using sluice::SequenceView;
using sluice::StepPlan;

namespace {

// A step has 128 rows, and 32 more where they finish a prompt.
constexpr sluice::PromptLimits kLimits{128, 512, false, 160};

SequenceView running(int32_t slot) { return {slot, 10, 9, 10, uint64_t(slot), false, false, true}; }
SequenceView parked(int32_t slot) { return {slot, 10, 9, 10, uint64_t(slot), true}; }
// The later the slot, the later it came.
SequenceView prompt(int32_t slot, int32_t n_tokens, int32_t n_computed = 0) {
  return {slot, n_tokens, n_computed, n_tokens, uint64_t(slot), false};
}
SequenceView with_adapters(SequenceView view, int32_t adapters) {
  view.adapters = adapters;
  return view;
}
SequenceView with_boundary(SequenceView view, int32_t boundary) {
  view.boundary = boundary;
  return view;
}

// "0 1 / 2 | 3:0+64" is a batch with single rows of the slots 0 and 1, one with that of slot 2,
// then rows 0 to 63 of slot 3.
std::string shown(const StepPlan& plan) {
  std::ostringstream text;
  for (const auto& batch : plan.singles) {
    if (&batch != &plan.singles.front()) text << " / ";
    for (size_t i = 0; i < batch.size(); ++i) text << (i ? " " : "") << batch[i];
  }
  for (const auto& batch : plan.prefills) {
    text << " |";
    for (const Chunk& chunk : batch) {
      text << " " << chunk.slot << ":" << chunk.begin << "+" << chunk.count;
    }
  }
  return text.str();
}

struct Situation {
  const char* name;
  std::vector<SequenceView> sequences;
  const char* plan;
};

const Situation kSituations[] = {
    {"nobody is there", {}, ""},
    {"everybody who runs gets a row", {running(0), running(1), running(5)}, "0 1 5"},
    {"each set of adapters has a batch of its own",
     {running(0), with_adapters(running(1), 1), running(2), with_adapters(running(3), 2),
      with_adapters(running(4), 1)},
     "0 2 / 1 4 / 3"},
    {"a lone set has one batch",
     {with_adapters(running(0), 1), with_adapters(running(1), 1)},
     "0 1"},
    {"short prompts of two sets share no batch",
     {prompt(0, 20), with_adapters(prompt(1, 20), 1), prompt(2, 20),
      with_adapters(prompt(3, 20), 1)},
     " | 0:0+20 2:0+20 | 1:0+20 3:0+20"},
    {"a parked one gets none", {parked(0), running(1)}, "1"},
    {"all are parked", {parked(0), parked(1)}, ""},
    {"one that is computed has nothing to do", {prompt(0, 10, 10)}, ""},
    {"a prompt of one token is a single row", {prompt(3, 1)}, "3"},
    {"so is the last token of a prompt", {prompt(0, 129, 128)}, "0"},
    {"a short prompt is computed whole", {prompt(0, 100)}, " | 0:0+100"},
    {"a long one as far as the rows go", {prompt(0, 4000, 256)}, " | 0:256+128"},
    {"running ones come first", {running(0), prompt(1, 300)}, "0 | 1:0+128"},
    {"a chunk ends where somebody waits", {with_boundary(prompt(0, 4000), 70)}, " | 0:0+70"},
    {"a short one overtakes a long one, which keeps half",
     {prompt(0, 4000), prompt(1, 200)},
     " | 0:0+64 1:0+64"},
    {"what a short one leaves is the long one's",
     {prompt(0, 4000), prompt(1, 20)},
     " | 1:0+20 | 0:0+64"},
    {"the shortest of all goes first, the oldest keeps half, and who is between waits",
     {prompt(0, 4000), prompt(1, 3000), prompt(2, 200)},
     " | 0:0+64 2:0+64"},
    {"when the oldest is the shortest it takes all",
     {prompt(0, 200), prompt(1, 4000)},
     " | 0:0+128"},
    {"of two as long the older one is first", {prompt(0, 300), prompt(1, 300)}, " | 0:0+128"},
    {"what is nearly done counts as short",
     {prompt(0, 4000, 3900), prompt(1, 300)},
     " | 0:3900+100"},
    {"short chunks share a batch",
     {prompt(0, 20), prompt(1, 30), prompt(2, 50)},
     " | 0:0+20 1:0+30 | 2:0+50"},
    {"as long as each other, so do longer ones",
     {prompt(0, 50), prompt(1, 40), prompt(2, 50)},
     " | 0:0+50 2:0+50 | 1:0+40"},
    {"unless one is deep in its text, where attention costs more",
     {prompt(0, 1040, 1000), prompt(1, 40)},
     " | 0:1000+40 | 1:0+40"},
    {"what nearly fits is computed whole", {prompt(0, 70), prompt(1, 80)}, " | 0:0+70 | 1:0+80"},
    {"a small part of another prompt is not worth a batch",
     {prompt(0, 80), prompt(1, 300)},
     " | 0:0+80"},
    {"unless they are all that is left of it",
     {prompt(0, 120), prompt(1, 300, 295)},
     " | 1:295+5 | 0:0+120"},
};

}  // namespace

TEST("scheduler: each situation of the table has its plan") {
  for (const Situation& situation : kSituations) {
    const std::string plan = shown(plan_step(situation.sequences, kLimits));
    if (plan == situation.plan) continue;
    check::fail(__FILE__, __LINE__,
                std::string(situation.name) + ": received \"" + plan + "\", expected \"" +
                    situation.plan + "\"");
  }
}

TEST("scheduler: a stream of short prompts does not starve a long one (wire check 40)") {
  for (const int32_t size : {20, 60, 80, 96, 200}) {
    SequenceView old = prompt(0, 4000);
    int32_t steps = 0;
    for (; old.n_computed < old.n_tokens - 1 && steps < 1000; ++steps) {
      const SequenceView fresh = {1, size, 0, size, uint64_t(steps + 1), false};
      for (const auto& batch : plan_step({old, fresh}, kLimits).prefills) {
        for (const Chunk& chunk : batch) old.n_computed += chunk.slot == 0 ? chunk.count : 0;
      }
    }
    CHECK(steps <= (4000 + 63) / 64);
  }
}

TEST("scheduler: a step computes no more prompt rows than it may at most") {
  for (int32_t count = 1; count < 40; ++count) {
    std::vector<SequenceView> prompts;
    for (int32_t slot = 0; slot < count; ++slot) prompts.push_back(prompt(slot, 10 + 37 * slot));
    int32_t rows = 0;
    for (const auto& batch : plan_step(prompts, kLimits).prefills) {
      for (const Chunk& chunk : batch) rows += chunk.count;
    }
    CHECK(rows > 0);
    CHECK(rows <= kLimits.rows_most);
  }
}

TEST("scheduler: the oldest prompt has every other step to itself where rows are few") {
  const std::vector<SequenceView> prompts{prompt(0, 4000), prompt(1, 100), prompt(2, 30)};
  CHECK_EQ(shown(plan_step(prompts, {64, 512, true})), " | 0:0+64");
  CHECK_EQ(shown(plan_step(prompts, {64, 512, false})), " | 2:0+30 | 1:0+34");
  CHECK_EQ(shown(plan_step(prompts, {16, 512, true})), " | 0:0+16");
  CHECK_EQ(shown(plan_step(prompts, {16, 512, false})), " | 2:0+16");
}

TEST("scheduler: parts of a prompt are whole tiles where there are rows for one") {
  CHECK_EQ(shown(plan_step({prompt(0, 4000)}, {200, 512, false})), " | 0:0+192");
  CHECK_EQ(shown(plan_step({prompt(0, 4000)}, {50, 512, false})), " | 0:0+50");
}

TEST("scheduler: no batch has more rows than it may") {
  CHECK_EQ(shown(plan_step({prompt(0, 600)}, {500, 512, false, 512})), " | 0:0+448");
  CHECK_EQ(shown(plan_step({prompt(0, 512)}, {500, 512, false, 512})), " | 0:0+512");
  const std::vector<SequenceView> two{prompt(0, 4000), prompt(1, 30)};
  CHECK_EQ(shown(plan_step(two, {1100, 512, false})), " | 1:0+30 | 0:0+512 | 0:512+512");
  std::vector<SequenceView> prompts;
  for (int32_t slot = 0; slot < 40; ++slot) prompts.push_back(prompt(slot, 30));
  for (const auto& batch : plan_step(prompts, {1024, 512, false}).prefills) {
    int32_t rows = 0;
    for (const Chunk& chunk : batch) rows += chunk.count;
    CHECK(rows <= 512);
  }
}

TEST("scheduler: with shared cells, chunks of any length share a batch") {
  sluice::PromptLimits limits{512, 512, false};
  const std::vector<SequenceView> prompts{prompt(0, 100), prompt(1, 140), prompt(2, 90)};
  CHECK_EQ(shown(plan_step(prompts, limits)), " | 0:0+100 | 1:0+140 | 2:0+90");
  limits.shares_cells = true;
  CHECK_EQ(shown(plan_step(prompts, limits)), " | 0:0+100 1:0+140 2:0+90");
  limits.batch_rows = 200;
  CHECK_EQ(shown(plan_step(prompts, limits)), " | 0:0+100 2:0+90 | 1:0+140");
}

TEST("scheduler: prompts that are held are computed but for their last token") {
  sluice::PromptLimits limits{200, 512, false};
  const std::vector<SequenceView> prompts{prompt(0, 50), prompt(1, 40, 39), prompt(2, 50),
                                          running(3)};
  CHECK_EQ(shown(plan_step(prompts, limits)), "1 3 | 0:0+50 2:0+50");
  limits.holds = true;
  CHECK_EQ(shown(plan_step(prompts, limits)), "3 | 0:0+49 2:0+49");
}

TEST("scheduler: a prompt that others wait for is not behind a whole long prompt") {
  const SequenceView leader = with_boundary(prompt(1, 30000), 20);
  CHECK(shown(plan_step({prompt(0, 20000), leader}, {80, 512, false})).find("1:0+20") !=
        std::string::npos);
}

namespace {

SequenceView scored(SequenceView view) {
  view.is_scored = true;
  return view;
}

sluice::PromptLimits scoring(int32_t rows, int32_t scored_rows, int32_t batch_logits) {
  sluice::PromptLimits limits{rows, 512, false};
  limits.scored_rows = scored_rows;
  limits.batch_logits = batch_logits;
  return limits;
}

}  // namespace

TEST("scheduler: a batch has as many rows of a scored prompt as may want logits") {
  const SequenceView old = scored(prompt(0, 4000));
  CHECK_EQ(shown(plan_step({old}, scoring(200, 128, 64))), " | 0:0+64");
  CHECK_EQ(shown(plan_step({old}, scoring(200, 32, 64))), " | 0:0+32");
  CHECK_EQ(shown(plan_step({old}, scoring(16, 200, 64))), " | 0:0+16");
  CHECK_EQ(shown(plan_step({scored(prompt(0, 70))}, scoring(200, 64, 64))), " | 0:0+64");
}

TEST("scheduler: prompts that are scored share a batch as far as their logits have room") {
  const std::vector<SequenceView> equal{scored(prompt(0, 40)), scored(prompt(1, 40))};
  CHECK_EQ(shown(plan_step(equal, scoring(128, 64, 64))), " | 0:0+40 | 1:0+40");
  CHECK_EQ(shown(plan_step(equal, scoring(128, 80, 80))), " | 0:0+40 1:0+40");
  const std::vector<SequenceView> shorts{scored(prompt(0, 20)), scored(prompt(1, 30)),
                                         scored(prompt(2, 25))};
  CHECK_EQ(shown(plan_step(shorts, scoring(128, 64, 64))), " | 0:0+20 1:0+30 | 2:0+25");
  const std::vector<SequenceView> mixed{prompt(0, 4000), scored(prompt(1, 200))};
  CHECK_EQ(shown(plan_step(mixed, scoring(128, 64, 64))), " | 0:0+64 | 1:0+64");
}

TEST("scheduler: a prompt that is scored is computed to its end beside any others") {
  SequenceView old = scored(prompt(0, 1000));
  int32_t steps = 0;
  for (; old.n_computed < old.n_tokens - 1 && steps < 1000; ++steps) {
    const SequenceView fresh = {1, 90, 0, 90, uint64_t(steps + 1), false};
    for (const auto& batch : plan_step({old, fresh}, scoring(128, 64, 64)).prefills) {
      int32_t logits = 0;
      for (const Chunk& chunk : batch) {
        old.n_computed += chunk.slot == 0 ? chunk.count : 0;
        logits += chunk.slot == 0 ? chunk.count : 1;
      }
      CHECK(logits <= 64);
    }
  }
  CHECK(steps < 40);
}
