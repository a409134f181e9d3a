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

// Splits a chat's reply into its parts: text in; content, reasoning and tool calls out. Used where
// the model reasons, or the request has tools or a form. Stop strings are looked for in content
// only, and never in a form, which they would cut. A form is passed on unchanged: marks of the
// template in it are text.
// Owned by Sequence. Engine thread only.
class ReplyReader {
 public:
  ReplyReader(std::unique_ptr<ChatParser> parser, const std::vector<std::string>& stop_strings,
              bool has_form);

  // More of the reply, in whole characters. `span` says which of all its text is the form.
  void append(std::string_view text, const FormSpan& span);
  // The reply is over: the model ended it, or it was cut.
  void finish(bool was_cut, const FormSpan& span);
  // What may be sent now, in order: content, reasoning and calls.
  std::vector<Part> take();

  bool stopped() const { return stops_.stopped(); }
  std::string stop_string() const { return stops_.stop_string(); }
  // Bytes at the end of its text that may not be sent: a stop string may begin there, or did.
  size_t withheld() const { return withheld_; }
  // The text that comes now is the form.
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
  // The pending text up to a position of the reply.
  std::string next_until(int64_t position);

  std::unique_ptr<ChatParser> parser_;
  StopSearch stops_;
  const bool has_form_;
  bool is_in_form_ = false;
  std::string pending_;   // of a reply with a form: text that was not read yet
  int64_t position_ = 0;  // where that begins in the reply
  std::vector<Part> ready_;
  size_t withheld_ = 0;
};

}  // namespace sluice
