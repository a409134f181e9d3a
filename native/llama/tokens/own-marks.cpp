#include "llama/tokens/own-marks.h"

#include <algorithm>
#include <random>

namespace sluice {
namespace {

std::string stand_in(const char* of) {
  std::random_device device;
  return "sluice-" + std::to_string(device()) + "-" + std::to_string(device()) + "-" + of;
}

// Appends a part of a prompt to another. `range` is the first range that may reach into the part,
// and moves on.
void append_part(PromptText& to, const PromptText& from, TextRange part, size_t& range) {
  size_t at = part.begin;
  while (range < from.content.size() && from.content[range].begin < part.end) {
    const TextRange& content = from.content[range];
    const size_t begin = std::max(content.begin, at), end = std::min(content.end, part.end);
    to.append(from.text.substr(at, begin - at), false);
    to.append(from.text.substr(begin, end - begin), true);
    at = end;
    if (content.end > part.end) break;
    ++range;
  }
  to.append(from.text.substr(at, part.end - at), false);
}

}  // namespace

const std::string& call_begins() {
  static const std::string text = stand_in("call-begins");
  return text;
}

const std::string& call_ends() {
  static const std::string text = stand_in("call-ends");
  return text;
}

PromptText with_own_marks(const PromptText& prompt) {
  PromptText made;
  size_t at = 0, range = 0;
  for (;;) {
    const size_t begins = prompt.text.find(call_begins(), at);
    if (begins == std::string::npos) break;
    const size_t ends = prompt.text.find(call_ends(), begins);
    if (ends == std::string::npos) break;
    append_part(made, prompt, {at, begins}, range);
    made.append("<|tool_call_start|>", false);
    // The stand-ins are no part of the prompt.
    const auto skip_to = [&](size_t place) {
      while (range < prompt.content.size() && prompt.content[range].end <= place) ++range;
    };
    const size_t inner = begins + call_begins().size();
    skip_to(inner);
    append_part(made, prompt, {inner, ends}, range);
    made.append("<|tool_call_end|>", false);
    at = ends + call_ends().size();
    skip_to(at);
  }
  append_part(made, prompt, {at, prompt.text.size()}, range);
  return made;
}

}  // namespace sluice
