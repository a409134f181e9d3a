#include "engine/policy/compaction.h"

#include <algorithm>
#include <string>

#include "test/check.h"

using sluice::next_swap;
using sluice::SlotUse;
using sluice::Swap;

namespace {

// r is running, p a prompt, anything else is open.
std::vector<SlotUse> slots(const std::string& text) {
  std::vector<SlotUse> uses;
  for (char c : text) {
    uses.push_back(c == 'r' ? SlotUse::running : c == 'p' ? SlotUse::prompt : SlotUse::open);
  }
  return uses;
}

std::string after_swaps(std::string text, int* swaps = nullptr) {
  int count = 0;
  for (auto swap = next_swap(slots(text)); swap; swap = next_swap(slots(text))) {
    std::swap(text[size_t(swap->from)], text[size_t(swap->to)]);
    if (++count > 300) check::fail(__FILE__, __LINE__, "swaps without end: " + text);
  }
  if (swaps) *swaps = count;
  return text;
}

}  // namespace

TEST("compaction: sequences that run side by side stay there") {
  for (const char* text : {"", "..", "r", "..r.", "rrr.", ".rr.", "prr", "rpr", "pppp"}) {
    CHECK(!next_swap(slots(text)));
  }
}

TEST("compaction: a hole is closed by one swap") {
  CHECK_EQ(after_swaps("r.rr"), std::string("rrr."));
  CHECK_EQ(after_swaps("rr.r"), std::string("rrr."));
  CHECK_EQ(after_swaps(".r.r"), std::string("rr.."));
}

TEST("compaction: the majority stays") {
  int swaps = 0;
  CHECK_EQ(after_swaps("r..rrr", &swaps), std::string("..rrrr"));
  CHECK_EQ(swaps, 1);
}

TEST("compaction: a prompt is passed over, and is no reason to move") {
  CHECK_EQ(after_swaps("rp.r"), std::string("rpr."));
}

TEST("compaction: moves always end, with all side by side and none lost") {
  uint32_t random = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int slot = 0; slot < 24; ++slot) {
      random = random * 1664525u + 1013904223u;
      text.push_back("rr.p"[random >> 30]);
    }
    std::string left;
    for (char c : after_swaps(text)) {
      if (c != 'p') left.push_back(c);
    }
    const size_t first = left.find('r'), last = left.rfind('r');
    CHECK(first == std::string::npos || left.substr(first, last - first).find('.') > last);
    CHECK_EQ(std::count(left.begin(), left.end(), 'r'), std::count(text.begin(), text.end(), 'r'));
  }
}
