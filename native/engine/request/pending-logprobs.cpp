#include "engine/request/pending-logprobs.h"

#include <algorithm>
#include <utility>

namespace sluice {

std::vector<TokenLogprobs> PendingLogprobs::take(size_t released, bool is_cut) {
  std::vector<TokenLogprobs> ready;
  while (!pending_.empty()) {
    std::string& bytes = pending_.front().chosen.bytes;
    // `released` may shrink again, where what looked like the beginning of a mark was none.
    const size_t free = std::min(bytes.size(), released - std::min(released, taken_));
    if (free < bytes.size() && !(is_cut && free > 0)) break;
    const bool is_last = free < bytes.size();
    bytes.resize(free);
    taken_ += free;
    ready.push_back(std::move(pending_.front()));
    pending_.pop_front();
    if (is_last) pending_.clear();  // the rest is of the stop string
  }
  return ready;
}

}  // namespace sluice
