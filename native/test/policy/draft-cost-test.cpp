#include "engine/policy/draft-cost.h"

#include "engine/policy/draft-length.h"
#include "test/check.h"

using sluice::DraftCost;
using sluice::DraftLength;
using sluice::DraftLengths;

namespace {

constexpr int32_t kMax = DraftCost::kDraftMax;

// What a batch of so many rows takes: a first further row, and each one.
struct Machine {
  double several_ms, row_ms, draft_ms;
  double batch_ms(int32_t rows) const {
    return rows == 1 ? 10 : 10 + several_ms + (rows - 1) * row_ms;
  }
};
// A GPU, and one core with Q4_0 and with Q8_0 weights, about as measured.
constexpr Machine kGpu{0.5, 0.1, 1}, kQ4{12, 2.5, 0.5}, kQ8{40, 3.0, 0.5};

DraftCost known(const Machine& machine) {
  DraftCost cost;
  for (int32_t rows = 1; rows <= kMax + 1; ++rows) cost.learn_batch(rows, machine.batch_ms(rows));
  cost.learn_draft(4, 4 * machine.draft_ms);
  return cost;
}

// Tokens a ms against a single row at a time, of a text of which each `wrong_every`-th token is
// guessed wrong, with nothing known beforehand.
double gain(const Machine& machine, int64_t tokens, int64_t wrong_every) {
  DraftCost cost;
  DraftLength length(kMax, &cost);
  double ms = 0;
  for (int64_t said = 0; said < tokens;) {
    const int32_t drafted = length.next();
    int32_t accepted = 0;
    while (accepted < drafted && (said + accepted + 1) % wrong_every != 0) ++accepted;
    if (drafted > 0) {
      cost.learn_draft(drafted, drafted * machine.draft_ms);
      length.learn(drafted, accepted, accepted < drafted);
    }
    cost.learn_batch(1 + drafted, machine.batch_ms(1 + drafted));
    ms += machine.batch_ms(1 + drafted) + drafted * machine.draft_ms;
    said += accepted + 1;
  }
  return tokens * machine.batch_ms(1) / ms;
}

}  // namespace

TEST("draft cost: nothing is drafted until a single row was measured") {
  DraftCost cost;
  CHECK_EQ(cost.best(1, kMax), 0);
  cost.learn_batch(1, 10);
  CHECK_EQ(cost.best(1, kMax), kMax);
  CHECK_EQ(cost.best(1, 3), 3);
}

TEST("draft cost: the likelier a token is accepted, the more are drafted") {
  for (const Machine& machine : {kGpu, kQ4, kQ8}) {
    const DraftCost cost = known(machine);
    int32_t before = 0;
    for (const double p : {0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0}) {
      const int32_t best = cost.best(p, kMax);
      CHECK(best >= before);
      before = best;
    }
    CHECK_EQ(before, kMax);
  }
}

TEST("draft cost: where rows are dear, a fair guess is not worth a row") {
  CHECK(known(kGpu).best(0.7, kMax) > 2);
  CHECK_EQ(known(kQ8).best(0.7, kMax), 0);
}

TEST("draft cost: a draft as dear as the model itself is never worth it") {
  CHECK_EQ(known({0.5, 0.1, 10}).best(1, kMax), 0);
}

TEST("draft cost: a length that was not tried costs between those that were") {
  DraftCost cost;
  cost.learn_batch(1, 10);
  cost.learn_batch(17, 90);
  CHECK(cost.steps_of(8) > 4.9 && cost.steps_of(8) < 5.1);
  cost.learn_batch(9, 20);
  CHECK(cost.steps_of(4) > 1.4 && cost.steps_of(4) < 1.6);
  CHECK(cost.steps_of(12) > 5.4 && cost.steps_of(12) < 5.6);
}

TEST("draft cost: one disturbed step hardly counts, and a fast one soon") {
  DraftCost cost;
  cost.learn_batch(1, 10);
  cost.learn_batch(5, 12);
  cost.learn_batch(5, 60);
  CHECK(cost.steps_of(4) < 1.8);
  cost.learn_batch(5, 12);
  CHECK(cost.steps_of(4) < 1.5);
}

TEST("draft cost: text that can be guessed is faster wherever rows are not too dear") {
  CHECK(gain(kGpu, 2000, 1000) > 5);
  CHECK(gain(kGpu, 2000, 4) > 2);
  CHECK(gain(kQ4, 2000, 1000) > 2);
  CHECK(gain(kQ4, 2000, 20) > 1.3);
  CHECK(gain(kQ4, 2000, 10) > 1.1);
  CHECK(gain(kQ8, 2000, 1000) > 1.3);
}

TEST("draft cost: text that cannot be guessed cheaply costs a tenth at most") {
  for (const Machine& machine : {kGpu, kQ4, kQ8}) {
    for (const int64_t wrong_every : {1, 2, 3, 5, 10}) {
      CHECK(gain(machine, 2000, wrong_every) > 0.9);
    }
  }
}

