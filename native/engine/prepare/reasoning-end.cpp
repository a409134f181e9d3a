#include "engine/prepare/reasoning-end.h"

#include <algorithm>

#include "base/fault.h"
#include "engine/request/reasoning-tracker.h"
#include "llama/model.h"
#include "llama/template/chat-template.h"

namespace sluice {

std::optional<std::vector<int32_t>> reasoning_end(const Model& model, const ReasoningMarks& marks,
                                                  const std::vector<int32_t>& visible_specials,
                                                  std::vector<int32_t> message) {
  const std::vector<int32_t> mark = model.tokenize(marks.ends.front(), false, true);
  std::vector<int32_t> tokens = std::move(message);
  tokens.insert(tokens.end(), mark.begin(), mark.end());
  ReasoningMarks open = marks;
  open.is_open = true;
  ReasoningTracker reasoning(open, ReasoningTracker::kUnlimited);
  for (int32_t token : tokens) {
    if (!reasoning.is_open() || model.ends_generation(token)) return std::nullopt;
    const bool is_visible = std::find(visible_specials.begin(), visible_specials.end(), token) !=
                            visible_specials.end();
    reasoning.append(is_visible ? model.name(token) : model.piece(token));
  }
  if (reasoning.is_open()) return std::nullopt;
  return tokens;
}

std::vector<std::string> reasoning_ends(const Model& model, const ChatTemplate& chat_template,
                                        const std::function<bool()>& given_up) {
  if (!chat_template.exists()) return {};
  ChatPrompt any;
  any.messages.emplace_back();
  any.messages.back().role = "user";
  any.messages.back().content = "?";
  try {
    // With some templates a model reasons only where an effort is asked for.
    for (const char* effort : {"", "high"}) {
      any.reasoning_effort = effort;
      const TemplatedChat chat = chat_template.apply(any, {kTemplateWorkMax, given_up});
      const std::optional<ReasoningMarks>& marks = chat.reasoning;
      if (marks && reasoning_end(model, *marks, chat.visible_specials, {})) return marks->ends;
    }
  } catch (const FaultError&) {
    return {};  // the template refuses this conversation, so nothing is known
  }
  return {};
}

}  // namespace sluice
