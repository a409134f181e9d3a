#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json-scan.h"
#include "llama/chat/chat-delta.h"

struct common_peg_ast_node;

namespace sluice {

class ChatFormat;

// Reads a reply while it is written: text in, deltas of content, reasoning and tool calls out.
//
// llama.cpp's parser reads the whole reply each time, which over a stream is quadratic. Here it is
// asked only as often as keeps all that it reads linear in the reply's length (kReadsPerByte). In
// between what is certain is passed on: where the parser stands inside text that only a delimiter
// ends, everything up to a byte that begins one; inside a JSON value, everything to its end. What
// has left is what the whole reply says, or a beginning of it: where the parser comes to say
// something else, the reply is broken, and nothing more leaves.
//
// Owned by Sequence. Engine thread only, but for the constructor.
class ChatParser {
 public:
  // Brackets that a reply may open, with those of the message that it goes on with: llama.cpp's
  // parser recurses with each that is inside another.
  static constexpr int32_t kBracketsMax = 32768;
  // Of them, those that so large a stack carries.
  static int32_t brackets_max(size_t stack_bytes);
  // Of the reply, read by llama.cpp's parser: so many times its length, and this much before that.
  static constexpr int64_t kReadsPerByte = 8, kReadsFree = 256 << 10;

  // What the prompt says of the reply. Throws FaultError(invalid_request) where it opens too many;
  // before llama.cpp's parser reads it for the first time.
  static void check_beginning(std::string_view text);
  // Throws as check_beginning() does.
  explicit ChatParser(std::shared_ptr<const ChatFormat> format);
  ~ChatParser();

  // More of the reply, in whole characters.
  void append(std::string_view text);
  // The reply is over: the model ended it, or it was cut.
  void finish(bool was_cut);
  // What may leave now.
  ChatDelta take();

  // It contradicts what has left of it.
  bool broken() const { return broken_; }
  // It is broken for this alone.
  bool has_too_many_brackets() const;
  // It went on to a second call, and one was allowed: what follows is not looked at.
  bool has_enough() const { return has_enough_; }
  // It has ended, and its calls have too.
  bool calls_tools() const { return calls_tools_; }
  // What it says now is of a call, as far as that is known.
  bool is_in_call() const;
  // By llama.cpp's parser.
  int64_t bytes_read() const { return bytes_read_; }

 private:
  struct Call {
    std::string id, name, arguments;
  };
  using Kind = ReplyPiece::Kind;
  // What the model wrote without a change of kind: a range of all content, reasoning or calls.
  struct Run {
    Kind kind;
    size_t begin, end;
  };
  // What of the reply is known.
  struct Message {
    std::string content, reasoning;
    std::vector<Call> calls;
    std::vector<Run> runs;   // all of that, in order
    size_t content_end = 0;  // in the text
    bool ends_in_content = false;

    // How far the runs of a kind come.
    size_t covered(Kind kind) const;
    // Makes them come to `end`, by the last run or another; content that is apart has its own.
    void cover(Kind kind, size_t end, bool is_apart = false);
  };
  // What the text's end is inside of.
  enum class Inside { unknown, content, reasoning, string_argument, json_content, json_arguments };
  // What llama.cpp's parser made of a text.
  struct Reading {
    bool ok = false;
    Message message;
    Inside inside = Inside::unknown;
    size_t inside_from = 0;  // where the piece that goes on begins
    size_t pieces_end = 0;   // of what is content, reasoning or a whole call
    size_t name_end = 0;     // of the last call's name
    bool last_call_is_open = false;
  };
  struct Sent {
    size_t content = 0, reasoning = 0;
    std::vector<size_t> arguments;
    size_t runs = 0;  // the first ones, that have left for good
  };

  Reading read(const std::string& text);
  Reading parse(const std::string& text) const;
  void note(const common_peg_ast_node& node, size_t length, Reading& reading) const;
  static void note_run(const common_peg_ast_node& node, Message& message);
  bool may_read() const;
  void read_all();
  void read_last(bool was_cut);
  void give_up_on_format();
  bool adopt(Reading&& reading, size_t length);
  bool extends_what_left(const Message& message) const;
  void keep_begun_delimiter(Reading& reading) const;

  void enter(Inside inside, size_t from);
  void pass();
  void pass_text();
  void pass_json();
  void pass_on(size_t end);
  void take_content(const Run& run, ChatDelta& delta);
  void take_reasoning(const Run& run, ChatDelta& delta);
  void take_calls(const Run& run, ChatDelta& delta);
  bool has_left(const Run& run) const;
  bool may_start(size_t call, bool is_followed) const;

  std::shared_ptr<const ChatFormat> format_;
  std::string text_;  // the generation prompt and the reply
  Message known_;
  Sent sent_;
  size_t started_ = 0;  // calls whose first delta has left
  bool name_is_whole_ = false, call_is_open_ = false;
  Inside inside_ = Inside::unknown;
  JsonScan json_;
  size_t scanned_ = 0, passed_ = 0;       // of text_, while inside of something
  size_t readable_ = 0, unreadable_ = 0;  // lengths that the parser took, and that it refused
  int32_t brackets_ = 0;
  bool is_text_ = false;  // it left the format: the rest is content
  bool is_over_ = false, has_enough_ = false, broken_ = false, calls_tools_ = false;
  int64_t bytes_read_ = 0;
};

}  // namespace sluice
