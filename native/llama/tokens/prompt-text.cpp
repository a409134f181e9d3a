#include "llama/tokens/prompt-text.h"

#include <algorithm>

namespace sluice {

void PromptText::append(const std::string& more, bool is_content) {
  const size_t begin = text.size();
  text += more;
  if (!is_content || more.empty()) return;
  if (!content.empty() && content.back().end == begin) {
    content.back().end = text.size();
  } else {
    content.push_back({begin, text.size()});
  }
}

void PromptText::append(const PromptText& more) {
  size_t begin = 0;
  for (const TextRange& range : more.content) {
    append(more.text.substr(begin, range.begin - begin), false);
    append(more.text.substr(range.begin, range.end - range.begin), true);
    begin = range.end;
  }
  append(more.text.substr(begin), false);
}

PromptText PromptText::part(size_t begin, size_t end) const {
  PromptText part{text.substr(begin, end - begin), {}};
  for (const TextRange& range : content) {
    if (range.end <= begin || range.begin >= end) continue;
    part.content.push_back(
        {std::max(range.begin, begin) - begin, std::min(range.end, end) - begin});
  }
  return part;
}

bool PromptText::has_content_in(size_t begin, size_t end) const {
  const auto next = std::partition_point(content.begin(), content.end(),
                                         [&](const TextRange& one) { return one.end <= begin; });
  return next != content.end() && next->begin < end;
}

}  // namespace sluice
