#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice {

class ChatFormat;

// The marks in a reply between which its reasoning stands.
struct ReasoningMarks {
  std::string start;
  std::vector<std::string> ends;  // at least one; the first is used to end reasoning
  bool is_open = false;           // the prompt ends within reasoning
  // Reasoning may begin anywhere in the reply, and several times. Else it begins only with the
  // reply's first word, or, without may_follow_blank, its first byte.
  bool may_begin_anywhere = false, may_follow_blank = true;
  std::string begun;  // the prompt's end where is_open: the end's mark may begin in it
};

// The marks of the reasoning that llama.cpp's parser finds in replies of this format; nothing where
// it finds none. The prompt's end must have passed ChatParser::check_beginning().
std::optional<ReasoningMarks> reasoning_marks(const ChatFormat& format);

}  // namespace sluice
