#pragma once

#include <optional>
#include <string>

namespace sluice {

// Why llama.cpp cannot read a chat template, with the line; nothing where it can. A template that
// is nested more deeply than the calling thread's stack allows is not given to it: the parser
// recurses, and so do the destructors of its nodes.
std::optional<std::string> why_unreadable(const std::string& text);

// The interpreter's message about a failed run, in one line: the reason, and where in the template.
std::string words_of_failed_run(const std::string& said);

}  // namespace sluice
