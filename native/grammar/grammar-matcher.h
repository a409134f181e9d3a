#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fault.h"
#include "grammar/grammar.h"

namespace sluice {

// Follows one text through a grammar, byte by byte. A state is the set of stacks of elements that
// may come next; states and the steps between them are remembered, so that inside of a string each
// byte is one look into a table. Used by one thread at a time.
//
// Its work and its memory are bounded: where a grammar is so ambiguous that a state would hold too
// many stacks, or that its rows take too long, it throws FaultError, which ends that one request.
class GrammarMatcher {
 public:
  // No text begins so.
  static constexpr int32_t kDead = -1;
  // For the first state, which the Preparer computes: 0.1 s.
  static constexpr size_t kFirstWorkMax = 2000000;

  // `excess` is the code of the fault where following the grammar is too much work. Throws
  // FaultError(invalid_grammar) when it allows no text at all, TooMuchWork when the first state is
  // too much work.
  explicit GrammarMatcher(std::shared_ptr<const Grammar> grammar,
                          FaultCode excess = FaultCode::invalid_grammar,
                          size_t first_work_max = kFirstWorkMax);

  // The current state; valid until the next accept().
  int32_t state() const { return current_; }
  // The state after one more byte of UTF-8, or kDead.
  int32_t step(int32_t state, uint8_t byte) {
    const int32_t* next = next_[size_t(state)].get();
    const int32_t known = next ? next[byte] : kUnknown;
    return known != kUnknown ? known : find_step(state, byte);
  }
  // The state after the bytes, or kDead.
  int32_t walk(int32_t state, std::string_view bytes);
  // Moves on. False, and nothing moves, where the grammar refuses the bytes.
  bool accept(std::string_view bytes);
  // Whether the text is complete as it stands.
  bool can_end() const { return states_[size_t(current_)].ends; }
  // Grows each time that states were dropped: state numbers from before are invalid then.
  uint32_t epoch() const { return epoch_; }
  // Which parts of the grammar could take a character in a state: the form, the rules around it, or
  // both.
  struct Takers {
    bool form = false, other = false;
  };
  Takers takers(int32_t state, uint32_t code_point) const;
  Takers takers(int32_t state) const;
  // The part of a state that is outside of the form; kDead where there is none.
  int32_t outside_form(int32_t state);
  // The current state becomes its part outside of the form. Nothing changes where there is none.
  void leave_form();
  // Gives a row's share back to the budget of work: once for each token.
  void begin_row();

 private:
  static constexpr int32_t kUnknown = -2;

  // An element with what follows it: its parent. 0 is the empty stack.
  struct Node {
    uint32_t element;
    int32_t parent;
  };
  // A character of which some bytes are still to come.
  struct Partial {
    uint32_t value = 0, least = 0;  // of fewer bits, or of least's size on
    int32_t missing = 0;            // bytes
  };
  struct State {
    std::vector<int32_t> stacks;  // ascending; the top of each takes characters
    bool ends = false;
    Partial partial;
    Takers takers;
  };

  int32_t find_step(int32_t state, uint8_t byte);
  int32_t follow(int32_t state, uint8_t byte);
  int32_t after_character(int32_t state, uint32_t code_point);
  int32_t within_character(int32_t state, const Partial& partial);
  bool could_become(const State& state, const Partial& partial);
  int32_t pop(int32_t node);
  // Goes down to the elements that take characters.
  void expand(State& state);
  void push(int32_t node);
  int32_t node_of(uint32_t element, int32_t parent);
  int32_t state_of(State state);
  void start();
  void forget_all_but_current();
  void count_work(size_t more);

  const std::shared_ptr<const Grammar> grammar_;
  const FaultCode excess_;
  std::vector<Node> nodes_;
  std::unordered_map<uint64_t, int32_t> node_ids_;
  std::deque<State> states_;
  std::vector<std::unique_ptr<int32_t[]>> next_;  // of each state, by byte; null before the first
  std::unordered_map<std::string, int32_t> state_ids_;
  int32_t current_ = 0;
  uint32_t epoch_ = 0;
  std::vector<int32_t> todo_;
  std::vector<uint32_t> seen_;  // by node: the last expansion that met it
  uint32_t expansion_ = 0;
  size_t work_ = 0;               // done, and not given back
  size_t stacks_remembered_ = 0;  // in all states
  size_t nodes_kept_ = 0;         // the last time that others were forgotten
};

}  // namespace sluice
