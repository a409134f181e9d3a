#include "engine/policy/prefill-cost.h"

#include <algorithm>

#include "test/check.h"

using sluice::PrefillCost;

namespace {

// Batches of the size that it asks for, on a machine where a batch takes `batch_ms` and `row_ms`.
int32_t settled(PrefillCost& cost, double budget_ms, double batch_ms, double row_ms) {
  int32_t rows = cost.rows_within(budget_ms);
  for (int i = 0; i < 50; ++i) {
    cost.learn(rows, batch_ms + rows * row_ms);
    rows = cost.rows_within(budget_ms);
  }
  return rows;
}

}  // namespace

TEST("prefill cost: a batch is of moderate size while nothing is known") {
  CHECK_EQ(PrefillCost(512).rows_within(80), PrefillCost::kRowsFirst);
  CHECK_EQ(PrefillCost(32).rows_within(80), 32);
}

TEST("prefill cost: batches grow or shrink until they take the time that they may") {
  for (const double row_ms : {0.2, 0.4, 1.0, 2.5}) {
    PrefillCost cost(512);
    const int32_t rows = settled(cost, 80, 5, row_ms);
    const double took = 5 + rows * row_ms;
    CHECK(rows == 512 || (took > 60 && took < 90));
  }
}

TEST("prefill cost: a batch has never fewer rows than it is worth, and never more than it may") {
  PrefillCost slow(512), fast(512);
  CHECK_EQ(settled(slow, 80, 100, 40), PrefillCost::kRowsMin);
  CHECK_EQ(settled(fast, 80, 0.1, 0.001), 512);
}

TEST("prefill cost: two budgets live beside each other") {
  PrefillCost cost(512);
  settled(cost, 200, 5, 1);
  const int32_t beside = settled(cost, 80, 5, 1), alone = settled(cost, 200, 5, 1);
  CHECK(beside > 60 && beside < 90);
  CHECK(alone > 170 && alone < 220);
}

TEST("prefill cost: batches follow a machine that becomes slower") {
  PrefillCost cost(512);
  settled(cost, 80, 5, 0.5);
  const int32_t rows = settled(cost, 80, 5, 2);
  CHECK(rows > 30 && rows < 45);
}

TEST("prefill cost: one slow batch, as of weights that come from disk, is forgotten") {
  PrefillCost cost(512);
  cost.learn(cost.rows_within(200), 4000);
  CHECK(settled(cost, 200, 5, 0.3) > 400);
}

TEST("prefill cost: batches follow a machine that becomes faster again") {
  PrefillCost cost(512);
  settled(cost, 80, 5, 0.3);
  settled(cost, 80, 100, 6);
  const int32_t rows = settled(cost, 80, 5, 0.3);
  CHECK(rows > 200);
}

TEST("prefill cost: a size between two that are known is found, as a prompt grows deeper") {
  PrefillCost cost(512);
  cost.learn(20, 30);
  cost.learn(70, 77);
  for (int i = 0; i < 20; ++i) cost.learn(70, 140);  // attention runs over more and more
  int32_t rows = 0;
  for (int i = 0; i < 20; ++i) {
    rows = cost.rows_within(80);
    cost.learn(rows, rows * 2.0);
  }
  CHECK_EQ(rows, 40);
}

TEST("prefill cost: a tile of rows may take a little longer, since fewer would save little") {
  PrefillCost cost(512);
  const auto took = [](int32_t rows) { return rows * (rows >= 64 ? 2.6 : 5.0); };
  int32_t rows = 0;
  for (int i = 0; i < 30; ++i) {
    rows = cost.rows_within(80);
    cost.learn(rows, took(rows));
  }
  CHECK_EQ(rows, 64);
}

TEST("prefill cost: where a tile would take too long, fewer rows are computed all the same") {
  PrefillCost cost(512);
  cost.learn(64, 64 * 20);
  cost.learn(16, 16 * 40);
  CHECK_EQ(cost.rows_within(80), PrefillCost::kRowsMin);
}
