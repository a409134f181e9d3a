#include "llama/tokens/known-beginning.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

bool is_letter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }

bool is_same(const TextRange& a, const TextRange& b) {
  return a.begin == b.begin && a.end == b.end;
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

}  // namespace

bool KnownBeginning::is_cut_in(std::string_view piece) {
  for (size_t i = 1; i < piece.size(); ++i) {
    if (piece[i] == ' ' && is_letter(piece[i - 1])) return true;
  }
  return false;
}

size_t KnownBeginning::last_cut(const std::string& text, size_t common) {
  for (size_t cut = common; cut-- > 1;) {
    const bool is_in_common = cut + 2 <= common;
    if (is_in_common && text[cut] == ' ' && is_letter(text[cut - 1]) && is_letter(text[cut + 1])) {
      return cut;
    }
  }
  return 0;
}

std::vector<int32_t> KnownBeginning::tokens_of(const PromptText& prompt, const std::string& salt,
                                               const Tokenizer& tokenizer) {
  if (is_off_ || prompt.text.size() < kWorthBytes) return tokenizer.whole(prompt);
  const size_t common = salt == salt_ ? common_bytes(known_, prompt) : 0;
  salt_ = salt;
  if (is_beginning_ && common == known_.text.size()) {
    std::vector<int32_t> tokens = joined(prompt, tokenizer);
    // Most of it was new: the next one may go on from there.
    if (prompt.text.size() > 2 * common) remember(prompt, tokens, false);
    return tokens;
  }
  const size_t cut = last_cut(prompt.text, common);
  if (cut >= kWorthBytes) return begin(prompt, cut, tokenizer);
  std::vector<int32_t> tokens = tokenizer.whole(prompt);
  remember(prompt, tokens, false);
  return tokens;
}

// What is known of this prompt and the one before becomes a beginning, if its tokens are right for
// the one before.
std::vector<int32_t> KnownBeginning::begin(const PromptText& prompt, size_t cut,
                                           const Tokenizer& tokenizer) {
  const PromptText before = std::move(known_);
  const std::vector<int32_t> expected = std::move(tokens_);
  const PromptText beginning = prompt.part(0, cut);
  remember(beginning, tokenizer.whole(beginning), true);
  for (const bool skips : {false, true}) {
    skips_blank_ = skips;
    if (joined(before, tokenizer) == expected) return joined(prompt, tokenizer);
  }
  is_off_ = true;
  remember({}, {}, false);
  return tokenizer.whole(prompt);
}

std::vector<int32_t> KnownBeginning::joined(const PromptText& prompt,
                                            const Tokenizer& tokenizer) const {
  const size_t cut = known_.text.size() + (skips_blank_ ? 1 : 0);
  const std::vector<int32_t> rest = tokenizer.rest(prompt.part(cut, prompt.text.size()));
  std::vector<int32_t> tokens = tokens_;
  tokens.insert(tokens.end(), rest.begin(), rest.end());
  return tokens;
}

void KnownBeginning::remember(PromptText text, std::vector<int32_t> tokens, bool is_beginning) {
  known_ = std::move(text);
  tokens_ = std::move(tokens);
  is_beginning_ = is_beginning;
}

}  // namespace sluice
