#include "engine/request/pending-logprobs.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice {

std::vector<TokenLogprobs> PendingLogprobs::take(size_t released, bool is_cut) {
  auto next = pending_.begin();
  bool is_last = false;
  for (; next != pending_.end() && !is_last; ++next) {
    std::string& bytes = next->chosen.bytes;
    // `released` may shrink again, where what looked like the beginning of a mark was none.
    const size_t free = std::min(bytes.size(), released - std::min(released, taken_));
    if (free < bytes.size() && !(is_cut && free > 0)) break;
    is_last = free < bytes.size();
    bytes.resize(free);
    taken_ += free;
  }
  const auto begin = std::make_move_iterator(pending_.begin());
  std::vector<TokenLogprobs> ready(begin, std::make_move_iterator(next));
  pending_.erase(pending_.begin(), is_last ? pending_.end() : next);  // the rest is the stop string
  return ready;
}

}  // namespace sluice
