#pragma once

#include <optional>
#include <string>

namespace sluice {

// Why llama.cpp cannot read a chat template, with the line where it finds that out; nothing where
// it can. One that is nested more deeply than the calling thread's stack carries is not read at
// all: the parser recurses, and so do the destructors of what it makes.
std::optional<std::string> why_unreadable(const std::string& text);

// What the interpreter says of a failed run, in one line: the reason, and where in the template.
std::string words_of_failed_run(const std::string& said);

}  // namespace sluice
