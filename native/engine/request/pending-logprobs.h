#pragma once

#include <cstddef>
#include <vector>

#include "engine/request/part.h"

namespace sluice {

// The logprobs of a reply's tokens, sent beside its text: an entry is sent when the last byte of
// its token has become text that may be sent. So the bytes of all sent entries are the sent text,
// or its beginning. Owned by Sequence. Engine thread only.
class PendingLogprobs {
 public:
  void push(TokenLogprobs entry) { pending_.push_back(std::move(entry)); }
  // Those whose tokens lie within the reply's first `released` bytes. With `is_cut` no more bytes
  // will be released: the token that a stop string begins in comes with the bytes before that.
  std::vector<TokenLogprobs> take(size_t released, bool is_cut);

 private:
  std::vector<TokenLogprobs> pending_;  // a deque takes 600 bytes while it is empty
  size_t taken_ = 0;                    // bytes of those that were sent
};

}  // namespace sluice
