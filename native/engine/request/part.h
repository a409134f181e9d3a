#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "llama/chat/chat-delta.h"

namespace sluice {

struct TokenLogprob {
  std::string bytes;  // of the token; may be part of a character
  float logprob;      // natural logarithm; NaN of a prompt's first token, which follows nothing
  std::string name;   // of a control token, which writes no bytes
  int32_t token = 0;  // its number in the vocabulary
};

// How likely the chosen token was, and how likely the likeliest ones were.
struct TokenLogprobs {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;
};

// A piece of a reply, and the logprobs of its tokens. Neighbours of one kind merge while they wait.
struct Part : ReplyPiece {
  std::vector<TokenLogprobs> logprobs;
  std::vector<TokenLogprobs> prompt_logprobs;  // of the prompt's tokens, which come first
  int32_t tokens = 0;                          // with prompt logprobs, the prompt's among them

  void append(Part&& next) {
    ReplyPiece::append(std::move(next));
    const auto add = [](std::vector<TokenLogprobs>& all, std::vector<TokenLogprobs>& more) {
      std::move(more.begin(), more.end(), std::back_inserter(all));
    };
    add(logprobs, next.logprobs);
    add(prompt_logprobs, next.prompt_logprobs);
    tokens += next.tokens;
  }
};

}  // namespace sluice
