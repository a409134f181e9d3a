// A grammar in any text, another one as its rule `form`, and a reply: what is taken whole is taken
// in pieces, the vocabulary's walk over sorted tokens allows what each token by itself is allowed,
// and where text is taken, some text can follow.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "fuzz.h"
#include "grammar/grammar-matcher.h"
#include "grammar/grammar-vocabulary.h"
#include "grammar/grammar.h"

namespace {

using sluice::FaultError;
using sluice::Grammar;
using sluice::GrammarMatcher;

// A hundredth of what a request may have, so that an execution is short.
constexpr sluice::GrammarLimits kLimits{4096, 32, 4000};
constexpr size_t kWorkMax = 200000;

std::shared_ptr<const Grammar> compiled(const std::string& text, const std::string& form) {
  try {
    const sluice::InnerGrammar inner{form, kLimits};
    return Grammar::compile(text, kLimits, form.empty() ? nullptr : &inner);
  } catch (const FaultError& error) {
    MUST(!error.fault.message.empty());
    return nullptr;
  }
}

std::unique_ptr<GrammarMatcher> matcher_of(const std::shared_ptr<const Grammar>& grammar) {
  try {
    return std::make_unique<GrammarMatcher>(grammar, sluice::FaultCode::invalid_grammar, kWorkMax);
  } catch (const FaultError&) {
    return nullptr;
  }
}

const sluice::GrammarVocabulary& vocabulary() {
  static const sluice::GrammarVocabulary all = [] {
    std::vector<std::string> pieces{"", "</s>"};
    for (int byte = 0; byte < 256; ++byte) pieces.push_back(std::string(1, char(byte)));
    for (const char* piece : {"ab", "abc", "a b", "\"a", "\":", "{\"", "aa", "aaaa", "\xC3\xA9",
                              "\xE2\x82\xAC", "\xF0\x9F", "1.5", "  ", "\n\n"}) {
      pieces.push_back(piece);
    }
    return sluice::GrammarVocabulary(std::move(pieces), {1});
  }();
  return all;
}

bool has_bit(const std::vector<uint64_t>& bits, int32_t token) {
  return (bits[size_t(token) / 64] >> (size_t(token) % 64) & 1) != 0;
}

// What may follow in the matcher's state.
void check_allowed(GrammarMatcher& matcher) {
  const std::vector<uint64_t> allowed = vocabulary().allowed(matcher);
  for (int32_t token = 0; token < vocabulary().size(); ++token) {
    const std::string_view piece = vocabulary().piece(token);
    const bool is_end = vocabulary().ends_generation(token);
    const bool is_taken =
        is_end ? matcher.can_end()
               : !piece.empty() && matcher.walk(matcher.state(), piece) != GrammarMatcher::kDead;
    MUST(has_bit(allowed, token) == is_taken);
  }
}

// How many of the text's bytes are taken, in such pieces.
size_t taken(GrammarMatcher& matcher, const std::string& text, fuzz::Cuts cuts) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = cuts.next(at, text.size());
    matcher.begin_row();
    if (!matcher.accept(std::string_view(text).substr(at, end - at))) return at;
    at = end;
  }
  return text.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const fuzz::Cuts cuts(input.byte());
  const std::string text = input.line(), form = input.line(), reply = input.rest();
  const auto grammar = compiled(text, form);
  if (!grammar) return 0;
  const auto pieces = matcher_of(grammar), whole = matcher_of(grammar);
  if (!pieces) return 0;
  MUST(whole != nullptr);
  try {
    check_allowed(*pieces);
    const size_t length = taken(*pieces, reply, cuts);
    MUST(whole->accept(std::string_view(reply).substr(0, length)));
    MUST(whole->can_end() == pieces->can_end());
    if (length == reply.size()) check_allowed(*pieces);
    const int32_t outside = whole->outside_form(whole->state());
    whole->leave_form();
    if (outside != GrammarMatcher::kDead) MUST(whole->state() == outside);
  } catch (const FaultError& error) {
    MUST(error.fault.code == sluice::FaultCode::invalid_grammar);
  }
  return 0;
}
