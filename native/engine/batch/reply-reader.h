#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/request/part.h"
#include "engine/request/stop-search.h"
#include "grammar/form-span.h"
#include "llama/chat/chat-parser.h"

namespace sluice {

// Reads a reply of a chat that thinks, calls tools or has a form: text in, parts out. Stop strings
// are looked for in what is said alone, and never in a form, which would be cut by them. A form is
// said as it stands, whatever marks of the template's are in it.
// Owned by Sequence. Engine thread only.
class ReplyReader {
 public:
  ReplyReader(std::unique_ptr<ChatParser> parser, const std::vector<std::string>& stop_strings,
              bool has_form);

  // More of the reply, in whole characters. `span` says what of all its text is the form.
  void append(std::string_view text, const FormSpan& span);
  // The reply is over: the model ended it, or it was cut.
  void finish(bool was_cut, const FormSpan& span);
  // What may leave now, in order: text, thoughts and calls.
  std::vector<Part> take();

  bool stopped() const { return stops_.stopped(); }
  std::string stop_string() const { return stops_.stop_string(); }
  // Bytes at the end of its text that have not left, as a stop string may begin there, or did.
  size_t withheld() const { return withheld_; }
  // What it says now is its form.
  bool is_in_form() const { return is_in_form_; }

  // As ChatParser has them.
  bool is_in_call() const { return !has_form_ && parser_->is_in_call(); }
  bool has_enough() const { return !is_in_form_ && parser_->has_enough(); }
  bool calls_tools() const { return !is_in_form_ && !stopped() && parser_->calls_tools(); }
  bool broken() const { return !is_in_form_ && parser_->broken(); }
  bool has_too_many_brackets() const { return parser_->has_too_many_brackets(); }

 private:
  void collect();
  void search(ChatDelta&& delta);
  void add(ReplyPiece&& piece);
  void add_text(std::string text);
  void read_form(const FormSpan& span);
  void enter_form();
  void finish_undecided(bool was_cut, bool could_be_form);
  // Hands on text up to a position of the reply.
  std::string next_until(int64_t position);

  std::unique_ptr<ChatParser> parser_;
  StopSearch stops_;
  const bool has_form_;
  bool is_in_form_ = false;
  std::string pending_;   // of a reply with a form: what was not handed on
  int64_t position_ = 0;  // where that begins
  std::vector<Part> ready_;
  size_t withheld_ = 0;
};

}  // namespace sluice
