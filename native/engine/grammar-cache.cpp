#include "engine/grammar-cache.h"

#include <algorithm>

#include "llama/fault.h"

namespace sluice {
namespace {

constexpr size_t kEntriesMax = 64;
constexpr size_t kBytesMax = size_t(32) << 20;

}  // namespace

std::unique_ptr<Constraint> GrammarCache::constraint(const GrammarSpec& spec) {
  try {
    const std::shared_ptr<const Grammar> grammar = compiled(spec);
    if (!vocabulary_) vocabulary_ = model_->grammar_vocabulary();
    return std::make_unique<Constraint>(grammar, vocabulary_, spec);
  } catch (const FaultError& error) {
    if (spec.origin != GrammarOrigin::schema || error.fault.code != FaultCode::invalid_grammar)
      throw;
    throw FaultError(FaultCode::invalid_schema,
                     std::string("the schema is too large or too ambiguous: ") + error.what());
  }
}

std::shared_ptr<const Grammar> GrammarCache::compiled(const GrammarSpec& spec) {
  // Ours are trusted with more, so what was allowed as ours must not stand in for a stranger's.
  const bool is_given = spec.origin == GrammarOrigin::request;
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.is_given == is_given && entry.text == spec.text;
  });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front().grammar;
  }
  const auto grammar = Grammar::compile(spec.text, is_given ? kGivenGrammar : kMadeGrammar);
  entries_.push_front({spec.text, is_given, grammar});
  bytes_ += spec.text.size() + grammar->bytes();
  evict();
  return grammar;
}

void GrammarCache::evict() {
  while (entries_.size() > 1 && (entries_.size() > kEntriesMax || bytes_ > kBytesMax)) {
    bytes_ -= entries_.back().text.size() + entries_.back().grammar->bytes();
    entries_.pop_back();
  }
}

}  // namespace sluice
