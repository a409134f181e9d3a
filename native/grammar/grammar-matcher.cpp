#include "grammar/grammar-matcher.h"

#include <algorithm>

namespace sluice {
namespace {

// Stacks in one state. No grammar written by hand needs so many, and in one made of a schema an
// enum's words share their beginnings (src/schema).
constexpr size_t kStacksMax = 8192;
// Work is counted in elements that are looked at, expanded or made; so much takes half a second and
// 100 MB. A reply has this much to spend, and each row gives a part of it back. It is bounded
// because the engine's thread waits for it, and with it all other replies.
constexpr size_t kWorkMax = 8000000;
constexpr size_t kWorkPerRow = 1000000;
constexpr size_t kNodeWork = 16;
constexpr size_t kStateWork = 256;
// Beyond these, remembered states are dropped and computed again where needed: 10 MB or so.
constexpr size_t kStatesMax = 4096;
constexpr size_t kStacksRememberedMax = 500000;  // of all states
constexpr size_t kNodesMax = 100000;
// Nodes of the current state, which cannot be dropped: 40 MB or so.
constexpr size_t kNodesKeptMax = 500000;

}  // namespace

GrammarMatcher::GrammarMatcher(std::shared_ptr<const Grammar> grammar, FaultCode excess,
                               size_t first_work_max)
    : grammar_(std::move(grammar)), excess_(excess) {
  start();
  State first;
  work_ = kWorkMax - first_work_max;
  try {
    for (uint32_t begin : grammar_->root()) {
      const bool is_empty = grammar_->element(begin).kind == Grammar::Kind::end;
      push(is_empty ? 0 : node_of(begin, 0));
    }
    expand(first);
  } catch (const FaultError& error) {
    throw TooMuchWork(FaultCode::invalid_grammar, error.what());
  }
  if (first.stacks.empty() && !first.ends) {
    throw FaultError(FaultCode::invalid_grammar,
                     "the grammar cannot be used: its rule 'root' allows no text at all");
  }
  current_ = state_of(std::move(first));
  work_ = 0;
}

void GrammarMatcher::start() {
  nodes_ = {{UINT32_MAX, -1}};
  seen_ = {0};
  node_ids_.clear();
  states_.clear();
  next_.clear();
  ++epoch_;
  state_ids_.clear();
  stacks_remembered_ = 0;
  ++expansion_;
}

int32_t GrammarMatcher::walk(int32_t state, std::string_view bytes) {
  for (const char byte : bytes) {
    if (state == kDead) return kDead;
    state = step(state, uint8_t(byte));
  }
  return state;
}

bool GrammarMatcher::accept(std::string_view bytes) {
  const int32_t next = walk(current_, bytes);
  if (next == kDead) return false;
  current_ = next;
  const bool is_much = states_.size() > kStatesMax || stacks_remembered_ > kStacksRememberedMax ||
                       nodes_.size() > 2 * nodes_kept_ + kNodesMax;
  if (is_much) forget_all_but_current();
  return true;
}

GrammarMatcher::Takers GrammarMatcher::takers(int32_t state) const {
  return states_[size_t(state)].takers;
}

GrammarMatcher::Takers GrammarMatcher::takers(int32_t state, uint32_t code_point) const {
  const State& from = states_[size_t(state)];
  if (!from.takers.form || !from.takers.other) return from.takers;
  Takers found;
  for (int32_t node : from.stacks) {
    const uint32_t top = nodes_[size_t(node)].element;
    if (!grammar_->chars(grammar_->element(top).value).has(code_point)) continue;
    (grammar_->is_of_form(top) ? found.form : found.other) = true;
  }
  return found;
}

int32_t GrammarMatcher::outside_form(int32_t state) {
  const State& from = states_[size_t(state)];
  if (!from.takers.form) return state;
  if (!from.takers.other) return kDead;
  State to;
  to.ends = from.ends;
  to.partial = from.partial;
  for (int32_t node : from.stacks) {
    if (!grammar_->is_of_form(nodes_[size_t(node)].element)) to.stacks.push_back(node);
  }
  return state_of(std::move(to));
}

void GrammarMatcher::leave_form() {
  // The budget must suffice for this: an exception cannot be reported from here.
  work_ = std::min(work_, kWorkMax - kStateWork - kStacksMax - 1);
  const int32_t outside = outside_form(current_);
  if (outside != kDead) current_ = outside;
}

void GrammarMatcher::begin_row() { work_ -= std::min(work_, kWorkPerRow); }

int32_t GrammarMatcher::find_step(int32_t state, uint8_t byte) {
  const int32_t to = follow(state, byte);
  std::unique_ptr<int32_t[]>& next = next_[size_t(state)];
  if (!next) {
    next = std::make_unique<int32_t[]>(256);
    std::fill(next.get(), next.get() + 256, kUnknown);
  }
  return next[byte] = to;
}

int32_t GrammarMatcher::follow(int32_t state, uint8_t byte) {
  Partial partial = states_[size_t(state)].partial;
  if (partial.missing > 0) {
    if (byte >> 6 != 2) return kDead;
    partial.value = partial.value << 6 | (byte & 0x3Fu);
    --partial.missing;
    if (partial.missing > 0) return within_character(state, partial);
    return partial.value < partial.least ? kDead : after_character(state, partial.value);
  }
  if (byte < 0x80) return after_character(state, byte);
  if (byte < 0xC2 || byte > 0xF4) return kDead;
  if (byte < 0xE0) return within_character(state, {byte & 0x1Fu, 0x80, 1});
  if (byte < 0xF0) return within_character(state, {byte & 0x0Fu, 0x800, 2});
  return within_character(state, {byte & 0x07u, 0x10000, 3});
}

int32_t GrammarMatcher::after_character(int32_t state, uint32_t code_point) {
  const State& from = states_[size_t(state)];
  count_work(from.stacks.size());
  ++expansion_;
  for (int32_t node : from.stacks) {
    const Grammar::Element& top = grammar_->element(nodes_[size_t(node)].element);
    if (grammar_->chars(top.value).has(code_point)) push(pop(node));
  }
  State to;
  expand(to);
  return to.stacks.empty() && !to.ends ? kDead : state_of(std::move(to));
}

int32_t GrammarMatcher::within_character(int32_t state, const Partial& partial) {
  const State& from = states_[size_t(state)];
  if (!could_become(from, partial)) return kDead;
  State to;
  to.stacks = from.stacks;
  to.partial = partial;
  return state_of(std::move(to));
}

bool GrammarMatcher::could_become(const State& state, const Partial& partial) {
  count_work(state.stacks.size());
  const int32_t bits = 6 * partial.missing;
  const uint32_t first = std::max(partial.value << bits, partial.least);
  const uint32_t last = std::min((partial.value << bits) | ((1u << bits) - 1), kCodePointMax);
  if (last < first) return false;
  return std::any_of(state.stacks.begin(), state.stacks.end(), [&](int32_t node) {
    const Grammar::Element& top = grammar_->element(nodes_[size_t(node)].element);
    return grammar_->chars(top.value).has_any(first, last);
  });
}

// The stack behind a node's element.
int32_t GrammarMatcher::pop(int32_t node) {
  const Node top = nodes_[size_t(node)];
  const uint32_t next = top.element + 1;
  if (grammar_->element(next).kind == Grammar::Kind::end) return top.parent;
  return node_of(next, top.parent);
}

void GrammarMatcher::push(int32_t node) {
  if (seen_[size_t(node)] == expansion_) return;
  seen_[size_t(node)] = expansion_;
  todo_.push_back(node);
}

void GrammarMatcher::expand(State& state) {
  while (!todo_.empty()) {
    const int32_t node = todo_.back();
    todo_.pop_back();
    if (node == 0) {
      state.ends = true;
      continue;
    }
    const Grammar::Element top = grammar_->element(nodes_[size_t(node)].element);
    if (top.kind == Grammar::Kind::chars) {
      state.stacks.push_back(node);
      if (state.stacks.size() > kStacksMax) count_work(kWorkMax);
      continue;
    }
    const int32_t behind = pop(node);
    const Grammar::Rule& rule = grammar_->rule(top.value);
    count_work(rule.size());
    for (uint32_t begin : rule) {
      const bool is_empty = grammar_->element(begin).kind == Grammar::Kind::end;
      push(is_empty ? behind : node_of(begin, behind));
    }
  }
  std::sort(state.stacks.begin(), state.stacks.end());
}

int32_t GrammarMatcher::node_of(uint32_t element, int32_t parent) {
  const uint64_t key = uint64_t(element) << 32 | uint32_t(parent);
  const auto [entry, is_new] = node_ids_.emplace(key, int32_t(nodes_.size()));
  if (is_new) {
    nodes_.push_back({element, parent});
    seen_.push_back(0);
    count_work(kNodeWork);
  }
  return entry->second;
}

int32_t GrammarMatcher::state_of(State state) {
  std::string key(reinterpret_cast<const char*>(state.stacks.data()),
                  state.stacks.size() * sizeof(int32_t));
  key.append(reinterpret_cast<const char*>(&state.partial), sizeof(state.partial));
  key.push_back(state.ends ? 1 : 0);
  const auto [entry, is_new] = state_ids_.emplace(std::move(key), int32_t(states_.size()));
  if (!is_new) return entry->second;
  for (int32_t node : state.stacks) {
    const bool is_of_form = grammar_->is_of_form(nodes_[size_t(node)].element);
    (is_of_form ? state.takers.form : state.takers.other) = true;
  }
  stacks_remembered_ += state.stacks.size();
  states_.push_back(std::move(state));
  next_.emplace_back();
  count_work(kStateWork + states_.back().stacks.size());
  return entry->second;
}

// Stacks share the nodes below them, so each node is moved once.
void GrammarMatcher::forget_all_but_current() {
  const std::vector<Node> nodes = std::move(nodes_);
  State current = std::move(states_[size_t(current_)]);
  start();
  std::vector<int32_t> moved(nodes.size(), kUnknown);
  moved[0] = 0;
  std::vector<int32_t> path;
  for (int32_t& stack : current.stacks) {
    path.clear();
    int32_t node = stack;
    for (; moved[size_t(node)] == kUnknown; node = nodes[size_t(node)].parent) path.push_back(node);
    for (; !path.empty(); path.pop_back()) {
      const int32_t above = path.back();
      moved[size_t(above)] = node_of(nodes[size_t(above)].element, moved[size_t(node)]);
      node = above;
    }
    stack = moved[size_t(stack)];
  }
  std::sort(current.stacks.begin(), current.stacks.end());
  current_ = state_of(std::move(current));
  nodes_kept_ = nodes_.size();
  if (nodes_kept_ > kNodesKeptMax) count_work(kWorkMax);
}

void GrammarMatcher::count_work(size_t more) {
  work_ += more;
  if (work_ < kWorkMax) return;
  todo_.clear();
  throw FaultError(excess_,
                   "the grammar has too many ways to go on from here; make it less ambiguous");
}

}  // namespace sluice
