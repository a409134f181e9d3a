#include "memory/memory-budget.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "test/check.h"

using sluice::FreeMemory;
using sluice::MemoryBudget;
using sluice::MemoryNeed;
using sluice::SharedWeights;

namespace {

constexpr uint64_t kGiB = uint64_t(1) << 30;

using GiB = std::map<std::string, uint64_t>;

MemoryNeed need(uint64_t other, GiB mapped = {}, GiB copied = {}) {
  for (auto& [file, bytes] : mapped) bytes *= kGiB;
  for (auto& [file, bytes] : copied) bytes *= kGiB;
  return {{mapped, copied}, other * kGiB};
}

bool never() { return false; }

std::string words(const FreeMemory& free) {
  return std::to_string(free.bytes / kGiB) + " beside " + std::to_string(free.promised / kGiB);
}

}  // namespace

TEST("memory budget: an engine counts on what the others leave, and no more than the system has") {
  struct Row {
    const char* what;
    std::vector<MemoryNeed> others;  // were promised while 16 GiB were free
    uint64_t system;                 // GiB that are free now, as it says
    const char* expected;
  };
  const SharedWeights own = need(0, {{"own", 5}}, {{"own on CPU", 5}}).weights;
  const Row rows[] = {
      {"alone", {}, 16, "16 beside 0"},
      {"alone, little is free", {}, 0, "0 beside 0"},
      {"one that touched nothing yet", {need(4)}, 16, "12 beside 4"},
      {"one that touched all", {need(4)}, 12, "12 beside 4"},
      {"one that touched half", {need(4)}, 14, "12 beside 4"},
      {"another program took some", {need(4)}, 7, "7 beside 4"},
      {"another program ended", {need(4)}, 20, "16 beside 4"},
      {"mapped weights", {need(1, {{"a", 6}})}, 15, "9 beside 7"},
      {"weights that two share", {need(1, {{"a", 6}}), need(2, {{"a", 6}})}, 16, "7 beside 9"},
      {"weights of two files", {need(1, {{"a", 6}}), need(2, {{"b", 3}})}, 16, "4 beside 12"},
      {"a copy and a mapped file", {need(0, {{"a", 6}}, {{"a", 3}})}, 16, "7 beside 9"},
      {"its own weights", {need(1, {{"own", 5}})}, 15, "15 beside 1"},
      {"less than its own", {need(1, {{"own", 2}})}, 15, "15 beside 1"},
      {"more than its own", {need(1, {{"own", 7}})}, 15, "13 beside 3"},
      {"its own copy is there", {need(1, {}, {{"own on CPU", 5}})}, 10, "15 beside 1"},
      {"a copy elsewhere", {need(1, {}, {{"own on GPU", 5}})}, 10, "10 beside 6"},
      {"its own copy, to come", {need(1, {}, {{"own on CPU", 5}})}, 16, "15 beside 1"},
      {"a larger copy", {need(1, {}, {{"own on CPU", 8}})}, 7, "12 beside 4"},
      {"more than there was", {need(20)}, 3, "0 beside 20"},
  };
  for (const Row& row : rows) {
    MemoryBudget budget;
    std::vector<std::unique_ptr<MemoryBudget::Share>> others;
    for (const MemoryNeed& other : row.others) {
      others.push_back(std::make_unique<MemoryBudget::Share>(budget, 16 * kGiB));
      others.back()->promise(other);
    }
    const MemoryBudget::Share share(budget, row.system * kGiB);
    CHECK_EQ(std::string(row.what) + ": " + words(share.free(own)),
             std::string(row.what) + ": " + row.expected);
  }
}

TEST("memory budget: of a file that two have, as much counts as the one that has more of it") {
  MemoryBudget budget;
  const MemoryBudget::Share a(budget, 16 * kGiB), b(budget, 16 * kGiB), third(budget, 16 * kGiB);
  // Both ways around: whoever the budget asks first.
  for (const auto& [more, less] : {std::make_pair(&a, &b), std::make_pair(&b, &a)}) {
    more->promise(need(1, {{"file", 6}}, {{"copy", 3}}));
    less->promise(need(1, {{"file", 2}}, {{"copy", 1}}));
    CHECK_EQ(words(third.free({})), "5 beside 11");
  }
}

