#include "engine/request/reasoning-tracker.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "test/check.h"

using sluice::ReasoningMarks;
using sluice::ReasoningTracker;

namespace {

const ReasoningMarks kGenerated{"<think>", {"</think>"}, false, false, true, ""};
const ReasoningMarks kOpen{"<think>", {"</think>"}, true, false, true, ""};
const ReasoningMarks kMessages{"<think>", {"</think>"}, false, true, true, ""};

struct Told {
  int32_t tokens;
  bool is_open;
};

Told told(const ReasoningMarks& marks, const std::vector<std::string>& pieces) {
  ReasoningTracker thoughts(marks, ReasoningTracker::kUnlimited);
  for (const std::string& piece : pieces) {
    thoughts.append(piece);
    CHECK(!thoughts.must_end());
  }
  return {thoughts.tokens(), thoughts.is_open()};
}

// After how many of the tokens the thoughts must end; -1 where they need not.
int32_t end_at(const ReasoningMarks& marks, int32_t budget,
               const std::vector<std::string>& pieces) {
  ReasoningTracker thoughts(marks, budget);
  if (thoughts.must_end()) return 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    thoughts.append(pieces[i]);
    if (thoughts.must_end()) return int32_t(i + 1);
  }
  return -1;
}

struct Range {
  size_t begin, end;
};

// Of what stands between the marks of kMessages.
std::vector<Range> thoughts_in(const std::string& text) {
  std::vector<Range> found;
  for (size_t at = 0; (at = text.find("<think>", at)) != std::string::npos;) {
    const size_t begin = at + 7;
    at = std::min(text.find("</think>", begin), text.size());
    found.push_back({begin, at});
  }
  return found;
}

std::vector<std::string> bytes_of(const std::string& text) {
  std::vector<std::string> bytes;
  for (char byte : text) bytes.emplace_back(1, byte);
  return bytes;
}

}  // namespace

TEST("reasoning: tokens between the marks are counted, however the marks are cut into tokens") {
  CHECK_EQ(told(kOpen, {"I ", "think", "</think>", "Yes", "."}).tokens, 2);
  CHECK_EQ(told(kOpen, {"I ", "think", "</", "thi", "nk>", "Yes"}).tokens, 2);
  CHECK_EQ(told(kOpen, {"I ", "think</", "think>Yes"}).tokens, 2);
  CHECK_EQ(told(kGenerated, {"<think>", "\n", "a", "</think>", "b"}).tokens, 2);
  CHECK_EQ(told(kGenerated, {"<th", "ink>a", "b</think>c", "d"}).tokens, 2);
  CHECK_EQ(told(kGenerated, {"<think>a</think>b"}).tokens, 1);
  CHECK_EQ(told(kGenerated, {"<think></think>", "b"}).tokens, 0);
  CHECK_EQ(told(kOpen, bytes_of("abc</think>def")).tokens, 3);
}

TEST("reasoning: text that only begins like the end mark is part of them") {
  CHECK_EQ(told(kOpen, bytes_of("a</thin</think>b")).tokens, 7);
  CHECK_EQ(told(kOpen, {"a", "<", "/", "b"}).tokens, 4);
  // Cut off in the middle of it.
  const Told cut = told(kOpen, {"a", "</", "th"});
  CHECK_EQ(cut.tokens, 3);
  CHECK(cut.is_open);
}

TEST("reasoning: a control token without text is one of them") {
  CHECK_EQ(told(kOpen, {"a", "", "b", "", "</think>", "", "c"}).tokens, 4);
}

TEST("reasoning: the first word of a reply begins them, or any, as the format has it") {
  CHECK_EQ(told(kGenerated, {"\n ", "<think>", "a", "</think>"}).tokens, 1);
  CHECK_EQ(told(kGenerated, {"The mark ", "<think>", "a", "</think>"}).tokens, 0);
  CHECK_EQ(told(kGenerated, bytes_of("<<think>a")).tokens, 0);
  CHECK_EQ(told(kGenerated, {"<think>", "a", "</think>", "<think>", "b", "c"}).tokens, 1);
  CHECK_EQ(told(kOpen, {"a", "</think>", "\n", "<think>", "b"}).tokens, 1);
  CHECK_EQ(told(kMessages, {"x", "<think>", "a", "</think>", "y<think>", "b", "c"}).tokens, 3);
}

TEST("reasoning: the first byte begins them where blanks before would make them text") {
  ReasoningMarks marks = kGenerated;
  marks.may_follow_blank = false;
  CHECK_EQ(told(marks, {"<th", "ink>", "a", "b", "</think>"}).tokens, 2);
  CHECK_EQ(told(marks, {"\n", "<think>", "a", "b", "</think>"}).tokens, 0);
}

