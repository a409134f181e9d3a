#include "llama/tokens/token-marks.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "llama.h"

namespace sluice {
namespace {

constexpr int kControl = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN;

bool is_punctuation(char byte) {
  return (byte >= '!' && byte <= '/') || (byte >= ':' && byte <= '@') ||
         (byte >= '[' && byte <= '`') || (byte >= '{' && byte <= '~');
}

bool is_space(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// Tokens without a sign, or of signs and spaces alone, are ordinary text.
bool may_be_mark(const std::string& text) {
  const bool has_sign = std::any_of(text.begin(), text.end(), is_punctuation);
  return has_sign && std::any_of(text.begin(), text.end(), [](char byte) {
           return !is_punctuation(byte) && !is_space(byte);
         });
}

bool is_between(const std::string& text, const std::string& open, const std::string& close) {
  return text.size() > open.size() + close.size() && text.compare(0, open.size(), open) == 0 &&
         text.compare(text.size() - close.size(), close.size(), close) == 0;
}

bool has_form_of_mark(const std::string& text) {
  // The second is DeepSeek's, with a wide line.
  return is_between(text, "<|", "|>") || is_between(text, "<\uFF5C", "\uFF5C>");
}

}  // namespace

TokenMarks::TokenMarks(const llama_vocab* vocab, const std::set<std::string>& own_texts)
    : marks_(size_t(llama_vocab_n_tokens(vocab))) {
  if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE) return;
  // There may be thousands of tokens to look for.
  std::unordered_set<std::string_view> fours;
  for (const std::string& own : own_texts) {
    for (size_t i = 0; i + 4 <= own.size(); ++i) fours.insert(std::string_view(own).substr(i, 4));
  }
  const auto is_written = [&](const std::string& text) {
    if (text.size() >= 4 && fours.count(std::string_view(text).substr(0, 4)) == 0) return false;
    return std::any_of(own_texts.begin(), own_texts.end(),
                       [&](const std::string& own) { return own.find(text) != std::string::npos; });
  };
  const auto is_of_gap = [&](int32_t token) {
    return token == llama_vocab_fim_pre(vocab) || token == llama_vocab_fim_suf(vocab) ||
           token == llama_vocab_fim_mid(vocab);
  };
  for (int32_t token = 0; token < int32_t(marks_.size()); ++token) {
    const int attributes = llama_vocab_get_attr(vocab, token);
    if (attributes & kControl) marks_[size_t(token)] = true;
    if ((attributes & LLAMA_TOKEN_ATTR_USER_DEFINED) == 0) continue;
    const std::string text = llama_vocab_get_text(vocab, token);
    marks_[size_t(token)] = llama_vocab_is_eog(vocab, token) || is_of_gap(token) ||
                            has_form_of_mark(text) || (may_be_mark(text) && is_written(text));
  }
}

bool TokenMarks::is_mark(int32_t token) const { return marks_[size_t(token)]; }

}  // namespace sluice
