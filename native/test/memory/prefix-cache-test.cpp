#include "memory/prefix-cache.h"

#include "test/check.h"

using sluice::PrefixCache;
using sluice::SavedState;

namespace {

using Tokens = std::vector<int32_t>;

std::shared_ptr<SavedState> state(Tokens tokens, size_t bytes = 10, uint64_t owner = 0,
                                  const char* salt = "") {
  auto saved = std::make_shared<SavedState>();
  saved->salt = salt;
  saved->tokens = std::move(tokens);
  saved->bytes.resize(bytes);
  saved->owner = owner;
  return saved;
}

int32_t shared(PrefixCache& cache, const Tokens& tokens, const char* salt = "") {
  return cache.find(salt, tokens, int32_t(tokens.size()) - 1).shared;
}

}  // namespace

TEST("prefix cache: the longest shared beginning is found") {
  PrefixCache cache(100, false);
  cache.insert(state({1, 2, 3, 4}));
  cache.insert(state({1, 2, 9, 9, 9, 9}));
  CHECK_EQ(shared(cache, {1, 2, 3, 7, 7}), 3);
  CHECK_EQ(shared(cache, {1, 2, 9, 9, 7}), 4);
  CHECK_EQ(shared(cache, {5, 6, 7}), 0);
  CHECK(cache.find("", {5, 6}, 1).state == nullptr);
}

TEST("prefix cache: no more is found than may be") {
  PrefixCache cache(100, false);
  cache.insert(state({1, 2, 3, 4}));
  CHECK_EQ(shared(cache, {1, 2, 3, 4}), 3);
}

TEST("prefix cache: states that cannot be cut serve only what begins with all of them") {
  PrefixCache cache(100, true);
  cache.insert(state({1, 2, 3, 4}));
  cache.insert(state({1, 2}));
  CHECK_EQ(shared(cache, {1, 2, 3, 7}), 2);
  CHECK_EQ(shared(cache, {1, 2, 3, 4, 7}), 4);
  CHECK_EQ(shared(cache, {1, 2, 3, 4}), 2);
  CHECK_EQ(cache.longest_common("", {1, 2, 3, 7}, 4), 3);
  CHECK(cache.serves("", {1, 2}));
  CHECK(!cache.serves("", {1, 2, 3}));
}

TEST("prefix cache: nothing is shared across salts") {
  PrefixCache cache(100, false);
  cache.insert(state({1, 2, 3}, 10, 0, "tenant a"));
  CHECK_EQ(shared(cache, {1, 2, 3, 4}), 0);
  CHECK_EQ(shared(cache, {1, 2, 3, 4}, "tenant b"), 0);
  CHECK_EQ(shared(cache, {1, 2, 3, 4}, "tenant a"), 3);
  CHECK_EQ(cache.longest_common("", {1, 2, 3}, 3), 0);
  CHECK(!cache.serves("", {1, 2}));
  CHECK(cache.serves("tenant a", {1, 2}));
}

TEST("prefix cache: the least recently used goes first, counted in bytes") {
  PrefixCache cache(30, false);
  cache.insert(state({1, 1}));
  cache.insert(state({2, 2}));
  cache.insert(state({3, 3}));
  CHECK_EQ(shared(cache, {1, 1, 0}), 2);  // used
  cache.insert(state({4, 4}));
  CHECK_EQ(shared(cache, {2, 2, 0}), 0);
  CHECK_EQ(shared(cache, {1, 1, 0}), 2);
  CHECK_EQ(cache.bytes(), uint64_t(30));
  cache.insert(state({5, 5}, 25));
  CHECK_EQ(cache.size(), size_t(1));
}

TEST("prefix cache: an entry that was used again is dropped last") {
  PrefixCache cache(20, false);
  cache.insert(state({1, 1}, 10, 7));
  cache.insert(state({2, 2}));
  cache.insert(state({3, 3}));
  CHECK_EQ(shared(cache, {1, 1, 0}), 2);
  CHECK_EQ(shared(cache, {2, 2, 0}), 0);
  cache.disown(7);
  CHECK_EQ(shared(cache, {3, 3, 0}), 2);
  cache.insert(state({4, 4}));
  CHECK_EQ(shared(cache, {1, 1, 0}), 0);
}

TEST("prefix cache: a state that is larger than all the room is not kept") {
  PrefixCache cache(20, false);
  cache.insert(state({1, 1}));
  cache.insert(state({2, 2}, 21));
  CHECK_EQ(cache.size(), size_t(1));
  PrefixCache none(0, false);
  none.insert(state({1, 1}));
  CHECK_EQ(none.size(), size_t(0));
}

