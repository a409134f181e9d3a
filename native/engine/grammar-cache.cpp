#include "engine/grammar-cache.h"

#include <algorithm>

#include "llama/fault.h"

namespace sluice {
namespace {

constexpr size_t kEntriesMax = 64;
constexpr size_t kBytesMax = size_t(32) << 20;

}  // namespace

std::unique_ptr<Constraint> GrammarCache::constraint(const GrammarSpec& spec) {
  const Entry& known = entry(spec);
  if (!known.grammar) {
    if (spec.origin == GrammarOrigin::request)
      throw FaultError(FaultCode::invalid_grammar, known.why);
    throw FaultError(FaultCode::invalid_schema,
                     "the schema is too large or too ambiguous: " + known.why);
  }
  if (!vocabulary_) vocabulary_ = model_->grammar_vocabulary();
  return std::make_unique<Constraint>(known.grammar, vocabulary_, spec);
}

const GrammarCache::Entry& GrammarCache::entry(const GrammarSpec& spec) {
  // Ours are trusted with more, so what was allowed as ours must not stand in for a stranger's.
  const bool is_given = spec.origin == GrammarOrigin::request;
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.is_given == is_given && entry.text == spec.text;
  });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front();
  }
  Entry made{spec.text, is_given, nullptr, ""};
  try {
    const auto grammar = Grammar::compile(spec.text, is_given ? kGivenGrammar : kMadeGrammar);
    const GrammarMatcher tried(grammar);  // what it begins with may be refused as well
    made.grammar = grammar;
  } catch (const FaultError& error) {
    made.why = error.what();
  }
  entries_.push_front(std::move(made));
  bytes_ += bytes_of(entries_.front());
  evict();
  return entries_.front();
}

size_t GrammarCache::bytes_of(const Entry& entry) {
  return entry.text.size() + entry.why.size() + (entry.grammar ? entry.grammar->bytes() : 0);
}

void GrammarCache::evict() {
  while (entries_.size() > 1 && (entries_.size() > kEntriesMax || bytes_ > kBytesMax)) {
    bytes_ -= bytes_of(entries_.back());
    entries_.pop_back();
  }
}

}  // namespace sluice
