#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "llama/constraint.h"
#include "llama/model.h"

namespace sluice {

// Compiled grammars, and those that could not be, the most recently used first: 64 at most, of
// 32 MiB together. Owned by the Preparer and used on its thread.
class GrammarCache {
 public:
  explicit GrammarCache(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  // Throws FaultError: invalid_grammar, or invalid_schema for one that a schema became.
  std::unique_ptr<Constraint> constraint(const GrammarSpec& spec);

 private:
  struct Entry {
    std::string text;
    bool is_given;
    std::shared_ptr<const Grammar> grammar;  // null when it could not be compiled
    std::string why;
  };

  // What is remembered of a grammar, or learned of it now.
  const Entry& entry(const GrammarSpec& spec);
  static size_t bytes_of(const Entry& entry);
  void evict();

  const std::shared_ptr<const Model> model_;
  std::shared_ptr<const GrammarVocabulary> vocabulary_;  // made when first needed
  std::list<Entry> entries_;
  size_t bytes_ = 0;
};

}  // namespace sluice
