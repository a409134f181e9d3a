#include "grammar/grammar-vocabulary.h"

#include <algorithm>

#include "grammar/grammar-matcher.h"

namespace sluice {

GrammarVocabulary::GrammarVocabulary(std::vector<std::string> pieces,
                                     const std::vector<int32_t>& ends)
    : pieces_(std::move(pieces)), ends_(pieces_.size(), false), ending_(ends) {
  for (int32_t token : ends) {
    ends_[size_t(token)] = true;
    pieces_[size_t(token)].clear();
  }
  for (int32_t token = 0; token < size(); ++token) {
    if (!pieces_[size_t(token)].empty()) sorted_.push_back({token, 0, 0, 0});
  }
  std::sort(sorted_.begin(), sorted_.end(), [this](const Entry& a, const Entry& b) {
    return pieces_[size_t(a.token)] < pieces_[size_t(b.token)];
  });
  std::string_view before;
  for (Entry& entry : sorted_) {
    const std::string_view here = piece(entry.token);
    const auto differ = std::mismatch(before.begin(), before.end(), here.begin(), here.end());
    entry.shared = uint32_t(differ.second - here.begin());
    entry.begin = uint32_t(rest_.size());
    entry.length = uint32_t(here.size());
    rest_.append(here.substr(entry.shared));
    before = here;
  }
}

std::vector<uint64_t> GrammarVocabulary::allowed(GrammarMatcher& matcher) const {
  std::vector<uint64_t> bits((pieces_.size() + 63) / 64, 0);
  const auto allow = [&](int32_t token) {
    bits[size_t(token) / 64] |= uint64_t(1) << (token % 64);
  };
  if (matcher.can_end()) {
    for (int32_t token : ending_) allow(token);
  }
  // path[i] is the state after i bytes of the token before; those beyond the last are dead.
  std::vector<int32_t> path{matcher.state()};
  for (const Entry& entry : sorted_) {
    if (entry.shared >= path.size()) continue;  // its beginning was refused before
    path.resize(entry.shared + 1);
    const char* rest = rest_.data() + entry.begin;
    while (path.size() <= entry.length) {
      const int32_t next = matcher.step(path.back(), uint8_t(*rest++));
      if (next == GrammarMatcher::kDead) break;
      path.push_back(next);
    }
    if (path.size() == entry.length + 1) allow(entry.token);
  }
  return bits;
}

}  // namespace sluice
