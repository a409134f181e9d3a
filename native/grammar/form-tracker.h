#pragma once

#include <cstdint>
#include <string_view>

#include "grammar/form-span.h"
#include "grammar/grammar-matcher.h"

namespace sluice {

// Finds where in a reply the form stands, while the matcher follows the reply. Text that could be
// in the form or outside of it counts as the form's once only the form can go on with it, else as
// outside. Costs a look at two flags for each byte, except where both are possible.
class FormTracker {
 public:
  // Of text that is about to be accepted.
  void follow(GrammarMatcher& matcher, std::string_view bytes);
  // What was followed so far is the prompt's: the reply begins here.
  void begin_reply();
  const FormSpan& span() const { return span_; }

 private:
  void take(GrammarMatcher::Takers takers, int64_t begin);

  FormSpan span_;
  int64_t position_ = 0;      // in the reply
  int64_t maybe_ = kNowhere;  // from here on it could be the form, or the end of it
  uint32_t character_ = 0;    // under way
  int32_t missing_ = 0;       // bytes of it
  int64_t character_begin_ = 0;

  static constexpr int64_t kNowhere = INT64_MIN;
};

}  // namespace sluice
