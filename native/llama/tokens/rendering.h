#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "llama/tokens/prompt-text.h"

namespace sluice {

// While it lives, it keeps what chat templates are rendered to on this thread, with what of it is
// input. Scopes nest: the inner one keeps. Needs deps/patches/template-origins.patch; without it
// nothing is kept, and nothing is known to have been said.
class Rendering {
 public:
  Rendering();
  ~Rendering();
  Rendering(const Rendering&) = delete;
  Rendering& operator=(const Rendering&) = delete;

  // The prompt that llama.cpp made of one of them, where its own code wrote on at the end.
  PromptText prompt(const std::string& text) const;
  // What stood in the templates themselves, each once.
  std::set<std::string> own_texts() const;

  // Whether the source has the patch, and the one that makes use of it (tokenize-hooks).
  static bool tells_origins();

 private:
  class Watch;
  std::unique_ptr<Watch> watch_;
};

}  // namespace sluice