TEST("reasoning: the end mark may begin in the prompt") {
  ReasoningMarks marks = kOpen;
  marks.begun = "so</think>or</th";
  const Told ended = told(marks, {"ink>", "a", "b"});
  CHECK_EQ(ended.tokens, 0);
  CHECK(!ended.is_open);
  CHECK_EQ(told(marks, {"in", "k>a", "b"}).tokens, 0);
  CHECK_EQ(told(marks, {"in", "to", "</think>", "b"}).tokens, 2);
  CHECK_EQ(told(marks, {"a", "b"}).tokens, 2);
  // It is none of the budget's, and is not waited for.
  CHECK_EQ(end_at(marks, 0, {"ink>", "a"}), 0);
  CHECK_EQ(end_at(marks, 1, {"in", "k>", "a"}), -1);
  CHECK_EQ(end_at(marks, 1, {"a", "b"}), 1);
}

TEST("reasoning: the longest of several ends that end together is the mark") {
  const ReasoningMarks marks{
      "<think>", {"\n</think>", "</think>", "<tool_call>"}, true, false, true, ""};
  CHECK_EQ(told(marks, {"a", "\n", "</think>", "b"}).tokens, 1);
  CHECK_EQ(told(marks, {"a", "</think>", "b"}).tokens, 1);
  CHECK_EQ(told(marks, {"a", "b", "<tool_call>", "{}"}).tokens, 2);
  // Line breaks might begin it for ever.
  CHECK_EQ(end_at(marks, 4, std::vector<std::string>(9, "\n")), 6);
}

TEST("reasoning: an end is due when they have had their tokens") {
  const std::vector<std::string> words(10, "word ");
  CHECK_EQ(end_at(kOpen, 0, words), 0);
  CHECK_EQ(end_at(kOpen, 1, words), 1);
  CHECK_EQ(end_at(kOpen, 7, words), 7);
  CHECK_EQ(end_at(kOpen, 11, words), -1);
  CHECK_EQ(end_at(kGenerated, 0, {"<think>", "a"}), 1);
  CHECK_EQ(end_at(kGenerated, 2, {"<think>", "a", "b", "c"}), 3);
  CHECK_EQ(end_at(kGenerated, 0, words), -1);
  CHECK_EQ(end_at(kOpen, 3, {"a", "b", "</think>", "c", "d", "e"}), -1);
  CHECK_EQ(end_at(kOpen, ReasoningTracker::kUnlimited, words), -1);
}

TEST("reasoning: the budget is that of all of a reply's reasoning together") {
  const std::vector<std::string> twice{"<think>", "a", "b", "</think>", "c", "<think>", "d", "e"};
  CHECK_EQ(end_at(kMessages, 3, twice), 7);
  CHECK_EQ(end_at(kMessages, 2, {"<think>", "a", "b", "</think>"}), 3);
}

TEST("reasoning: neither a character nor a mark that has begun is cut") {
  CHECK_EQ(end_at(kOpen, 1, {"a\xF0\x9F", "\xA6", "\x8A", "b"}), 3);
  CHECK_EQ(end_at(kOpen, 2, {"a", "\xC3", "\xA9", "b"}), 3);
  // No character takes longer than this, whatever the bytes say.
  CHECK_EQ(end_at(kOpen, 1, std::vector<std::string>(9, "\xF0")), 4);
  CHECK_EQ(end_at(kOpen, 2, {"a", "</", "think", ">", "b", "c", "d"}), -1);
  CHECK_EQ(end_at(kOpen, 2, {"a", "</", "think", "ing", "b"}), 4);
  CHECK_EQ(end_at(kOpen, 2, {"a", "b<", "/think", ">", "c", "d"}), -1);
  CHECK_EQ(end_at(kOpen, 2, {"a", "b<", "c", "d"}), 3);
}

TEST("reasoning: random texts, cut anywhere, have the tokens that lie between the marks") {
  const char* const words[] = {"<think>", "</think>", "<",  "</",      "<th",
                               "</thin",  "a",        "\n", "\xC3\xA9"};
  std::mt19937 numbers(3);
  for (int32_t round = 0; round < 3000; ++round) {
    std::string text;
    while (numbers() % 24 > 0) text += words[numbers() % std::size(words)];
    std::vector<std::string> pieces;
    int32_t expected = 0;
    const std::vector<Range> ranges = thoughts_in(text);
    for (size_t from = 0; from < text.size(); from += pieces.back().size()) {
      pieces.push_back(text.substr(from, 1 + numbers() % 9));
      const size_t end = from + pieces.back().size();
      const auto is_in = [&](const Range& range) {
        return std::max(from, range.begin) < std::min(end, range.end);
      };
      expected += int32_t(std::count_if(ranges.begin(), ranges.end(), is_in));
    }
    CHECK_EQ(told(kMessages, pieces).tokens, expected);
  }
}
