#include "engine/policy/compaction.h"

#include <algorithm>

namespace sluice {

std::optional<Swap> next_swap(const std::vector<SlotUse>& uses) {
  // Slots with prompts are left out: they neither move nor are moved into.
  std::vector<int32_t> slots;
  for (size_t slot = 0; slot < uses.size(); ++slot) {
    if (uses[slot] != SlotUse::prompt) slots.push_back(int32_t(slot));
  }
  const auto is_running = [&](int32_t slot) { return uses[size_t(slot)] == SlotUse::running; };
  const auto count_running = [&](auto begin, auto end) {
    return std::count_if(begin, end, is_running);
  };
  const auto running = count_running(slots.begin(), slots.end());

  // The window of as many slots as are running that holds most of them already.
  auto window = slots.begin();
  auto most = count_running(window, window + running);
  for (auto begin = slots.begin(); slots.end() - begin >= running; ++begin) {
    const auto held = count_running(begin, begin + running);
    if (held > most) {
      window = begin;
      most = held;
    }
  }
  if (most == running) return std::nullopt;
  const auto window_end = window + running;
  const auto to = std::find_if_not(window, window_end, is_running);
  auto from = std::find_if(window_end, slots.end(), is_running);
  if (from == slots.end()) from = std::find_if(slots.begin(), window, is_running);
  return Swap{*from, *to};
}

}  // namespace sluice
