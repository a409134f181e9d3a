// Grammars that the input puts together, written as GBNF in some of its ways, against a matcher
// that tries everything. For each beginning of a reply both say the same: whether it is complete,
// and whether it can become so.
#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "fuzz.h"
#include "grammar/grammar-matcher.h"
#include "grammar/grammar.h"

namespace {

using sluice::FaultError;
using sluice::Grammar;
using sluice::GrammarMatcher;

constexpr size_t kRules = 4;
constexpr size_t kReplyMax = 12;  // characters
constexpr uint32_t kMany = 1000;  // for ever, in so short a reply
constexpr int32_t kDepthMax = 4;

struct Character {
  const char* bytes;
  const char* escaped;  // another way to write it in a grammar
};
// Ascending by their code points.
constexpr std::array<Character, 8> kCharacters = {{{"\n", "\\n"},
                                                   {"\"", "\\x22"},
                                                   {"-", "\\-"},
                                                   {"\\", "\\\\"},
                                                   {"]", "\\]"},
                                                   {"a", "\\u0061"},
                                                   {"\xC3\xA9", "\\u00e9"},
                                                   {"\xF0\x9F\xA6\x8A", "\\U0001F98A"}}};

struct Node {
  enum class Kind { character, set, rule, sequence, choice, repeat } kind;
  uint32_t value = 0;         // a character, the bits of a set, or a rule
  uint32_t min = 0, max = 0;  // of a repeat
  std::vector<Node> children = {};
};

// Puts rules together, and writes them.
class Maker {
 public:
  explicit Maker(fuzz::Input& input) : input_(input) {}

  Node node(int32_t depth) {
    const uint32_t kind = input_.below(depth >= kDepthMax ? 3 : 6);
    if (kind == 0) return {Node::Kind::character, input_.below(8)};
    if (kind == 1) return {Node::Kind::set, 1 + input_.below(255)};
    if (kind == 2) return {Node::Kind::rule, input_.below(kRules)};
    Node made{kind == 3   ? Node::Kind::sequence
              : kind == 4 ? Node::Kind::choice
                          : Node::Kind::repeat};
    const uint32_t most = kind == 3 ? input_.below(4) : kind == 4 ? 1 + input_.below(3) : 1;
    for (uint32_t i = 0; i < most; ++i) made.children.push_back(node(depth + 1));
    if (kind != 5) return made;
    made.min = input_.below(3);
    made.max = input_.below(4) == 0 ? kMany : made.min + input_.below(3);
    return made;
  }

  std::string written(const Node& node) {
    switch (node.kind) {
      case Node::Kind::character: return "\"" + character(node.value, "\"\\\n") + "\"";
      case Node::Kind::set: return set(node.value);
      case Node::Kind::rule: return name(node.value);
      case Node::Kind::sequence: return list(node, " ");
      case Node::Kind::choice: return list(node, " | ");
      case Node::Kind::repeat: return written(node.children[0]) + count(node);
    }
    return "";
  }

  static std::string name(uint32_t rule) {
    return rule == 0 ? "root" : "r-" + std::to_string(rule);
  }

 private:
  std::string character(uint32_t value, const std::string& must_be_escaped) {
    const Character& one = kCharacters[value];
    const bool must = must_be_escaped.find(one.bytes) != std::string::npos;
    return must || input_.below(2) == 1 ? one.escaped : one.bytes;
  }

  std::string set(uint32_t bits) {
    const bool is_inverse = input_.below(2) == 1;
    const uint32_t shown = is_inverse ? ~bits & 255 : bits;
    std::string text = is_inverse ? "[^" : "[";
    for (uint32_t i = 0; i < 8; ++i) {
      if (shown >> i & 1) text += character(i, "-\\]\n");
    }
    return text + "]";
  }

  std::string list(const Node& node, const std::string& between) {
    const char* const spaces[] = {"", " ", "\n", " # so\n\t"};
    std::string text = std::string("(") + spaces[input_.below(4)];
    for (size_t i = 0; i < node.children.size(); ++i) {
      if (i > 0) text += between + spaces[input_.below(4)];
      text += written(node.children[i]);
    }
    return text + spaces[input_.below(4)] + ")";
  }

  std::string count(const Node& node) {
    const bool is_endless = node.max == kMany;
    if (is_endless && node.min < 2 && input_.below(2) == 1) return node.min == 0 ? "*" : "+";
    if (node.min == 0 && node.max == 1 && input_.below(2) == 1) return "?";
    const std::string min = std::to_string(node.min);
    if (is_endless) return "{" + min + ",}";
    if (node.max == node.min) return "{ " + min + " }";
    return "{" + min + ", " + std::to_string(node.max) + "}";
  }

  fuzz::Input& input_;
};

// Tries everything: from each place of the reply, where may each rule end?
class Trial {
 public:
  Trial(const std::vector<Node>& rules, const std::vector<uint32_t>& reply)
      : rules_(rules), reply_(reply), ends_(rules.size()) {
    productive_.assign(rules.size(), false);
    until_settled([&](size_t rule) {
      const bool is_new = !productive_[rule] && is_productive(rules_[rule]);
      if (is_new) productive_[rule] = true;
      return is_new;
    });
    for (auto& ends : ends_) ends.assign(reply.size() + 1, Ends());
    until_settled([&](size_t rule) {
      bool is_new = false;
      for (size_t at = 0; at <= reply_.size(); ++at) {
        known_.clear();
        const Ends found = ends(rules_[rule], at);
        is_new |=
            found.places != ends_[rule][at].places || found.is_open != ends_[rule][at].is_open;
        ends_[rule][at] = found;
      }
      return is_new;
    });
  }