TEST("memory budget: a promise takes the place of the one before, and its end gives it back") {
  MemoryBudget budget;
  std::optional<MemoryBudget::Share> other(std::in_place, budget, 16 * kGiB);
  const MemoryBudget::Share share(budget, 16 * kGiB);
  CHECK_EQ(words(share.free({})), "16 beside 0");
  other->promise(need(4, {{"a", 2}}));
  CHECK_EQ(words(share.free({})), "10 beside 6");
  other->promise(need(3));
  CHECK_EQ(words(share.free({})), "13 beside 3");
  other->promise({});
  CHECK_EQ(words(share.free({})), "16 beside 0");
  other->promise(need(5));
  CHECK_EQ(words(share.free({})), "11 beside 5");
  other.reset();
  CHECK_EQ(words(share.free({})), "16 beside 0");
}

TEST("memory budget: what was free at first is forgotten once nothing is promised") {
  MemoryBudget budget;
  std::optional<MemoryBudget::Share> first(std::in_place, budget, 16 * kGiB);
  first->promise(need(4));
  CHECK_EQ(words(MemoryBudget::Share(budget, 12 * kGiB).free({})), "12 beside 4");
  first.reset();
  const MemoryBudget::Share second(budget, 8 * kGiB);
  second.promise(need(0, {{"a", 3}}));
  CHECK_EQ(words(MemoryBudget::Share(budget, 8 * kGiB).free({})), "5 beside 3");
}

TEST("memory budget: what was free at first outlives the engine that was first") {
  MemoryBudget budget;
  std::optional<MemoryBudget::Share> first(std::in_place, budget, 16 * kGiB);
  first->promise(need(10));
  const MemoryBudget::Share second(budget, 6 * kGiB);
  first.reset();
  second.promise(need(4));
  CHECK_EQ(words(MemoryBudget::Share(budget, 12 * kGiB).free({})), "12 beside 4");
}

TEST("memory budget: who waits for a turn can give up, and the turn goes on to another") {
  MemoryBudget budget;
  const MemoryBudget::Share first(budget, kGiB), second(budget, kGiB), third(budget, kGiB);
  MemoryBudget::Turn turn = first.turn(never);
  CHECK(turn != nullptr);
  std::atomic<bool> is_closing{false};
  std::atomic<int> asked{0};
  bool gave_up = false, got_it = false;
  std::thread giving_up([&] {
    const auto is_abandoned = [&] {
      ++asked;
      return is_closing.load();
    };
    gave_up = second.turn(is_abandoned) == nullptr;
  });
  std::thread waiting([&] { got_it = third.turn(never) != nullptr; });
  while (asked < 2) std::this_thread::yield();
  is_closing = true;
  giving_up.join();  // while the first still has it
  turn.reset();
  waiting.join();
  CHECK(gave_up && got_it);
  CHECK(second.turn([] { return true; }) == nullptr);
  CHECK(second.turn(never) != nullptr);
}

TEST("memory budget: engines that take turns are never promised more than there is") {
  MemoryBudget budget;
  std::atomic<bool> is_exceeded{false};
  const auto load_and_close = [&](uint64_t most) {
    const MemoryBudget::Share share(budget, 16 * kGiB);
    for (int i = 0; i < 200; ++i) {
      {
        const auto turn = share.turn(never);
        const uint64_t bytes = std::min(most, share.free({}).bytes);
        std::this_thread::yield();
        share.promise({{}, bytes});
        if (bytes + share.free({}).promised > 16 * kGiB) is_exceeded = true;
      }
      share.promise({});
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t most : {5, 7, 11, 16}) threads.emplace_back(load_and_close, most * kGiB);
  for (std::thread& thread : threads) thread.join();
  CHECK(!is_exceeded);
}
