#include "engine/policy/prefill-cost.h"

#include <algorithm>
#include <functional>

#include "test/check.h"

using sluice::kTileRows;
using sluice::PrefillBatch;
using sluice::PrefillCost;

namespace {

using Machine = std::function<double(const PrefillBatch&)>;

// What a row costs, what a batch costs beside its rows, and what a row costs for each 1,000 tokens
// before it, in milliseconds.
Machine machine(double row_ms, double batch_ms = 5, double deep_ms = 0, double deep_short_ms = 0) {
  return [=](const PrefillBatch& batch) {
    const double deep = batch.chunk_rows >= kTileRows ? deep_ms : deep_short_ms;
    return batch_ms + batch.rows * (row_ms + deep * batch.depth / 1000);
  };
}

PrefillBatch chunk(int32_t begin, int32_t rows) { return {rows, rows, begin + rows / 2.0}; }

// After batches of the size that it asks for.
int32_t settled(PrefillCost& cost, double budget_ms, const Machine& takes, int32_t begin = 0) {
  for (int i = 0; i < 50; ++i) {
    const PrefillBatch batch = chunk(begin, cost.rows_within(budget_ms, begin));
    cost.learn(batch, takes(batch));
  }
  return cost.rows_within(budget_ms, begin);
}

PrefillCost::Wish alone(int32_t begin = 0) { return {begin, true, true, 0, 2500}; }
PrefillCost::Wish beside(double beside_ms, int32_t begin = 0) {
  return {begin, true, false, beside_ms, 260};
}

// What it has come to after a prompt of so many tokens. `longest` is the longest batch on the way.
int32_t after_prompt(PrefillCost& cost, const Machine& takes, int32_t tokens,
                     double* longest = nullptr) {
  for (int32_t begin = 0; begin < tokens;) {
    const PrefillBatch batch = chunk(begin, cost.rows_for(alone(begin)));
    const double ms = takes(batch);
    if (longest) *longest = std::max(*longest, ms);
    cost.learn(batch, ms);
    begin += batch.rows;
  }
  return cost.rows_for(alone(tokens));
}

}  // namespace

TEST("prefill cost: a batch is of moderate size while nothing is known") {
  CHECK_EQ(PrefillCost(512).rows_within(80), 64);
  CHECK_EQ(PrefillCost(32).rows_within(80), 32);
  CHECK_EQ(PrefillCost(512).rows_for(alone()), 64);
  CHECK_EQ(PrefillCost(512).rows_for(beside(10)), 32);
  CHECK_EQ(PrefillCost(20).rows_for(beside(10)), 20);
}

TEST("prefill cost: batches grow or shrink until they take the time that they may") {
  for (const double row_ms : {0.2, 0.4, 1.0, 2.5}) {
    PrefillCost cost(512);
    const int32_t rows = settled(cost, 80, machine(row_ms));
    const double took = 5 + rows * row_ms;
    CHECK(rows == 512 || (took > 60 && took < 90));
  }
}

TEST("prefill cost: a batch has never fewer rows than it is worth, and never more than it may") {
  PrefillCost slow(512), fast(512);
  CHECK_EQ(settled(slow, 80, machine(40, 100)), PrefillCost::kRowsMin);
  CHECK_EQ(settled(fast, 80, machine(0.001, 0.1)), 512);
}

TEST("prefill cost: two budgets live beside each other") {
  PrefillCost cost(512);
  settled(cost, 200, machine(1));
  const int32_t short_one = settled(cost, 80, machine(1));
  const int32_t long_one = settled(cost, 200, machine(1));
  CHECK(short_one > 60 && short_one < 90);
  CHECK(long_one > 170 && long_one < 220);
}

TEST("prefill cost: batches follow a machine that becomes slower, and faster again") {
  PrefillCost cost(512);
  settled(cost, 80, machine(0.5));
  const int32_t slower = settled(cost, 80, machine(2));
  CHECK(slower > 30 && slower < 45);
  const int32_t faster = settled(cost, 80, machine(0.5));
  CHECK(faster > 120);
}

TEST("prefill cost: one slow batch, as of weights that come from disk, is forgotten") {
  PrefillCost cost(512);
  cost.learn(chunk(0, 64), 4000);
  cost.learn(chunk(64, 64), 100);
  cost.learn(chunk(128, 64), 100);
  const double expected = cost.ms_of(chunk(192, 64));
  CHECK(expected > 90 && expected < 110);
}

