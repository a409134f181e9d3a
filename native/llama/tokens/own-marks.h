#pragma once

#include <string>

#include "llama/tokens/prompt-text.h"

namespace sluice {

// Marks of calls that we write into a message where the template writes none. What stands in a
// message is text, so that other words stand there for them, which nobody can guess, until it is
// rendered.
const std::string& call_begins();
const std::string& call_ends();

// The prompt with the marks in their places.
PromptText with_own_marks(const PromptText& prompt);

}  // namespace sluice
