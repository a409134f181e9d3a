#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "llama/tokens/prompt-text.h"

namespace sluice {

// While it lives, it records the prompts that chat templates are rendered to on this thread, and
// which ranges of them are content. Scopes nest: the inner one records. Needs
// deps/patches/template-origins.patch; without it nothing is recorded, and no content is known.
class Rendering {
 public:
  Rendering();
  ~Rendering();
  Rendering(const Rendering&) = delete;
  Rendering& operator=(const Rendering&) = delete;

  // A recorded prompt, to whose end llama.cpp's own code may have added text.
  PromptText prompt(const std::string& text) const;
  // The texts of the templates themselves, each once.
  std::set<std::string> own_texts() const;

  // Whether llama.cpp's source has this patch, and tokenize-hooks, which uses it.
  static bool tells_origins();

 private:
  class Watch;
  std::unique_ptr<Watch> watch_;
};

}  // namespace sluice
