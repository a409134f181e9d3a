#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class GrammarMatcher;

// A vocabulary as a grammar sees it: the bytes of each token, in the order of a dictionary, so that
// tokens that begin alike are followed together. Immutable; one for all requests of a model.
class GrammarVocabulary {
 public:
  // `pieces`: each token's bytes; none for a token without text, such as a control token. `ends`:
  // the tokens that end a reply, whatever their text.
  GrammarVocabulary(std::vector<std::string> pieces, const std::vector<int32_t>& ends);

  int32_t size() const { return int32_t(pieces_.size()); }
  // Empty for a token that writes nothing, or ends the reply.
  std::string_view piece(int32_t token) const { return pieces_[size_t(token)]; }
  bool ends_generation(int32_t token) const { return ends_[size_t(token)]; }

  // The tokens that the grammar allows next, of those that write something or end the reply: a bit
  // for each token. Takes milliseconds where nearly all are allowed, as within a string. Throws
  // FaultError as the matcher does.
  std::vector<uint64_t> allowed(GrammarMatcher& matcher) const;

 private:
  struct Entry {
    int32_t token;
    uint32_t shared;  // bytes that it has in common with the beginning of the one before it
    uint32_t begin;   // of the bytes behind them, in rest_
    uint32_t length;  // of all its bytes
  };

  std::vector<std::string> pieces_;
  std::vector<bool> ends_;
  std::vector<int32_t> ending_;
  std::vector<Entry> sorted_;
  std::string rest_;  // the bytes behind the shared ones, in the order of entries
};

}  // namespace sluice