  bool allows_text() const { return productive_[0]; }
  bool is_complete() const { return ends_[0][0].places >> reply_.size() & 1; }
  bool can_go_on() const { return ends_[0][0].is_open; }

 private:
  struct Ends {
    uint32_t places = 0;   // bits: where it may end
    bool is_open = false;  // it may go on behind the reply's end
  };

  template <typename Settle>
  void until_settled(const Settle& settle) const {
    for (bool is_moving = true; is_moving;) {
      is_moving = false;
      for (size_t rule = 0; rule < rules_.size(); ++rule) is_moving |= settle(rule);
    }
  }

  bool is_productive(const Node& node) const {
    switch (node.kind) {
      case Node::Kind::character:
      case Node::Kind::set: return true;
      case Node::Kind::rule: return productive_[node.value];
      case Node::Kind::repeat: return node.min == 0 || is_productive(node.children[0]);
      default: break;
    }
    const bool is_choice = node.kind == Node::Kind::choice;
    for (const Node& child : node.children) {
      if (is_productive(child) == is_choice) return is_choice;
    }
    return !is_choice;
  }

  Ends ends(const Node& node, size_t at) const {
    switch (node.kind) {
      case Node::Kind::character: return one_of(1u << node.value, at);
      case Node::Kind::set: return one_of(node.value, at);
      case Node::Kind::rule: return ends_[node.value][at];
      case Node::Kind::repeat: return known_repeated(node, at);
      case Node::Kind::sequence: return in_a_row(node, at);
      case Node::Kind::choice: break;
    }
    Ends all;
    for (const Node& child : node.children) add(all, ends(child, at));
    return all;
  }

  Ends one_of(uint32_t set, size_t at) const {
    if (at == reply_.size()) return {0, true};
    return {set >> reply_[at] & 1 ? 1u << (at + 1) : 0, false};
  }

  // A row that has what never ends is none: nothing of it counts.
  Ends in_a_row(const Node& node, size_t at) const {
    Ends row{1u << at, false};
    if (!is_productive(node)) return Ends();
    for (const Node& child : node.children) row = followed(row, child);
    return row;
  }

  // Repetitions of repetitions would take as many times longer for each.
  Ends known_repeated(const Node& node, size_t at) const {
    const auto known = known_.find({&node, at});
    if (known != known_.end()) return known->second;
    return known_[{&node, at}] = repeated(node, at);
  }

  Ends repeated(const Node& node, size_t at) const {
    Ends row{1u << at, false}, all;
    if (node.min == 0) all = row;
    if (!is_productive(node.children[0])) return all;
    const uint32_t most = std::min<uint32_t>(node.max, node.min + kReplyMax + 1);
    for (uint32_t i = 1; i <= most && row.places != 0; ++i) {
      row = followed(row, node.children[0]);
      if (i >= node.min) add(all, row);
    }
    all.is_open |= row.is_open;
    return all;
  }

  Ends followed(const Ends& before, const Node& node) const {
    Ends after{0, before.is_open};
    for (size_t at = 0; at <= reply_.size(); ++at) {
      if (before.places >> at & 1) add(after, ends(node, at));
    }
    return after;
  }

  static void add(Ends& to, const Ends& more) {
    to.places |= more.places;
    to.is_open |= more.is_open;
  }

  const std::vector<Node>& rules_;
  const std::vector<uint32_t>& reply_;
  std::vector<bool> productive_;
  std::vector<std::vector<Ends>> ends_;
  mutable std::map<std::pair<const Node*, size_t>, Ends> known_;  // within one look at a rule
};

std::unique_ptr<GrammarMatcher> matcher_of(const std::string& text, bool allows_text) {
  try {
    auto grammar = Grammar::compile(text, {64 << 10, 32, 2000});
    MUST(allows_text);
    return std::make_unique<GrammarMatcher>(grammar, sluice::FaultCode::invalid_grammar, 50000);
  } catch (const FaultError& error) {
    const std::string& why = error.fault.message;
    const auto says = [&](const char* words) { return why.find(words) != std::string::npos; };
    MUST(says("left recursion") || says("elements") || says("too many ways") ||
         (says("allows no text") && !allows_text));
    return nullptr;
  }
}

// The characters of the input's rest, as far as they are taken. False at one that is not.
bool follow(GrammarMatcher& matcher, fuzz::Input& input, const std::vector<Node>& rules,
            std::vector<uint32_t>& reply) {
  for (;;) {
    const Trial trial(rules, reply);
    MUST(matcher.can_end() == trial.is_complete());
    MUST(trial.is_complete() || trial.can_go_on());
    if (reply.size() == kReplyMax || input.is_empty()) return true;
    reply.push_back(input.below(8));
    matcher.begin_row();
    if (!matcher.accept(kCharacters[reply.back()].bytes)) return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  Maker maker(input);
  std::vector<Node> rules;
  std::string text;
  for (uint32_t rule = 0; rule < kRules; ++rule) {
    rules.push_back(maker.node(0));
    text += Maker::name(rule) + " ::= " + maker.written(rules.back()) + "\n";
  }
  std::vector<uint32_t> reply, none;
  const bool allows_text = Trial(rules, none).allows_text();
  const auto matcher = matcher_of(text, allows_text);
  if (!matcher) return 0;
  try {
    if (follow(*matcher, input, rules, reply)) return 0;
  } catch (const FaultError&) {
    return 0;  // too many ways to go on
  }
  const Trial trial(rules, reply);
  MUST(!trial.is_complete() && !trial.can_go_on());
  return 0;
}
