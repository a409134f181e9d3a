#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice {

class ChatFormat;

// Between which texts of its reply a model thinks.
struct ThoughtMarks {
  std::string start;
  std::vector<std::string> ends;  // at least one; the first is what a model is made to write
  bool is_open = false;           // the prompt ends in thoughts
  // Thoughts may begin anywhere in the reply, and again; else only with its first word, or its
  // first byte.
  bool may_begin_anywhere = false, may_follow_blank = true;
  std::string begun;  // what open thoughts end with in the prompt: an end may begin in it
};

// Of a reply in this format: what llama.cpp's parser will take for thoughts. Nothing where it tells
// none apart. The prompt's end must be one that ChatParser::check_beginning() lets pass.
std::optional<ThoughtMarks> thought_marks(const ChatFormat& format);

}  // namespace sluice
