#pragma once

#include <string>

#include "llama/tokens/prompt-text.h"

namespace sluice {

// Marks of calls that we write into a message where the template writes none. Marks in a message
// would be text, so while it is rendered random words, which no client can guess, stand in for
// them.
const std::string& call_begins();
const std::string& call_ends();

// The prompt with the marks in their places.
PromptText with_own_marks(const PromptText& prompt);

}  // namespace sluice
