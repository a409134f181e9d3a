#include "llama/tokens/prompt-text.h"

#include <algorithm>

namespace sluice {

void PromptText::append(const std::string& more, bool is_said) {
  const size_t begin = text.size();
  text += more;
  if (!is_said || more.empty()) return;
  if (!said.empty() && said.back().end == begin) {
    said.back().end = text.size();
  } else {
    said.push_back({begin, text.size()});
  }
}

void PromptText::append(const PromptText& more) {
  size_t begin = 0;
  for (const TextRange& range : more.said) {
    append(more.text.substr(begin, range.begin - begin), false);
    append(more.text.substr(range.begin, range.end - range.begin), true);
    begin = range.end;
  }
  append(more.text.substr(begin), false);
}

bool PromptText::is_said_in(size_t begin, size_t end) const {
  const auto next = std::partition_point(said.begin(), said.end(),
                                         [&](const TextRange& one) { return one.end <= begin; });
  return next != said.end() && next->begin < end;
}

}  // namespace sluice
