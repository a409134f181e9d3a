#include "grammar/grammar.h"

#include <algorithm>

#include "base/fault.h"
#include "grammar/grammar-parser.h"

namespace sluice {
namespace {

// A rule that can stand first in another. `is_last`: nothing follows it there, so that recursion
// through it makes no stack deeper.
struct Edge {
  uint32_t to;
  bool is_last;
};
using Edges = std::vector<std::vector<Edge>>;

// The number of the circle (strongly connected component) that each node is in: Tarjan's algorithm,
// with a stack of its own because a request's grammar may be deep.
class Circles {
 public:
  explicit Circles(const Edges& edges)
      : edges_(edges), order_(edges.size(), 0), low_(edges.size(), 0), circle_(edges.size(), 0) {
    for (uint32_t node = 0; node < edges.size(); ++node) {
      if (order_[node] == 0) visit(node);
    }
  }
  bool together(uint32_t a, uint32_t b) const { return circle_[a] == circle_[b]; }

 private:
  struct Frame {
    uint32_t node;
    size_t next;
  };

  void visit(uint32_t start) {
    std::vector<Frame> frames;
    enter(start, frames);
    while (!frames.empty()) {
      const uint32_t node = frames.back().node;
      if (frames.back().next < edges_[node].size()) {
        const uint32_t to = edges_[node][frames.back().next++].to;
        if (order_[to] == 0) {
          enter(to, frames);
        } else if (circle_[to] == 0) {
          low_[node] = std::min(low_[node], order_[to]);
        }
        continue;
      }
      frames.pop_back();
      if (!frames.empty()) {
        low_[frames.back().node] = std::min(low_[frames.back().node], low_[node]);
      }
      if (low_[node] == order_[node]) close(node);
    }
  }

  void enter(uint32_t node, std::vector<Frame>& frames) {
    order_[node] = low_[node] = ++visited_;
    open_.push_back(node);
    frames.push_back({node, 0});
  }

  void close(uint32_t node) {
    ++circles_;
    for (uint32_t member = UINT32_MAX; member != node; open_.pop_back()) {
      member = open_.back();
      circle_[member] = circles_;
    }
  }

  const Edges& edges_;
  std::vector<uint32_t> order_, low_, circle_;  // 0 is none yet
  std::vector<uint32_t> open_;
  uint32_t visited_ = 0, circles_ = 0;
};

}  // namespace

std::shared_ptr<const Grammar> Grammar::compile(const std::string& text,
                                                const GrammarLimits& limits,
                                                const InnerGrammar* form) {
  GrammarParser parser(text, limits);
  const std::shared_ptr<Grammar> grammar = parser.parse(form);
  grammar->drop_endless();
  const std::optional<uint32_t> endless = grammar->left_recursion();
  if (!endless) return grammar;
  throw FaultError(FaultCode::invalid_grammar,
                   "the grammar cannot be used: its rule '" + parser.name_of(*endless) +
                       "' begins with itself, at once or behind what may be empty (left "
                       "recursion); write it with * or +, or with the repetition at its end");
}

size_t Grammar::bytes() const {
  size_t bytes = elements_.size() * sizeof(Element) + sets_.size() * sizeof(CharSet);
  for (const Rule& rule : rules_) bytes += sizeof(Rule) + rule.size() * sizeof(uint32_t);
  for (const CharSet& set : sets_) bytes += set.ranges().size() * sizeof(CharRange);
  return bytes;
}

// Drops alternatives that have a rule without an end: no text of theirs could ever be complete.
void Grammar::drop_endless() {
  const std::vector<bool> ends = rules_that_end(true);
  const auto is_endless = [&](uint32_t at) {
    for (; elements_[at].kind != Kind::end; ++at) {
      if (elements_[at].kind == Kind::rule && !ends[elements_[at].value]) return true;
    }
    return false;
  };
  for (Rule& rule : rules_) {
    rule.erase(std::remove_if(rule.begin(), rule.end(), is_endless), rule.end());
  }
  if (ends[root_] && (!has_form() || ends[form_root_])) return;
  throw FaultError(FaultCode::invalid_grammar,
                   "the grammar cannot be used: its rule 'root' allows no text that ends");
}

// A matcher would push the rest of such a rule for ever before it comes to a character.
std::optional<uint32_t> Grammar::left_recursion() const {
  const std::vector<bool> nullable = rules_that_end(false);
  Edges edges(rules_.size());
  for (uint32_t rule = 0; rule < rules_.size(); ++rule) {
    for (uint32_t at : rules_[rule]) {
      for (; elements_[at].kind == Kind::rule; ++at) {
        edges[rule].push_back({elements_[at].value, elements_[at + 1].kind == Kind::end});
        if (!nullable[elements_[at].value]) break;
      }
    }
  }
  const Circles circles(edges);
  for (uint32_t rule = 0; rule < rules_.size(); ++rule) {
    for (const Edge& edge : edges[rule]) {
      if (!edge.is_last && circles.together(rule, edge.to)) return rule;
    }
  }
  return std::nullopt;
}

// Which rules can end: with characters, or without any. Each alternative counts its rules for which
// this is not known yet. When none is left, the alternative's rule can end, and the count of each
// alternative that uses that rule goes down.
std::vector<bool> Grammar::rules_that_end(bool with_characters) const {
  struct Alternative {
    uint32_t rule;
    uint32_t left;
  };
  std::vector<Alternative> alternatives;
  std::vector<std::vector<uint32_t>> users(rules_.size());
  std::vector<uint32_t> found;
  std::vector<bool> ends(rules_.size(), false);
  const auto settle = [&](uint32_t rule) {
    if (ends[rule]) return;
    ends[rule] = true;
    found.push_back(rule);
  };
  for (uint32_t rule = 0; rule < rules_.size(); ++rule) {
    for (const uint32_t begin : rules_[rule]) {
      uint32_t left = 0;
      bool is_free = true;
      for (uint32_t at = begin; elements_[at].kind != Kind::end; ++at) {
        if (elements_[at].kind == Kind::rule) {
          users[elements_[at].value].push_back(uint32_t(alternatives.size()));
          ++left;
        } else {
          is_free &= with_characters;
        }
      }
      alternatives.push_back({rule, is_free ? left : UINT32_MAX});
      if (is_free && left == 0) settle(rule);
    }
  }
  while (!found.empty()) {
    const uint32_t rule = found.back();
    found.pop_back();
    for (const uint32_t user : users[rule]) {
      if (--alternatives[user].left == 0) settle(alternatives[user].rule);
    }
  }
  return ends;
}

}  // namespace sluice
