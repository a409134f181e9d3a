#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "grammar/constraint.h"
#include "llama/model.h"

namespace sluice {

// Compiled grammars, and those that could not be compiled with their faults, the most recently used
// first: 64 at most, of 32 MiB together. Owned by the Preparer; any of its threads.
class GrammarCache {
 public:
  explicit GrammarCache(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  // Null where it is not known yet, takes more than some 20 ms, and may not take long. Throws
  // FaultError: invalid_grammar, or invalid_schema for one that a schema became.
  std::unique_ptr<Constraint> constraint(const GrammarSpec& spec, bool may_take_long);

 private:
  struct Entry {
    std::string text, form;  // of the grammar in it, or empty
    GrammarOrigin origin, form_origin;
    std::shared_ptr<const Grammar> grammar;  // null when it could not be compiled
    std::string why;
    bool takes_long;
  };

  std::optional<Entry> remembered(const GrammarSpec& spec);
  static std::optional<Entry> learned(const GrammarSpec& spec, bool may_take_long);
  void remember(Entry entry);
  std::shared_ptr<const GrammarVocabulary> vocabulary();
  static size_t bytes_of(const Entry& entry);
  void evict();

  const std::shared_ptr<const Model> model_;
  std::mutex vocabulary_mutex_;
  std::shared_ptr<const GrammarVocabulary> vocabulary_;  // made when first needed
  std::mutex mutex_;                                     // of the entries; not while compiling
  std::list<Entry> entries_;
  size_t bytes_ = 0;
};

}  // namespace sluice
