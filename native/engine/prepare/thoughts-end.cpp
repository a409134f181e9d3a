#include "engine/prepare/thoughts-end.h"

#include <algorithm>

#include "engine/request/thoughts.h"
#include "llama/model.h"

namespace sluice {

std::optional<std::vector<int32_t>> thoughts_end(const Model& model, const ThoughtMarks& marks,
                                                 const std::vector<int32_t>& spoken,
                                                 std::vector<int32_t> message) {
  const std::vector<int32_t> mark = model.tokenize(marks.ends.front(), false, true);
  std::vector<int32_t> tokens = std::move(message);
  tokens.insert(tokens.end(), mark.begin(), mark.end());
  ThoughtMarks open = marks;
  open.is_open = true;
  Thoughts thoughts(open, Thoughts::kUnlimited);
  for (int32_t token : tokens) {
    if (!thoughts.is_open() || model.ends_generation(token)) return std::nullopt;
    const bool is_spoken = std::find(spoken.begin(), spoken.end(), token) != spoken.end();
    thoughts.append(is_spoken ? model.name(token) : model.piece(token));
  }
  if (thoughts.is_open()) return std::nullopt;
  return tokens;
}

}  // namespace sluice
