#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "engine/request/part.h"

namespace sluice {

// The logprobs of a reply's tokens, on their way beside its text: an entry leaves when the last
// byte of its token has become text that may leave. So the bytes of all that left are those of the
// text, or its beginning.
// Owned by Sequence. Engine thread only.
class HeldLogprobs {
 public:
  void push(TokenLogprobs entry) { held_.push_back(std::move(entry)); }
  // Those whose tokens lie within the reply's first `released` bytes. With `is_cut` no more bytes
  // will be released: the token that a stop string begins in comes with the bytes before that.
  std::vector<TokenLogprobs> take(size_t released, bool is_cut);

 private:
  std::deque<TokenLogprobs> held_;
  size_t taken_ = 0;  // bytes of those that left
};

}  // namespace sluice