TEST("prefix cache: an owner's entry goes when it is back") {
  PrefixCache cache(20, false);
  cache.insert(state({1, 1}, 10, 7));
  cache.erase_owned_by(8);
  CHECK_EQ(cache.size(), size_t(1));
  cache.erase_owned_by(7);
  CHECK_EQ(cache.size(), size_t(0));
  CHECK_EQ(cache.bytes(), uint64_t(10));  // kept for the next
  CHECK_EQ(cache.room_for(10).capacity(), size_t(10));
  CHECK_EQ(cache.bytes(), uint64_t(0));
}

TEST("prefix cache: a dropped entry's memory is used again, unless it is still read") {
  PrefixCache cache(20, false);
  cache.insert(state({1, 1}));
  cache.insert(state({2, 2}));
  CHECK_EQ(cache.room_for(10).capacity(), size_t(10));
  CHECK_EQ(cache.room_for(10).capacity(), size_t(0));
  const auto held = cache.find("", {2, 2, 0}, 2).state;
  cache.insert(state({3, 3}));
  CHECK_EQ(cache.room_for(10).capacity(), size_t(0));
  CHECK_EQ(held->bytes.size(), size_t(10));
}

TEST("prefix cache: a longer state takes the place of its beginnings") {
  PrefixCache cache(100, false);
  cache.insert(state({1}));
  cache.insert(state({1, 2}, 10, 7));
  cache.insert(state({1, 2, 3}));
  cache.insert(state({1, 9}));
  cache.insert(state({1, 2, 3, 4}));
  CHECK_EQ(cache.size(), size_t(3));  // the owned one stays
  PrefixCache whole(100, true);
  whole.insert(state({1}));
  whole.insert(state({1, 2}));
  CHECK_EQ(whole.size(), size_t(2));
}

TEST("prefix cache: the number of entries is bounded") {
  PrefixCache cache(1 << 20, false);
  for (int32_t i = 0; i < 2000; ++i) cache.insert(state({i, i}, 1));
  CHECK_EQ(cache.size(), PrefixCache::kEntriesMax);
}

TEST("prefix cache: small states do not live in the memory of large ones") {
  PrefixCache cache(1000, false);
  const auto save = [&](int32_t token, size_t bytes) {
    auto saved = std::make_shared<SavedState>();
    saved->tokens = {token, token};
    saved->bytes = cache.room_for(bytes);
    saved->bytes.resize(bytes);
    cache.insert(saved);
  };
  save(1, 500);
  save(2, 500);
  for (int32_t i = 3; i < 50; ++i) save(i, 10);
  CHECK(cache.size() >= 47);
}

TEST("prefix cache: the state of a sequence can be erased, and nothing else is") {
  for (const bool whole_only : {false, true}) {
    PrefixCache cache(100, whole_only);
    for (const Tokens& tokens : {Tokens{1, 2}, Tokens{1, 2, 3, 4}, Tokens{1, 2, 9}, Tokens{7}}) {
      cache.insert(state(tokens));
    }
    cache.insert(state({1, 2, 3}, 10, 0, "tenant a"));
    cache.erase_prefixes_of("", {1, 2, 3, 4, 5});
    CHECK_EQ(shared(cache, {1, 2, 9, 9}), 3);
    CHECK_EQ(shared(cache, {7, 7}), 1);
    CHECK_EQ(shared(cache, {1, 2, 3, 4}, "tenant a"), 3);
    CHECK_EQ(cache.longest_common("", {1, 2, 3, 4, 5}, 5), 2);  // with 1 2 9
    CHECK_EQ(cache.size(), size_t(3));
  }
}

TEST("prefix cache: all entries, dropped ones included, are never more than its bound") {
  PrefixCache cache(100, false);
  uint64_t seed = 1;
  for (int32_t i = 0; i < 2000; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const size_t bytes = 1 + size_t(seed >> 33) % 60;
    auto saved = state({int32_t(seed >> 40) % 50, i}, 0);
    saved->bytes = cache.room_for(bytes);
    CHECK(saved->bytes.resize(bytes));
    CHECK(cache.bytes() + saved->bytes.capacity() <= 100);
    cache.insert(std::move(saved));
    CHECK(cache.bytes() <= 100);
    if (i % 7 == 0) cache.erase_prefixes_of("", {int32_t(seed >> 40) % 50, i});
  }
  CHECK(cache.size() > 0);
}
