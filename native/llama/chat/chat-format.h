#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "chat.h"
#include "llama/chat/call-sites.h"

namespace sluice {

// How the replies to one prompt are written: llama.cpp's parser, and the facts about it that let
// text be passed on without running it each time. Made by ChatTemplate, shared by the request's
// parsers. Immutable. Only for native/llama: it includes llama.cpp's headers.
class ChatFormat {
 public:
  // Throws what llama.cpp throws for a parser that it cannot read. With `takes_one_call` a reply is
  // over once it begins a second call. `params` are those of the tools' stand-ins (CallSites).
  explicit ChatFormat(const common_chat_params& params, bool takes_one_call = false,
                      const std::vector<ChatTool>& tools = {});

  // What the text of a tagged piece of the reply is.
  enum class Kind {
    opaque,  // only the parser knows
    plain,   // any text up to a delimiter
    json,    // one JSON value
  };
  Kind content() const { return content_; }
  Kind reasoning() const { return reasoning_; }
  Kind arguments() const { return arguments_; }
  Kind string_argument() const { return string_argument_; }

  enum class Match { none, partial, whole };
  // Whether a delimiter begins at `position`: all of it, or as far as the text goes.
  Match delimiter_at(std::string_view text, size_t position) const;

  bool takes_one_call() const { return takes_one_call_; }
  // Whether a call's id may come after its name.
  bool id_follows_name() const { return id_follows_name_; }
  const common_peg_arena& parser() const { return parser_; }
  common_chat_format name() const { return name_; }
  const CallSites& sites() const { return sites_; }
  CallFormat calls() const {
    return sites_.format(parser_, name_ == COMMON_CHAT_FORMAT_PEG_GEMMA4);
  }
  // The end of the prompt, which the parser reads before the reply's text.
  const std::string& generation_prompt() const { return generation_prompt_; }
  // The marks around reasoning that llama.cpp knows; empty where it knows none.
  const std::string& reasoning_start() const { return reasoning_start_; }
  const std::vector<std::string>& reasoning_ends() const { return reasoning_ends_; }

 private:
  Kind kind_of(const char* tag) const;
  void collect_delimiters();

  common_peg_arena parser_;
  CallSites sites_;
  common_chat_format name_;
  std::string generation_prompt_, reasoning_start_;
  std::vector<std::string> reasoning_ends_;
  std::vector<std::string> delimiters_;
  std::array<bool, 256> begins_delimiter_{};
  Kind content_, reasoning_, arguments_, string_argument_;
  bool id_follows_name_ = false, takes_one_call_;
};

}  // namespace sluice
