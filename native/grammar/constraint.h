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

// Where a grammar comes from: a request's own text, or made here from a schema or tools of a
// request.
enum class GrammarOrigin { request, schema, tools };

// A grammar that a reply must keep to.
struct GrammarSpec {
  std::string text;  // GBNF
  // The grammar of its rule `form`, with rule names of its own; null is none.
  std::shared_ptr<const GrammarSpec> form;
  GrammarOrigin origin = GrammarOrigin::request;
  // A lazy grammar waits until the reply has one of its triggers, and begins with that trigger.
  bool is_lazy = false;
  std::vector<std::string> triggers;
  // Control tokens that stand for their names in the grammar, and those names. Others are never
  // allowed.
  std::vector<std::pair<int32_t, std::string>> named_tokens;
};

// Keeps one reply to a grammar: only allowed tokens are accepted, so the reply never leaves it.
// Owned by a Sampler; used by one thread at a time.
class Constraint {
 public:
  // Throws FaultError(invalid_grammar).
  Constraint(std::shared_ptr<const Grammar> grammar,
             std::shared_ptr<const GrammarVocabulary> vocabulary, const GrammarSpec& spec);

  // This, copy_allowed() and accept() throw FaultError where the grammar takes too much work:
  // invalid_grammar where the request gave it, else engine_failed.
  bool allows(int32_t token);
  // The logits of all tokens that are allowed; negative infinity for the others.
  void copy_allowed(const float* logits, float* masked);
  // Whether copy_allowed() finds the state's mask ready; else it costs up to 6 ms (152k tokens).
  bool knows_allowed() const;
  // Only a token that is allowed.
  void accept(int32_t token);
  // While suppressed, no text begins a waiting grammar, or the form.
  void suppress(bool is_suppressed);
  // Where in the reply the form stands.
  const FormSpan& form_span() const { return form_.span(); }
  // Text that the grammar covers though it stands in the prompt. False where the grammar refuses
  // it; then it cannot be used any more.
  bool accept_text(std::string_view text);
  // Whether a text of the grammar may begin with a space, a tab or a line break.
  bool begins_blank();
  // All text so far was of the prompt: the reply begins here.
  void begin_reply() { form_.begin_reply(); }
  // The fault where no token can follow. `is_forbidden`: one could, but must not be sampled.
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
  // The end of the text so far and `piece`, from the first trigger on. Empty where there is none.
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
  bool is_waiting_, is_suppressed_ = false;
  size_t longest_trigger_ = 0;
  std::string recent_;  // while waiting: the end of the reply, in which a trigger may begin
};

}  // namespace sluice
