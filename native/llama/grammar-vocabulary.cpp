#include "llama/grammar-vocabulary.h"

#include <algorithm>

#include "llama/grammar-matcher.h"

namespace sluice {

GrammarVocabulary::GrammarVocabulary(std::vector<std::string> pieces,
                                     const std::vector<int32_t>& ends)
    : pieces_(std::move(pieces)), ends_(pieces_.size(), false), ending_(ends) {
  for (int32_t token : ends) {
    ends_[size_t(token)] = true;
    pieces_[size_t(token)].clear();
  }
  for (int32_t token = 0; token < size(); ++token) {
    if (!pieces_[size_t(token)].empty()) sorted_.push_back({token, 0});
  }
  std::sort(sorted_.begin(), sorted_.end(), [this](const Entry& a, const Entry& b) {
    return pieces_[size_t(a.token)] < pieces_[size_t(b.token)];
  });
  for (size_t i = 1; i < sorted_.size(); ++i) {
    const std::string_view before = piece(sorted_[i - 1].token), here = piece(sorted_[i].token);
    const auto differ = std::mismatch(before.begin(), before.end(), here.begin(), here.end());
    sorted_[i].shared = uint32_t(differ.second - here.begin());
  }
}

void GrammarVocabulary::copy_allowed(GrammarMatcher& matcher, const float* logits,
                                     float* masked) const {
  if (matcher.can_end()) {
    for (int32_t token : ending_) masked[token] = logits[token];
  }
  // path[i] is the state after i bytes of the token before; those beyond the last are dead.
  std::vector<int32_t> path{matcher.state()};
  for (const Entry& entry : sorted_) {
    if (entry.shared >= path.size()) continue;  // it begins with what was refused
    path.resize(entry.shared + 1);
    const std::string_view bytes = piece(entry.token);
    while (path.size() <= bytes.size()) {
      const int32_t next = matcher.step(path.back(), uint8_t(bytes[path.size() - 1]));
      if (next == GrammarMatcher::kDead) break;
      path.push_back(next);
    }
    if (path.size() == bytes.size() + 1) masked[entry.token] = logits[entry.token];
  }
}

}  // namespace sluice
