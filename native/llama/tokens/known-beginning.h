#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "llama/tokens/prompt-text.h"

struct llama_model;

namespace sluice {

// Long prompts that begin alike are tokenized from where they part: the questions about one state,
// the turns of one conversation. Tokenizing takes 0.2 to 2 us a byte, comparing next to nothing.
//
// A prompt is cut between a letter and a blank before a letter, and so is each that its beginning
// is used for. That changes no token where no token of the vocabulary has a letter before a blank,
// and the name of no special one can stand right beside a cut: tokens on one side are not merged
// with any of the other's, and llama.cpp's rules that split text into words all begin a word at
// such a blank. Beside that, each beginning is tried on the prompt that it was found in, whose
// tokens are known, and is not used where they differ.
//
// Owned by one of the Preparer's threads. Remembers one prompt, or its beginning.
class KnownBeginning {
 public:
  struct Tokenizer {
    std::function<std::vector<int32_t>(const PromptText&)> whole;
    // Of a text that follows another one: nothing is added at its beginning.
    std::function<std::vector<int32_t>(const PromptText&)> rest;
  };
  static constexpr size_t kWorthBytes = 16384;

  // The tokens that `whole` has. Only prompts of one salt share what is known: else the time that
  // this takes would tell one tenant what another's prompt begins with.
  std::vector<int32_t> tokens_of(const PromptText& prompt, const std::string& salt,
                                 const Tokenizer& tokenizer);
  // Whether a prompt that is cut has the tokens of both parts, with this model's vocabulary.
  static bool is_right_for(const llama_model* model);
  // Whether a token of this text could stand on both sides of a cut, or, where it is a special one,
  // right beside it: the text on either side of those is tokenized as if it stood alone.
  static bool may_meet_cut(std::string_view text, bool is_special);
  static bool is_cut(const std::string& text, size_t at);
  // Where a text may be cut so that it and another one have the bytes before it, and the two after
  // it: the last such place, or 0.
  static size_t last_cut(const std::string& text, size_t common);

 private:
  std::vector<int32_t> begin(const PromptText& prompt, size_t cut, const Tokenizer& tokenizer);
  void remember(PromptText text, std::vector<int32_t> tokens, bool is_beginning);

  std::string salt_;
  PromptText known_;
  std::vector<int32_t> tokens_;
  bool is_beginning_ = false;  // what is known is cut, and another prompt may go on from there
  // Some tokenizers put a blank before a text, so the rest begins behind its own.
  bool skips_blank_ = false;
  bool is_off_ = false;  // a beginning had other tokens
};

}  // namespace sluice