TEST("draft cost: a batch that was slow for a while is tried again") {
  DraftCost cost;
  DraftLength length(kMax, &cost);
  cost.learn_batch(1, 10);
  for (int32_t drafted = 1; drafted <= kMax; ++drafted) cost.learn_batch(1 + drafted, 1000);
  int32_t steps = 1;
  while (length.next() == 0 && steps < 10'000) ++steps;
  CHECK(steps > 400 && steps < 600);
}

namespace {

// About as measured with Q8_0 weights on two cores: a first row, and each further one.
DraftCost cheap_rows() {
  DraftCost cost;
  for (int32_t rows = 1; rows <= DraftCost::kRowsMax; ++rows) cost.learn_batch(rows, 10 + rows);
  return cost;
}

constexpr int32_t kRows = DraftCost::kRowsMax;

}  // namespace

TEST("draft cost: several replies share rows, and all that draft have the same number of them") {
  const DraftCost cost = cheap_rows();
  const auto counts =
      cost.share(3, {{0.95, 16}, {0.95, 16}, {0.95, 16}}, kRows, DraftLengths::equal);
  CHECK(counts[0] >= 4);
  CHECK_EQ(counts[0], counts[1]);
  CHECK_EQ(counts[0], counts[2]);
  CHECK(3 + 3 * counts[0] <= kRows);
}

TEST("draft cost: a reply whose drafts are wrong gets no rows beside one whose are right") {
  const auto counts = cheap_rows().share(2, {{0.05, 16}, {0.98, 16}}, kRows, DraftLengths::any);
  CHECK_EQ(counts[0], 0);
  CHECK(counts[1] >= 8);
}

TEST("draft cost: a second pass for one reply's draft must pay for itself") {
  const DraftCost cost = cheap_rows();
  const std::vector<sluice::DraftWish> one{{0.9, 4}};
  CHECK(cost.share(8, one, kRows, DraftLengths::any)[0] > 0);
  CHECK_EQ(cost.share(8, one, kRows, DraftLengths::equal)[0], 0);
  CHECK(cost.share(2, {{0.98, 16}}, kRows, DraftLengths::equal)[0] > 4);
}

TEST("draft cost: no more tokens than were found, and rows than there are, are shared") {
  const DraftCost cost = cheap_rows();
  const auto counts = cost.share(2, {{0.98, 3}, {0.98, 16}}, kRows, DraftLengths::any);
  CHECK(counts[0] <= 3);
  CHECK(cost.share(2, {{1, 16}, {1, 16}}, 12, DraftLengths::equal)[0] <= 5);
  CHECK_EQ(cost.share(1, {{1, 0}}, kRows, DraftLengths::equal)[0], 0);
  CHECK_EQ(cost.share(kRows, {{1, 16}}, kRows, DraftLengths::equal)[0], 0);
  CHECK_EQ(cost.share(kRows + 9, {{1, 16}}, kRows, DraftLengths::equal)[0], 0);
}

TEST("draft cost: nothing is shared until the single rows were measured") {
  DraftCost cost;
  CHECK_EQ(cost.share(2, {{1, 16}, {1, 16}}, kRows, DraftLengths::equal)[0], 0);
  cost.learn_batch(1, 10);
  CHECK_EQ(cost.share(2, {{1, 16}, {1, 16}}, kRows, DraftLengths::equal)[0], 0);
  cost.learn_batch(2, 11);
  CHECK(cost.share(2, {{1, 16}, {1, 16}}, kRows, DraftLengths::equal)[0] > 0);
}

TEST("draft cost: where a step has one pass, all draft or none, also one that is never right") {
  const DraftCost cost = cheap_rows();
  const auto lengths = DraftLengths::same_for_all;
  const auto counts = cost.share(2, {{0, 16}, {0.98, 16}}, kRows, lengths);
  CHECK(counts[1] > 2);
  CHECK_EQ(counts[0], counts[1]);
  CHECK_EQ(cost.share(2, {{0.98, 16}}, kRows, lengths)[0], 0);
  CHECK_EQ(cost.share(2, {{0.98, 0}, {0.98, 16}}, kRows, lengths)[1], 0);
  CHECK_EQ(cost.share(2, {{0, 16}, {0.1, 16}}, kRows, lengths)[1], 0);
  CHECK_EQ(cost.share(1, {{0.98, 16}}, kRows, lengths)[0], cost.best(0.98, 16));
}

TEST("draft length: nothing is learned of a draft that was made for others") {
  DraftLength length(kMax, nullptr);
  while (length.chance() > 0) length.learn(4, 0, true);
  int32_t paused = 1;
  for (; paused < 1000 && length.chance() == 0; ++paused) length.learn(4, 0, true);
  CHECK(paused <= DraftLength::kPauseMin);
}

TEST("draft cost: for a reply alone sharing is what drafting for it is") {
  for (const double chance : {0.2, 0.5, 0.8, 0.95}) {
    const DraftCost cost = cheap_rows();
    CHECK_EQ(cost.share(1, {{chance, 16}}, kRows, DraftLengths::equal)[0], cost.best(chance, 16));
  }
}
