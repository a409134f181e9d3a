#include "engine/request/held-logprobs.h"

#include <algorithm>
#include <utility>

namespace sluice {

std::vector<TokenLogprobs> HeldLogprobs::take(size_t released, bool is_cut) {
  std::vector<TokenLogprobs> ready;
  while (!held_.empty()) {
    std::string& bytes = held_.front().chosen.bytes;
    // What has left may be held back again, where a mark that was begun turned out to be none.
    const size_t free = std::min(bytes.size(), released - std::min(released, taken_));
    if (free < bytes.size() && !(is_cut && free > 0)) break;
    const bool is_last = free < bytes.size();
    bytes.resize(free);
    taken_ += free;
    ready.push_back(std::move(held_.front()));
    held_.pop_front();
    if (is_last) held_.clear();  // the rest is of the stop string
  }
  return ready;
}

}  // namespace sluice
