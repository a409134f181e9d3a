#include "disk/state-index.h"

#include <numeric>

#include "test/check.h"

using namespace sluice;

namespace {

const Digest kOwner = sha256("owner"), kOther = sha256("other");
constexpr uint64_t kMiB = uint64_t(1) << 20;

// `shared` tokens of a common text, and then others that `seed` stands for.
std::vector<int32_t> tokens_of(int32_t count, int32_t shared = INT32_MAX, int32_t seed = 0) {
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  std::iota(tokens.begin(), tokens.end(), 0);
  for (int32_t i = shared; i < count; ++i) tokens[size_t(i)] = 100000 * (seed + 1) + i;
  return tokens;
}

void add(StateIndex& index, const char* name, std::vector<int32_t> tokens, bool is_written = true,
         uint64_t bytes = kMiB, const Digest& owner = kOwner) {
  auto head = std::make_shared<StateHead>();
  head->owner = owner;
  head->tokens = std::move(tokens);
  head->state_bytes = bytes;
  index.add(name, std::move(head), is_written);
}

std::string found(const StateIndex& index, const std::vector<int32_t>& tokens, int32_t there = 0,
                  const DiskRates& rates = {}) {
  return index.find(kOwner, tokens, int32_t(tokens.size()) - 1, there, rates).name;
}

}  // namespace

TEST("state index: the longest shared prefix is found, of the same owner and written") {
  StateIndex index(false, 10000);
  add(index, "short", tokens_of(600, 500));
  add(index, "long", tokens_of(2000, 1500));
  add(index, "waits", tokens_of(3000), false);
  add(index, "foreign", tokens_of(3000), true, kMiB, kOther);
  const auto prompt = tokens_of(2500);
  CHECK_EQ(found(index, prompt), "long");
  CHECK_EQ(index.find(kOwner, prompt, 2499, 0, {}).shared, 1500);
  index.remove("long");
  CHECK_EQ(found(index, prompt), "short");
  CHECK_EQ(found(index, tokens_of(2500, 0)), "");
}

TEST("state index: nothing is read for few tokens more than are in memory") {
  StateIndex index(false, 10000);
  add(index, "one", tokens_of(2000));
  CHECK_EQ(found(index, tokens_of(2500), 2000 - kDiskTokensMin), "one");
  CHECK_EQ(found(index, tokens_of(2500), 2001 - kDiskTokensMin), "");
}

TEST("state index: of two states the one that spares more time is read") {
  StateIndex index(false, 100000);
  add(index, "small", tokens_of(2000), true, 100 * kMiB);
  add(index, "large", tokens_of(16000, 2010), true, 800 * kMiB);
  CHECK_EQ(found(index, tokens_of(3000)), "small");
}

TEST("state index: where states serve whole only, none that goes on otherwise is found") {
  StateIndex index(true, 10000);
  add(index, "whole", tokens_of(600));
  add(index, "parts", tokens_of(2000, 1500));
  CHECK_EQ(found(index, tokens_of(2500)), "whole");
  CHECK_EQ(index.longest_common(kOwner, tokens_of(2500), 2499), 1500);
  CHECK_EQ(index.known(kOwner, tokens_of(2500)), 600);
}

TEST("state index: a state with more tokens than a slot has room for is not found") {
  StateIndex index(false, 1000);
  add(index, "long", tokens_of(1001));
  add(index, "right", tokens_of(1000, 700));
  CHECK_EQ(found(index, tokens_of(900)), "right");
}

TEST("state index: what waits to be written counts as known") {
  StateIndex index(false, 10000);
  add(index, "waits", tokens_of(3000), false);
  CHECK_EQ(index.known(kOwner, tokens_of(2000)), 2000);
  CHECK_EQ(index.known(kOther, tokens_of(2000)), 0);
  CHECK(index.written().empty());
}

TEST("state index: what goes because it was written goes, and what waits under that name stays") {
  StateIndex index(false, 10000);
  add(index, "written", tokens_of(3000));
  add(index, "waits", tokens_of(3000), false);
  for (const char* name : {"written", "waits", "unknown"}) index.remove_written(name);
  CHECK(!index.has("written"));
  CHECK(index.has("waits"));
}

TEST("state index: prefixes of a text are told from texts that part from it") {
  StateIndex index(false, 10000);
  add(index, "half", tokens_of(1000));
  add(index, "little", tokens_of(300));
  add(index, "parts", tokens_of(1500, 1400));
  CHECK(index.large_prefixes_of(kOwner, tokens_of(2000)) == std::vector<std::string>{"half"});
}

TEST("state index: what a text may have begun with shares enough with it, or all of its own") {
  StateIndex index(false, 10000);
  add(index, "few", tokens_of(100));
  add(index, "longer", tokens_of(3000, kDiskTokensMin));
  add(index, "other", tokens_of(3000, kDiskTokensMin - 1, 1));
  add(index, "foreign", tokens_of(2000), true, kMiB, kOther);
  const std::vector<std::string> both{"few", "longer"};
  CHECK(index.sharing(kOwner, tokens_of(2000)) == both);
}

TEST("state index: a read is worth it where it takes less time than computing") {
  const DiskRates rates{500000, 0.5};  // 500 MB a second, 2,000 tokens a second
  struct Row {
    int32_t spared;
    uint64_t bytes;
    bool expected;
  };
  for (const Row& row : std::vector<Row>{{kDiskTokensMin - 1, 1, false},
                                         {kDiskTokensMin, 1, true},
                                         {2000, 480 * 1000000, true},   // 960 ms for 1,000
                                         {2000, 520 * 1000000, false},  // 1,040 ms for 1,000
                                         {300, 100 * 1000000, false}}) {
    CHECK_EQ(is_worth_reading(row.spared, row.bytes, rates), row.expected);
  }
  const DiskRates fast{500000, 0.001};  // a model so small that nothing is dear
  CHECK(is_worth_reading(300, 5 * 1000000, fast));
  CHECK(!is_worth_reading(300, 50 * 1000000, fast));
}

TEST("state index: a write is worth it where a text has grown enough") {
  const DiskRates rates{500000, 0.5};
  struct Row {
    int32_t tokens, known;
    bool is_last, expected;
  };
  for (const Row& row : std::vector<Row>{{kDiskTokensMin - 1, 0, true, false},
                                         {kDiskTokensMin, 0, false, true},
                                         {2100, 2000, false, false},
                                         {2100, 2000, true, false},
                                         {8000, 6001, false, false},
                                         {8000, 6000, false, true},
                                         {8000, 7000, false, false},
                                         {8000, 7000, true, true}}) {
    CHECK_EQ(is_worth_writing(row.tokens, row.known, kMiB, rates, row.is_last), row.expected);
  }
  const bool is_last = true;
  CHECK(!is_worth_writing(300, 0, uint64_t(1) << 40, rates, is_last));
}

TEST("state index: a text that grows is written no more than five times over in all") {
  StateIndex index(false, 100000);
  int64_t written = 0;
  int32_t known = 0, count = 0;
  for (count = 300; count < 60000; count += 50) {
    if (!is_worth_writing(count, known, kMiB, {}, false)) continue;
    known = count;
    written += count;
  }
  CHECK(written <= int64_t(count) * 5);
}
