#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "grammar/form-tracker.h"
#include "grammar/grammar-matcher.h"
#include "grammar/grammar-vocabulary.h"
#include "grammar/grammar.h"

namespace sluice {

// Who wrote a grammar: a stranger, or we ourselves, from what a stranger gave.
enum class GrammarOrigin { request, schema, tools };

// What a reply must be.
struct GrammarSpec {
  std::string text;  // GBNF
  // A grammar that stands in it as its rule `form`, whose names are its own; null is none.
  std::shared_ptr<const GrammarSpec> form;
  GrammarOrigin origin = GrammarOrigin::request;
  // A lazy grammar waits until the reply holds one of its triggers, and begins with that trigger.
  bool is_lazy = false;
  std::vector<std::string> triggers;
  // Control tokens that count as their names, and those names. Others are never allowed.
  std::vector<std::pair<int32_t, std::string>> named_tokens;
};

// Keeps one reply to a grammar. Every token that is accepted was allowed, so that it cannot come to
// stand outside of it. Owned by a Sampler; used by one thread at a time.
class Constraint {
 public:
  // Throws FaultError(invalid_grammar).
  Constraint(std::shared_ptr<const Grammar> grammar,
             std::shared_ptr<const GrammarVocabulary> vocabulary, const GrammarSpec& spec);

  // May throw FaultError where that is too much work, as the other two may: invalid_grammar where
  // the request gave the grammar, else engine_failed.
  bool allows(int32_t token);
  // The logits of all tokens that are allowed; negative infinity for the others.
  void copy_allowed(const float* logits, float* masked);
  // What copy_allowed() needs is there; else it costs up to 6 ms (152k tokens).
  bool knows_allowed() const;
  // Only a token that is allowed.
  void accept(int32_t token);
  // While it is held, no text begins a waiting grammar, or a form.
  void hold(bool is_held);
  // Where in the reply the form stands that the grammar has.
  const FormSpan& form_span() const { return form_.span(); }
  // Text that stands in the prompt already, but is the grammar's. False where it refuses that;
  // then it cannot be used any more.
  bool accept_text(std::string_view text);
  // A text of the grammar may begin with a space, a tab or a line break.
  bool begins_blank();
  // All text so far was the prompt's.
  void begin_reply() { form_.begin_reply(); }
  // What it means that no token goes on. `is_forbidden`: one would, but must not be sampled.
  FaultError dead_end(bool is_forbidden) const;
  // A lazy grammar that has not begun.
  bool is_waiting() const { return is_waiting_; }

 private:
  // What the grammar allows in one state.
  struct Mask {
    int32_t state;
    std::vector<uint64_t> bits;
  };

  const std::vector<uint64_t>& mask();
  bool is_named(int32_t token) const { return named_.count(token) > 0; }
  bool follow(std::string_view bytes);
  std::string_view piece(int32_t token) const;
  // What of the text so far and `piece` is the grammar's: from the first trigger on. Empty where
  // there is none.
  std::string triggered_by(std::string_view piece) const;

  const std::shared_ptr<const GrammarVocabulary> vocabulary_;
  const GrammarOrigin origin_;
  GrammarMatcher matcher_;
  FormTracker form_;
  std::vector<Mask> masks_;   // of the last states that were asked for, the latest at the end
  uint32_t masks_epoch_ = 0;  // the matcher's, of their states
  std::vector<std::string> triggers_;
  std::map<int32_t, std::string> named_;
  const bool has_form_;
  bool is_waiting_, is_held_ = false;
  size_t longest_trigger_ = 0;
  std::string recent_;  // as much of a waiting grammar's reply as may begin a trigger
};

}  // namespace sluice
