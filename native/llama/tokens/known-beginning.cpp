#include "llama/tokens/known-beginning.h"

#include <algorithm>
#include <utility>

#include "llama.h"

namespace sluice {
namespace {

constexpr int kSpecial =
    LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED | LLAMA_TOKEN_ATTR_UNKNOWN;

bool is_letter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

// The other tokenizers of these types have rules of their own: they drop blanks, or read what
// stands between two marks in another way.
bool has_own_rules(const llama_model* model) {
  char value[32];
  const char* key = "tokenizer.ggml.model";
  if (llama_model_meta_val_str(model, key, value, sizeof(value)) < 0) return true;
  const std::string_view name = value;
  return name != "llama" && name != "gpt2" && name != "gemma4";
}

bool is_same(const TextRange& a, const TextRange& b) {
  return a.begin == b.begin && a.end == b.end;
}

void replace_all(std::string& text, std::string_view old, char with) {
  for (size_t at = 0; (at = text.find(old, at)) != std::string::npos; ++at) {
    text.replace(at, old.size(), 1, with);
  }
}

// How many bytes they begin with that are the same, and content in the same places.
size_t common_bytes(const PromptText& a, const PromptText& b) {
  const auto bytes = std::mismatch(a.text.begin(), a.text.end(), b.text.begin(), b.text.end());
  size_t common = size_t(bytes.first - a.text.begin());
  const auto ranges = std::mismatch(a.content.begin(), a.content.end(), b.content.begin(),
                                    b.content.end(), is_same);
  // Up to where one of the two ranges that differ begins; both may begin alike, and end apart.
  for (const auto& [range, end] :
       {std::pair(ranges.first, a.content.end()), std::pair(ranges.second, b.content.end())}) {
    if (range == end) continue;
    const bool begin_alike = ranges.first != a.content.end() && ranges.second != b.content.end() &&
                             ranges.first->begin == ranges.second->begin;
    common = std::min(common, begin_alike ? range->end : range->begin);
  }
  return common;
}

// The tokens of what a prompt begins with, and those of what is from `rest` on.
std::vector<int32_t> joined(const std::vector<int32_t>& first, const PromptText& prompt,
                            size_t rest, const KnownBeginning::Tokenizer& tokenizer) {
  const std::vector<int32_t> more = tokenizer.rest(prompt.part(rest, prompt.text.size()));
  std::vector<int32_t> tokens = first;
  tokens.insert(tokens.end(), more.begin(), more.end());
  return tokens;
}

}  // namespace

// By the texts of the vocabulary: a token that llama.cpp has no piece for, as it is unused, may
// still be found in a text. There a blank is written in one of two ways, but in the name of a
// special token, which BPE takes as it is.
bool KnownBeginning::is_right_for(const llama_model* model) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  const auto type = llama_vocab_type(vocab);
  if (type != LLAMA_VOCAB_TYPE_BPE && type != LLAMA_VOCAB_TYPE_SPM) return false;
  if (has_own_rules(model)) return false;
  for (int32_t token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
    const bool is_special = (llama_vocab_get_attr(vocab, token) & kSpecial) != 0;
    std::string text = llama_vocab_get_text(vocab, token);
    if (!is_special || type == LLAMA_VOCAB_TYPE_SPM) {
      replace_all(text, "\xE2\x96\x81", ' ');
      replace_all(text, "\xC4\xA0", ' ');
    }
    if (may_meet_cut(text, is_special)) return false;
  }
  return true;
}

bool KnownBeginning::may_meet_cut(std::string_view text, bool is_special) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == ' ' && is_letter(text[i - 1])) return true;
  }
  if (!is_special || text.empty()) return false;
  const size_t first = text[0] == ' ' ? 1 : 0;
  return first == text.size() || is_letter(text[first]) || is_letter(text.back());
}

bool KnownBeginning::is_cut(const std::string& text, size_t at) {
  if (at < 1 || at + 1 >= text.size()) return false;
  if (text[at] != ' ' || !is_letter(text[at - 1]) || !is_letter(text[at + 1])) return false;
  // In a text that is no UTF-8, llama.cpp's tokenizers take such a byte and up to three after it,
  // whichever they are, for one character.
  const auto leads = [&](size_t back) { return at >= back && uint8_t(text[at - back]) >= 0xC0; };
  return !leads(2) && !leads(3);
}

size_t KnownBeginning::last_cut(const std::string& text, size_t common) {
  for (size_t cut = common; cut-- > 1;) {
    if (cut + 2 <= common && is_cut(text, cut)) return cut;
  }
  return 0;
}

std::vector<int32_t> KnownBeginning::tokens_of(const PromptText& prompt, const std::string& salt,
                                               const Tokenizer& tokenizer) {
  const size_t size = prompt.text.size();
  if (is_off_ || size < kWorthBytes || size > kTextBytesMax) return tokenizer.whole(prompt);
  if (salt != salt_) {
    remember({}, {}, false);
    salt_ = salt;
  }
  const size_t common = common_bytes(known_, prompt);
  if (is_beginning_ && common == known_.text.size() && is_cut(prompt.text, common)) {
    std::vector<int32_t> tokens =
        joined(tokens_, prompt, common + (skips_blank_ ? 1 : 0), tokenizer);
    // Most of it was new: the next one may go on from there.
    if (size > 2 * common) remember(prompt, tokens, false);
    return tokens;
  }
  const size_t cut = last_cut(prompt.text, common);
  // Where less is shared, a beginning would cost more than it saves.
  const bool is_most = 2 * cut >= std::max(size, known_.text.size());
  if (cut >= kWorthBytes && is_most) return begin(prompt, cut, tokenizer);
  std::vector<int32_t> tokens = tokenizer.whole(prompt);
  remember(prompt, tokens, false);
  return tokens;
}

// What is known of this prompt and the one before becomes a beginning, if its tokens are right for
// the one before. Changes nothing where it throws.
std::vector<int32_t> KnownBeginning::begin(const PromptText& prompt, size_t cut,
                                           const Tokenizer& tokenizer) {
  PromptText beginning = prompt.part(0, cut);
  std::vector<int32_t> first = tokenizer.whole(beginning);
  for (const bool skips : {skips_blank_, !skips_blank_}) {
    const size_t rest = cut + (skips ? 1 : 0);
    if (joined(first, known_, rest, tokenizer) != tokens_) continue;
    std::vector<int32_t> tokens = joined(first, prompt, rest, tokenizer);
    remember(std::move(beginning), std::move(first), true);
    skips_blank_ = skips;
    return tokens;
  }
  is_off_ = true;
  remember({}, {}, false);
  return tokenizer.whole(prompt);
}

void KnownBeginning::remember(PromptText text, std::vector<int32_t> tokens, bool is_beginning) {
  known_ = std::move(text);
  tokens_ = std::move(tokens);
  is_beginning_ = is_beginning;
}

}  // namespace sluice
