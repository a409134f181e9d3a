#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/grammar.h"

namespace sluice {

// Reads one GBNF text. Used by Grammar::compile alone, on its thread.
class GrammarParser {
 public:
  GrammarParser(const std::string& text, const GrammarLimits& limits);
  // Once. Throws FaultError(invalid_grammar).
  std::shared_ptr<Grammar> parse(const InnerGrammar* form);
  // The name of a rule, or of the named rule that it is part of.
  std::string name_of(uint32_t rule) const;

 private:
  using Elements = std::vector<Grammar::Element>;
  using Alternatives = std::vector<Elements>;
  struct Repetition {
    uint64_t min, max;
  };

  void parse_text();
  void parse_form(const InnerGrammar& form);
  void parse_rule();
  Alternatives parse_alternatives(bool is_nested);
  Elements parse_sequence(bool is_nested);
  // False where no item begins.
  bool parse_item(Elements& item);
  void parse_literal(Elements& item);
  void parse_class(Elements& item);
  void parse_group(Elements& item);
  bool parse_repetition(Repetition& repetition);
  uint64_t parse_count();
  // `end` is what is missing where the text ends.
  uint32_t parse_char(const char* end);
  uint32_t parse_hex(int32_t digits);
  std::string parse_name();
  void skip_space(bool newlines);

  void repeat(Elements& sequence, Elements item, const Repetition& repetition);
  uint32_t rule_named(const std::string& name);
  uint32_t add_rule();
  uint32_t new_rule(const Alternatives& alternatives);
  void define(uint32_t rule, const Alternatives& alternatives);
  uint32_t set_of(const CharSet& set);
  void count_elements(uint64_t more);
  void check_references() const;

  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : 0; }
  bool take(char expected);
  [[noreturn]] void fail(const std::string& expected) const;
  [[noreturn]] void fail_at_next(const std::string& expected) const;

  std::string_view text_;
  GrammarLimits limits_;
  size_t at_ = 0;
  int32_t depth_ = 0;
  uint64_t elements_ = 0;
  std::shared_ptr<Grammar> grammar_;
  std::map<std::string, uint32_t> names_;
  std::string owner_;                       // the rule that is being read
  std::map<uint32_t, std::string> owners_;  // of rules without a name, from each number on
  std::map<std::vector<std::pair<uint32_t, uint32_t>>, uint32_t> sets_;
};

}  // namespace sluice
