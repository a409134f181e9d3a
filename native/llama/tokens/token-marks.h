#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

struct llama_vocab;

namespace sluice {

// Which tokens of a vocabulary are marks: those that no text may become that somebody says.
//
// Control tokens are. Of the tokens that the vocabulary calls user-defined some are words that
// every text is split at (runs of spaces, tags of HTML), others are as good as control tokens
// (`<think>`,
// `</tool_response>`): those whose text the chat template itself writes, that end a reply or stand
// around a gap, or that have the form `<|...|>`. Immutable: any thread.
class TokenMarks {
 public:
  // `own_texts` are what the template holds and writes.
  TokenMarks(const llama_vocab* vocab, const std::set<std::string>& own_texts);

  bool is_mark(int32_t token) const;

 private:
  std::vector<bool> marks_;  // by token
};

}  // namespace sluice
