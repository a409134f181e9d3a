#include "engine/prepare/reasoning-end.h"

#include <algorithm>

#include "engine/request/reasoning-tracker.h"
#include "llama/model.h"

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

}  // namespace sluice