TEST("prefill cost: at a depth where a size was not tried, it is known from the others") {
  const Machine takes = machine(1, 5, 0.5);
  PrefillCost cost(512);
  for (int32_t begin = 0; begin < 4096; begin += 128) {
    cost.learn(chunk(begin, 128), takes(chunk(begin, 128)));
  }
  cost.learn(chunk(0, 256), takes(chunk(0, 256)));
  for (const int32_t begin : {0, 2000, 4000, 8000}) {
    const double real = takes(chunk(begin, 256)), expected = cost.ms_of(chunk(begin, 256));
    CHECK(expected > 0.9 * real && expected < 1.1 * real);
  }
}

TEST("prefill cost: alone, batches are as small as they can be without rows that cost more") {
  // Of these a row costs the same in all batches but the smallest,
  PrefillCost flat(512);
  CHECK_EQ(after_prompt(flat, machine(1.6, 8), 4000), 128);
  // here large ones are cheap: AMX,
  PrefillCost large(512);
  CHECK_EQ(after_prompt(large, machine(0.25, 60), 4000), 512);
  // and here: a GPU.
  PrefillCost gpu(512);
  CHECK_EQ(after_prompt(gpu, machine(0.02, 12), 8000), 512);
}

TEST("prefill cost: alone, no batch of a slow machine is longer than it must be") {
  double longest = 0;
  PrefillCost cost(512);  // 512 rows would take 20 s
  CHECK_EQ(after_prompt(cost, machine(39, 100), 2000, &longest), 64);
  CHECK(longest < 3000);
}

TEST("prefill cost: alone, rows are never fewer than a tile, however slow they seem") {
  PrefillCost cost(512);
  for (int i = 0; i < 30; ++i) {
    cost.learn(chunk(0, 64), 64 * 500.0);  // others took the machine
    CHECK(cost.rows_for(alone()) >= 64);
  }
}

TEST("prefill cost: beside others a step takes what is cheapest within the pause") {
  const auto rows_beside = [](const Machine& takes, double singles_ms) {
    PrefillCost cost(512);
    after_prompt(cost, takes, 4000);
    return cost.rows_for(beside(singles_ms));
  };
  CHECK_EQ(rows_beside(machine(1.6, 8), 15), 128);   // 228 ms
  CHECK_EQ(rows_beside(machine(0.25, 60), 8), 512);  // 196 ms
  CHECK_EQ(rows_beside(machine(0.9, 8), 15), 192);   // 196 ms
  CHECK_EQ(rows_beside(machine(39, 100), 200), 16);  // too slow for any: the shortest
  // Several batches, where one would be short beside what the running ones compute.
  const int32_t gpu = rows_beside(machine(0.02, 12), 8);
  CHECK(gpu >= 1024 && gpu <= 2048);
}

TEST("prefill cost: whatever was learned, the rows are some, and no more than there may be") {
  uint32_t seed = 1;
  const auto random = [&](uint32_t below) {
    seed = seed * 1664525 + 1013904223;
    return int32_t((seed >> 8) % below);
  };
  for (int round = 0; round < 200; ++round) {
    PrefillCost cost(512);
    for (int i = 0; i < 40; ++i) {
      const PrefillBatch batch = chunk(random(8000), 16 + random(497));
      cost.learn(batch, 0.001 * (1 + random(1 << random(20))));
      const int32_t begin = random(8000);
      const int32_t rows = cost.rows_for(alone(begin)), others = cost.rows_for(beside(3, begin));
      CHECK(rows >= 64 && rows <= 512);
      CHECK(others >= 16 && others <= 8 * 512);
      CHECK(cost.rows_within(80, begin) >= 16);
      CHECK(cost.ms_of(chunk(begin, 100)) > 0);
    }
  }
}

TEST("prefill cost: beside others a tile may take a little longer, since fewer would save little") {
  const Machine takes = machine(1.6, 8, 0.7, 2.4);
  PrefillCost cost(512);
  after_prompt(cost, takes, 5000);
  for (int i = 0; i < 10; ++i) cost.learn(chunk(3000, 32), takes(chunk(3000, 32)));
  const int32_t rows = cost.rows_for(beside(15, 4000));  // 303 ms; 16 rows would take 200
  CHECK_EQ(rows, 64);
}

TEST("prefill cost: a token's cost is about right after a prompt whose end was disturbed") {
  const Machine calm = machine(0.5, 5, 0.15);
  for (const double disturbed : {2.0, 3.0, 5.0}) {
    PrefillCost cost(512);
    const Machine takes = [&](const PrefillBatch& batch) {
      return calm(batch) * (batch.depth > 1300 ? disturbed : 1);
    };
    after_prompt(cost, takes, 2600);
    CHECK(cost.token_ms(2600) > 0.4 && cost.token_ms(2600) < 0.6 * disturbed);
  }
  CHECK_EQ(PrefillCost(512).token_ms(2600), 0.0);
}
