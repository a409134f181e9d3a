#include "grammar/grammar-parser.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/fault.h"

namespace sluice {
namespace {

constexpr uint64_t kUnbounded = UINT64_MAX;
constexpr uint64_t kRepetitionsMax = 65535;

const std::string kForm = "form";

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int32_t hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

FaultError invalid(const std::string& message) {
  return FaultError(FaultCode::invalid_grammar, "the grammar cannot be used: " + message);
}

}  // namespace

GrammarParser::GrammarParser(const std::string& text, const GrammarLimits& limits)
    : text_(text), limits_(limits), grammar_(new Grammar()) {}

std::shared_ptr<Grammar> GrammarParser::parse(const InnerGrammar* form) {
  if (form) rule_named(kForm);
  parse_text();
  const auto root = names_.find("root");
  if (root != names_.end()) grammar_->root_ = root->second;
  if (form) {
    parse_form(*form);
  } else {
    check_references();
  }
  return grammar_;
}

void GrammarParser::parse_text() {
  if (text_.size() > limits_.bytes_max) {
    throw invalid("it has " + std::to_string(text_.size()) + " bytes; expected at most " +
                  std::to_string(limits_.bytes_max));
  }
  skip_space(true);
  while (at_ < text_.size()) parse_rule();
}

// The inner grammar's root becomes the outer one's rule `form`.
void GrammarParser::parse_form(const InnerGrammar& form) {
  const uint32_t root = names_.at(kForm);
  names_ = {{"root", root}};
  text_ = form.text;
  limits_ = form.limits;
  at_ = 0;
  elements_ = 0;
  grammar_->form_root_ = root;
  grammar_->form_begin_ = uint32_t(grammar_->elements_.size());
  parse_text();
  check_references();
}

void GrammarParser::parse_rule() {
  const std::string name = parse_name();
  owner_ = name;
  skip_space(false);
  if (!take(':') || !take(':') || !take('=')) fail("'::=' behind the rule's name");
  skip_space(true);
  const uint32_t rule = rule_named(name);
  if (!grammar_->rules_[rule].empty()) throw invalid("the rule '" + name + "' is defined twice");
  define(rule, parse_alternatives(false));
  if (at_ < text_.size() && !take('\r') && !take('\n')) fail_at_next("the end of the line");
  skip_space(true);
}

GrammarParser::Alternatives GrammarParser::parse_alternatives(bool is_nested) {
  Alternatives alternatives{parse_sequence(is_nested)};
  while (take('|')) {
    skip_space(true);
    alternatives.push_back(parse_sequence(is_nested));
  }
  return alternatives;
}

GrammarParser::Elements GrammarParser::parse_sequence(bool is_nested) {
  Elements sequence;
  for (;;) {
    Elements item;
    if (!parse_item(item)) {
      const std::string_view repetitions = "*+?{";
      if (repetitions.find(peek()) == std::string_view::npos) return sequence;
      fail("something to repeat before this");
    }
    skip_space(is_nested);
    Repetition repetition{1, 1};
    while (parse_repetition(repetition)) {
      Elements repeated;
      repeat(repeated, std::move(item), repetition);
      item = std::move(repeated);
      skip_space(is_nested);
    }
    sequence.insert(sequence.end(), item.begin(), item.end());
    count_elements(item.size());
  }
}

bool GrammarParser::parse_item(Elements& item) {
  const char c = peek();
  if (c == '"') {
    parse_literal(item);
  } else if (c == '[') {
    parse_class(item);
  } else if (c == '(') {
    parse_group(item);
  } else if (c == '.') {
    ++at_;
    item.push_back({Grammar::Kind::chars, set_of(CharSet({{0, kCodePointMax}}))});
  } else if (is_name(c)) {
    item.push_back({Grammar::Kind::rule, rule_named(parse_name())});
  } else if (c == '<' || c == '!') {
    fail("the text itself in the place of a token element, which is not supported,");
  } else {
    return false;
  }
  return true;
}

void GrammarParser::parse_literal(Elements& item) {
  ++at_;
  while (!take('"')) {
    const uint32_t code_point = parse_char("the '\"' that ends this text");
    item.push_back({Grammar::Kind::chars, set_of(CharSet({{code_point, code_point}}))});
  }
}

void GrammarParser::parse_class(Elements& item) {
  ++at_;
  const bool is_inverse = take('^');
  std::vector<CharRange> ranges;
  while (!take(']')) {
    const uint32_t first = parse_char("the ']' that ends this class");
    uint32_t last = first;
    if (peek() == '-' && peek(1) != ']') {
      ++at_;
      last = parse_char("the ']' that ends this class");
      if (last < first) fail("a range whose end is not before its beginning");
    }
    ranges.push_back({first, last});
  }
  if (ranges.empty() && !is_inverse) fail("a character between [ and ]");
  const CharSet set(std::move(ranges));
  item.push_back({Grammar::Kind::chars, set_of(is_inverse ? set.inverse() : set)});
}

void GrammarParser::parse_group(Elements& item) {
  if (++depth_ > limits_.depth_max) {
    throw invalid("its groups are nested deeper than " + std::to_string(limits_.depth_max));
  }
  ++at_;
  skip_space(true);
  const Alternatives alternatives = parse_alternatives(true);
  if (!take(')')) fail_at_next("')'");
  --depth_;
  if (alternatives.size() == 1) {
    item = alternatives.front();
  } else {
    item.push_back({Grammar::Kind::rule, new_rule(alternatives)});
  }
}

bool GrammarParser::parse_repetition(Repetition& repetition) {
  if (take('*')) {
    repetition = {0, kUnbounded};
  } else if (take('+')) {
    repetition = {1, kUnbounded};
  } else if (take('?')) {
    repetition = {0, 1};
  } else if (take('{')) {
    skip_space(false);
    repetition.min = repetition.max = parse_count();
    skip_space(false);
    if (take(',')) {
      skip_space(false);
      repetition.max = is_digit(peek()) ? parse_count() : kUnbounded;
      skip_space(false);
    }
    if (!take('}')) fail("'}'");
    if (repetition.max < repetition.min) fail("at least as many repetitions as the first number");
  } else {
    return false;
  }
  return true;
}

uint64_t GrammarParser::parse_count() {
  if (!is_digit(peek())) fail("a number of repetitions");
  uint64_t count = 0;
  while (is_digit(peek())) {
    count = count * 10 + uint64_t(text_[at_++] - '0');
    if (count > kRepetitionsMax) {
      throw invalid("it repeats more than " + std::to_string(kRepetitionsMax) + " times");
    }
  }
  return count;
}

uint32_t GrammarParser::parse_char(const char* end) {
  const auto next = [&] {
    if (at_ >= text_.size()) fail(end);
    if (text_[at_] == 0) fail("no NUL character (\\x00 stands for one)");
    return static_cast<unsigned char>(text_[at_++]);
  };
  const unsigned char lead = next();
  if (lead == '\\') {
    switch (const char escaped = char(next())) {
      case 'x': return parse_hex(2);
      case 'u': return parse_hex(4);
      case 'U': return parse_hex(8);
      case 't': return '\t';
      case 'r': return '\r';
      case 'n': return '\n';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-': return uint32_t(escaped);
      default: --at_; fail("an escape: one of \\x \\u \\U \\t \\r \\n \\\\ \\\" \\[ \\] \\-");
    }
  }
  if (lead < 0x80) return lead;
  const int32_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  uint32_t code_point = lead & (0x3Fu >> more);
  for (int32_t i = 0; i < more; ++i) code_point = code_point << 6 | (next() & 0x3Fu);
  return code_point;
}

uint32_t GrammarParser::parse_hex(int32_t digits) {
  uint32_t value = 0;
  for (int32_t i = 0; i < digits; ++i, ++at_) {
    const int32_t digit = hex_value(peek());
    if (digit < 0) fail(std::to_string(digits) + " hexadecimal digits");
    value = value << 4 | uint32_t(digit);
  }
  if (value > kCodePointMax) fail("a code point of at most 10FFFF");
  return value;
}

std::string GrammarParser::parse_name() {
  const size_t begin = at_;
  while (is_name(peek())) ++at_;
  if (at_ == begin) fail("the name of a rule");
  if (peek() == '_') fail("only letters, digits and '-' in the name of a rule");
  return std::string(text_.substr(begin, at_ - begin));
}

void GrammarParser::skip_space(bool newlines) {
  for (char c = peek(); at_ < text_.size(); c = peek()) {
    if (c == '#') {
      while (at_ < text_.size() && peek() != '\r' && peek() != '\n') ++at_;
    } else if (c == ' ' || c == '\t' || (newlines && (c == '\r' || c == '\n'))) {
      ++at_;
    } else {
      return;
    }
  }
}

// Where another character than `expected` comes, that character is named: it is mostly the mistake.
void GrammarParser::fail_at_next(const std::string& expected) const {
  if (at_ >= text_.size()) fail(expected + ", and not the end of the grammar,");
  switch (peek()) {
    case ':':
      fail(
          "more of a rule before this: each rule begins on a line of its own, and not behind '|' "
          "or in a group; it was not there");
    case ')': fail("no ')', since no group is open,");
    case ']': fail("no ']', since no class is open,");
    case '\'': fail("a text in double quotes, and not in single ones,");
    default: break;
  }
  const bool is_byte = peek() < 0x21 || peek() > 0x7E;
  const std::string found = is_byte ? "this" : std::string("'") + peek() + "'";
  fail(expected + ", or a text, a class, a group, the name of a rule or '|', and not " + found +
       ",");
}

// Each repetition is one element: what is longer becomes a rule first. Those that may be left out
// are a chain of rules, so that a stack is no deeper for them.
void GrammarParser::repeat(Elements& sequence, Elements item, const Repetition& repetition) {
  if (item.empty()) return;  // repeating nothing gives nothing
  const auto [min, max] = repetition;
  if (item.size() > 1) item = {{Grammar::Kind::rule, new_rule({item})}};
  count_elements(min);
  for (uint64_t i = 0; i < min; ++i) sequence.push_back(item.front());
  if (max == kUnbounded) {
    const uint32_t rule = add_rule();
    define(rule, {{item.front(), {Grammar::Kind::rule, rule}}, {}});
    sequence.push_back({Grammar::Kind::rule, rule});
    return;
  }
  Elements rest;
  for (uint64_t i = min; i < max; ++i) {
    Elements one{item.front()};
    one.insert(one.end(), rest.begin(), rest.end());
    rest = {{Grammar::Kind::rule, new_rule({one, {}})}};
  }
  sequence.insert(sequence.end(), rest.begin(), rest.end());
}

uint32_t GrammarParser::rule_named(const std::string& name) {
  const auto [entry, is_new] = names_.emplace(name, uint32_t(grammar_->rules_.size()));
  if (is_new) grammar_->rules_.emplace_back();
  return entry->second;
}

std::string GrammarParser::name_of(uint32_t rule) const {
  for (const auto& [name, number] : names_) {
    if (number == rule) return name;
  }
  const auto next = owners_.upper_bound(rule);
  return next == owners_.begin() ? "root" : std::prev(next)->second;
}

// One without a name of its own, which is part of the one that is being read.
uint32_t GrammarParser::add_rule() {
  const uint32_t rule = uint32_t(grammar_->rules_.size());
  grammar_->rules_.emplace_back();
  if (owners_.empty() || std::prev(owners_.end())->second != owner_) owners_[rule] = owner_;
  return rule;
}

uint32_t GrammarParser::new_rule(const Alternatives& alternatives) {
  const uint32_t rule = add_rule();
  define(rule, alternatives);
  return rule;
}

void GrammarParser::define(uint32_t rule, const Alternatives& alternatives) {
  std::vector<Grammar::Element>& elements = grammar_->elements_;
  for (const Elements& sequence : alternatives) {
    count_elements(sequence.size() + 1);
    grammar_->rules_[rule].push_back(uint32_t(elements.size()));
    elements.insert(elements.end(), sequence.begin(), sequence.end());
    elements.push_back({Grammar::Kind::end, 0});
  }
}

uint32_t GrammarParser::set_of(const CharSet& set) {
  std::vector<std::pair<uint32_t, uint32_t>> key;
  for (const CharRange& range : set.ranges()) key.push_back({range.first, range.last});
  const auto [entry, is_new] = sets_.emplace(std::move(key), uint32_t(grammar_->sets_.size()));
  if (is_new) grammar_->sets_.push_back(set);
  return entry->second;
}

// Counts elements that are about to be stored too, so that the limit holds before they are.
void GrammarParser::count_elements(uint64_t more) {
  elements_ += more;
  if (elements_ <= limits_.elements_max) return;
  throw TooMuchWork(invalid("with its repetitions written out it has more than " +
                            std::to_string(limits_.elements_max) +
                            " elements; expected fewer or smaller ones")
                        .fault);
}

void GrammarParser::check_references() const {
  const auto root = names_.find("root");
  if (root == names_.end() || grammar_->rules_[root->second].empty()) {
    throw invalid("it has no rule 'root', which is where a reply begins");
  }
  for (const auto& [name, rule] : names_) {
    if (grammar_->rules_[rule].empty()) throw invalid("the rule '" + name + "' is not defined");
  }
}

bool GrammarParser::take(char expected) {
  if (at_ >= text_.size() || text_[at_] != expected) return false;
  ++at_;
  return true;
}

void GrammarParser::fail(const std::string& expected) const {
  const std::string_view before = text_.substr(0, at_);
  const size_t line = size_t(std::count(before.begin(), before.end(), '\n')) + 1;
  const size_t column = at_ - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  throw invalid("expected " + expected + " at line " + std::to_string(line) + ", column " +
                std::to_string(column));
}

}  // namespace sluice
