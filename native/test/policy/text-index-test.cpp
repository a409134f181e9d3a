#include "engine/policy/text-index.h"

#include "test/check.h"

using sluice::TextIndex;

namespace {

constexpr int32_t kSegment = TextIndex::kSegment;

// Tokens of which no three in a row come twice.
std::vector<int32_t> text_of(int32_t count, int32_t first = 0) {
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < count; ++i) tokens.push_back(first + i);
  return tokens;
}

std::vector<int32_t> then(std::vector<int32_t> text, const std::vector<int32_t>& more) {
  text.insert(text.end(), more.begin(), more.end());
  return text;
}

// Where it should be found, by looking at each position.
int32_t searched(const std::vector<int32_t>& tokens) {
  const int32_t last = int32_t(tokens.size()) - TextIndex::kKey;
  for (int32_t at = last - 1; at >= 0; --at) {
    bool is_same = true;
    for (int32_t i = 0; i < TextIndex::kKey; ++i) {
      is_same = is_same && tokens[size_t(at + i)] == tokens[size_t(last + i)];
    }
    if (is_same) return at + TextIndex::kKey;
  }
  return -1;
}

}  // namespace

TEST("text index: nothing is found in a text that says nothing twice, or is short") {
  TextIndex::Store store;
  for (int32_t count : {0, 1, 2, 3, 4, kSegment, kSegment + 3, 5 * kSegment}) {
    CHECK_EQ(TextIndex(store, "").find(text_of(count)), -1);
  }
}

TEST("text index: what was said before is found, wherever segments begin") {
  TextIndex::Store store;
  for (int32_t at = 0; at + 3 < 3 * kSegment; ++at) {
    const auto text = then(text_of(3 * kSegment), {at, at + 1, at + 2});
    CHECK_EQ(TextIndex(store, "").find(text), at + 3);
  }
}

TEST("text index: as a text grows the last occurrence is found, as by looking at each position") {
  TextIndex::Store store;
  TextIndex index(store, "");
  std::vector<int32_t> text;
  uint32_t random = 1;
  for (int32_t i = 0; i < 6 * kSegment; ++i) {
    random = random * 1664525u + 1013904223u;
    text.push_back(int32_t(random >> 28));
    CHECK_EQ(index.find(text), searched(text));
  }
}

TEST("text index: texts that begin alike share their segments, and texts of another salt do not") {
  TextIndex::Store store;
  const auto prompt = text_of(4 * kSegment + 10);
  TextIndex one(store, ""), other(store, "");
  one.find(then(prompt, text_of(20, 5000)));
  CHECK_EQ(store.size(), size_t(4));
  other.find(then(prompt, text_of(2 * kSegment, 9000)));
  CHECK_EQ(store.size(), size_t(4 + 2));
  TextIndex salted(store, "tenant");
  salted.find(prompt);
  CHECK_EQ(store.size(), size_t(4 + 2 + 4));
}

TEST("text index: the segments of texts that are gone are dropped") {
  TextIndex::Store store;
  for (int32_t i = 0; i < 100; ++i) TextIndex(store, "").find(text_of(9 * kSegment, 10000 * i));
  CHECK(store.size() < size_t(200));
}
