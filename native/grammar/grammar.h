#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grammar/char-set.h"

namespace sluice {

struct GrammarLimits {
  size_t bytes_max;
  int32_t depth_max;               // of groups in groups
  uint64_t elements_max = 400000;  // 3 MB of them; repetitions are written out
};

// A grammar that a request gave; kMadeGrammar is for one made here from a schema that was checked.
constexpr GrammarLimits kGivenGrammar{size_t(64) << 10, 32};
constexpr GrammarLimits kMadeGrammar{size_t(2) << 20, 256};
// Of all tools of a request together: some 0.1 s for each 400,000 elements.
constexpr GrammarLimits kToolsGrammar{size_t(16) << 20, 256, 4000000};

// A grammar that becomes the rule `form` of another one. Its rule names are separate.
struct InnerGrammar {
  const std::string& text;
  GrammarLimits limits;
};

// A grammar in llama.cpp's GBNF, compiled. Immutable: all sequences that follow it share it, each
// with a GrammarMatcher of its own.
//
// Not llama.cpp's own engine, because a request's grammar may be anything. That one recurses once
// per group, writes a bad grammar to stderr, takes {5,3} for 2^64 repetitions, never notices left
// recursion behind an empty rule, and doubles its work with each character of `x ::= "a" x "b" |
// "a" x "c" | ""`. What is allowed is the same, which native/llama/test/grammar-test.cpp shows.
class Grammar {
 public:
  enum class Kind : uint8_t { end, rule, chars };
  // `end` closes an alternative; the others hold the number of a rule or of a set of characters.
  struct Element {
    Kind kind;
    uint32_t value;
  };
  // Where each alternative of a rule begins among the elements.
  using Rule = std::vector<uint32_t>;

  // Takes at most 100 ms or so at the limits. Throws FaultError(invalid_grammar), TooMuchWork where
  // it has too many elements.
  static std::shared_ptr<const Grammar> compile(const std::string& text,
                                                const GrammarLimits& limits,
                                                const InnerGrammar* form = nullptr);

  const Element& element(uint32_t index) const { return elements_[index]; }
  const Rule& rule(uint32_t index) const { return rules_[index]; }
  const Rule& root() const { return rules_[root_]; }
  const CharSet& chars(uint32_t index) const { return sets_[index]; }
  size_t bytes() const;
  // Whether an element is one of the inner grammar's.
  bool is_of_form(uint32_t index) const { return index >= form_begin_; }
  bool has_form() const { return form_begin_ < elements_.size(); }

 private:
  friend class GrammarParser;
  Grammar() = default;
  std::optional<uint32_t> left_recursion() const;
  void drop_endless();
  std::vector<bool> rules_that_end(bool with_characters) const;

  std::vector<Element> elements_;
  std::vector<Rule> rules_;
  std::vector<CharSet> sets_;
  uint32_t root_ = 0;
  uint32_t form_begin_ = UINT32_MAX, form_root_ = 0;
};

}  // namespace sluice
