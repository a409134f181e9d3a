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
// What was sent is always a beginning of what the whole reply parses to. Where llama.cpp's parser
// later reads the reply otherwise, the reply is broken, and nothing more is sent.
//
// llama.cpp's parser reads the whole reply each time, which over a stream is quadratic. So it is
// run only so often that all it reads stays linear in the reply's length (kReadsPerByte). In
// between, what is certain is passed on: within text that only a delimiter ends, everything up to a
// byte that begins one; within a JSON value, everything to its end.
//
// Owned by Sequence. Engine thread only, but for the constructor.
class ChatParser {
 public:
  // Brackets that a reply may open, with those of the message that it continues: llama.cpp's parser
  // recurses with each bracket inside another.
  static constexpr int32_t kBracketsMax = 32768;
  // As many of them as a stack of this size allows.
  static int32_t brackets_max(size_t stack_bytes);
  // Bytes that llama.cpp's parser may read: so many times the reply's length, and kReadsFree more.
  static constexpr int64_t kReadsPerByte = 8, kReadsFree = 256 << 10;

  // Checks the prompt's end, before llama.cpp's parser reads it for the first time. Throws
  // FaultError(invalid_request) where it opens too many brackets.
  static void check_beginning(std::string_view text);
  // Throws as check_beginning() does.
  explicit ChatParser(std::shared_ptr<const ChatFormat> format);
  ~ChatParser();

  // More of the reply, in whole characters.
  void append(std::string_view text);
  // The reply is over: the model ended it, or it was cut.
  void finish(bool was_cut);
  // What may be sent now.
  ChatDelta take();

  // It contradicts what was sent of it.
  bool broken() const { return broken_; }
  // It is broken only because it has too many brackets.
  bool has_too_many_brackets() const;
  // It began a second call where one is allowed: what follows is not read.
  bool has_enough() const { return has_enough_; }
  // It has ended, and its calls have too.
  bool calls_tools() const { return calls_tools_; }
  // Its last text belongs to a call, as far as that is known.
  bool is_in_call() const;
  // Bytes that llama.cpp's parser has read.
  int64_t bytes_read() const { return bytes_read_; }

 private:
  struct Call {
    std::string id, name, arguments;
  };
  using Kind = ReplyPiece::Kind;
  // A stretch of the reply of one kind: a range of all its content, its reasoning or its calls.
  struct Run {
    Kind kind;
    size_t begin, end;
  };
  // What is known of the reply.
  struct Message {
    std::string content, reasoning;
    std::vector<Call> calls;
    std::vector<Run> runs;   // all of that, in order
    size_t content_end = 0;  // in the text
    bool ends_in_content = false;

    // How far the runs of a kind come.
    size_t covered(Kind kind) const;
    // Extends them to `end`, by the last run or a new one; content that is apart gets a new one.
    void cover(Kind kind, size_t end, bool is_apart = false);
  };
  // What the text's end is inside of, where text can be passed on without the parser.
  enum class State { unknown, content, reasoning, string_argument, json_content, json_arguments };
  // What llama.cpp's parser made of a text.
  struct Reading {
    bool ok = false;
    Message message;
    State state = State::unknown;
    size_t state_from = 0;  // where the piece that the text's end is inside of begins
    size_t pieces_end = 0;  // the end of all content, reasoning and whole calls
    size_t name_end = 0;    // the end of the last call's name
    bool last_call_is_open = false;
  };
  struct Sent {
    size_t content = 0, reasoning = 0;
    std::vector<size_t> arguments;
    size_t runs = 0;  // how many of the first ones were sent whole
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
  bool extends_what_was_sent(const Message& message) const;
  void keep_begun_delimiter(Reading& reading) const;

  void enter(State state, size_t from);
  void pass();
  void pass_text();
  void pass_json();
  void pass_on(size_t end);
  void take_content(const Run& run, ChatDelta& delta);
  void take_reasoning(const Run& run, ChatDelta& delta);
  void take_calls(const Run& run, ChatDelta& delta);
  bool was_sent(const Run& run) const;
  bool may_start(size_t call, bool is_followed) const;

  std::shared_ptr<const ChatFormat> format_;
  std::string text_;  // the generation prompt and the reply
  Message known_;
  Sent sent_;
  size_t started_ = 0;  // calls whose first delta was sent
  bool name_is_whole_ = false, call_is_open_ = false;
  State state_ = State::unknown;
  JsonScan json_;
  size_t scanned_ = 0, passed_ = 0;       // bytes of text_, while the state is known
  size_t readable_ = 0, unreadable_ = 0;  // lengths of text_ that the parser took, and refused
  int32_t brackets_ = 0;
  bool is_text_ = false;  // it left the format: the rest is content
  bool is_over_ = false, has_enough_ = false, broken_ = false, calls_tools_ = false;
  int64_t bytes_read_ = 0;
};

}  // namespace sluice
