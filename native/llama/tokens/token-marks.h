#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

struct llama_vocab;

namespace sluice {

// Which tokens of a vocabulary are marks. Content never becomes one of these tokens.
//
// All control tokens are marks. Tokens that the vocabulary calls user-defined are of two kinds.
// Some are parts of ordinary text (runs of spaces, tags of HTML). Others are like control tokens
// (`<think>`, `</tool_response>`) and are marks: those whose text the chat template itself writes,
// that end a reply or stand around a gap, or that have the form `<|...|>`. Immutable: any thread.
class TokenMarks {
 public:
  // `own_texts`: the texts of the chat template itself.
  TokenMarks(const llama_vocab* vocab, const std::set<std::string>& own_texts);

  bool is_mark(int32_t token) const;

 private:
  std::vector<bool> marks_;  // by token
};

}  // namespace sluice
