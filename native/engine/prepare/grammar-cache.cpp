#include "engine/prepare/grammar-cache.h"

#include <algorithm>

#include "base/fault.h"

namespace sluice {
namespace {

constexpr size_t kEntriesMax = 64;
constexpr size_t kBytesMax = size_t(32) << 20;
// Some 10 ms each.
constexpr uint64_t kQuickElements = 40000;
constexpr size_t kQuickFirstWork = 200000;

bool is_given(const GrammarSpec& spec) { return spec.origin == GrammarOrigin::request; }

// Grammars that we made from a schema may be larger.
const GrammarLimits& limits_of(GrammarOrigin origin) {
  if (origin == GrammarOrigin::request) return kGivenGrammar;
  return origin == GrammarOrigin::tools ? kToolsGrammar : kMadeGrammar;
}

const std::string& form_of(const GrammarSpec& spec) {
  static const std::string none;
  return spec.form ? spec.form->text : none;
}

GrammarOrigin form_origin_of(const GrammarSpec& spec) {
  return spec.form ? spec.form->origin : spec.origin;
}

// Compiles it, and finds its first state, which may also be too much work.
std::shared_ptr<const Grammar> tried(const GrammarSpec& spec, uint64_t elements_max,
                                     size_t first_work_max) {
  const auto limits = [&](const GrammarSpec& one) {
    GrammarLimits limits = limits_of(one.origin);
    limits.elements_max = std::min(limits.elements_max, elements_max);
    return limits;
  };
  std::shared_ptr<const Grammar> grammar;
  if (spec.form) {
    const InnerGrammar form{spec.form->text, limits(*spec.form)};
    grammar = Grammar::compile(spec.text, limits(spec), &form);
  } else {
    grammar = Grammar::compile(spec.text, limits(spec));
  }
  const GrammarMatcher matcher(grammar, FaultCode::invalid_grammar, first_work_max);
  return grammar;
}

}  // namespace

std::unique_ptr<Constraint> GrammarCache::constraint(const GrammarSpec& spec, bool may_take_long) {
  std::optional<Entry> known = remembered(spec);
  if (!known) {
    known = learned(spec, may_take_long);
    if (!known) return nullptr;
    remember(*known);
  }
  // Its first state is found anew for each reply.
  if (known->takes_long && !may_take_long) return nullptr;
  if (!known->grammar) {
    if (is_given(spec.form ? *spec.form : spec)) {
      throw FaultError(FaultCode::invalid_grammar, known->why);
    }
    throw FaultError(FaultCode::invalid_schema,
                     "the schema is too large or too ambiguous: " + known->why);
  }
  return std::make_unique<Constraint>(known->grammar, vocabulary(), spec);
}

std::shared_ptr<const GrammarVocabulary> GrammarCache::vocabulary() {
  const std::lock_guard<std::mutex> lock(vocabulary_mutex_);
  if (!vocabulary_) vocabulary_ = model_->grammar_vocabulary();
  return vocabulary_;
}

std::optional<GrammarCache::Entry> GrammarCache::remembered(const GrammarSpec& spec) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // By its origin too: a request's grammar has stricter limits than the same text made by us.
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.origin == spec.origin && entry.text == spec.text &&
           entry.form_origin == form_origin_of(spec) && entry.form == form_of(spec);
  });
  if (found == entries_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found);
  return entries_.front();
}

// Nothing where it takes long and may not.
std::optional<GrammarCache::Entry> GrammarCache::learned(const GrammarSpec& spec,
                                                         bool may_take_long) {
  Entry made{spec.text, form_of(spec), spec.origin, form_origin_of(spec), nullptr, "", false};
  try {
    made.grammar = tried(spec, kQuickElements, kQuickFirstWork);
  } catch (const TooMuchWork&) {
    if (!may_take_long) return std::nullopt;
    made.takes_long = true;
  } catch (const FaultError& error) {
    made.why = error.what();
  }
  if (!made.takes_long) return made;
  try {
    made.grammar = tried(spec, UINT64_MAX, GrammarMatcher::kFirstWorkMax);
  } catch (const FaultError& error) {
    made.why = error.what();
  }
  return made;
}

void GrammarCache::remember(Entry entry) {
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_.push_front(std::move(entry));
  bytes_ += bytes_of(entries_.front());
  evict();
}

size_t GrammarCache::bytes_of(const Entry& entry) {
  return entry.text.size() + entry.form.size() + entry.why.size() +
         (entry.grammar ? entry.grammar->bytes() : 0);
}

void GrammarCache::evict() {
  while (entries_.size() > 1 && (entries_.size() > kEntriesMax || bytes_ > kBytesMax)) {
    bytes_ -= bytes_of(entries_.back());
    entries_.pop_back();
  }
}

}  // namespace sluice
