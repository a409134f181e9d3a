#include "llama/chat/chat-parser.h"

#include <algorithm>
#include <exception>

#include "base/fault.h"
#include "base/stack.h"
#include "chat-peg-parser.h"
#include "llama/chat/call-ids.h"
#include "llama/chat/chat-format.h"

namespace sluice {
namespace {

using Tag = common_chat_peg_builder;

// A refusal of the parser counts only if the text is still refused after so many more bytes.
constexpr size_t kRefusalBytes = 32;
// Bytes of stack that llama.cpp's parser takes for each bracket inside another.
constexpr size_t kBracketStackBytes = 8 << 10;
// U+FFFD, which replaces half a character: a mark may be cut within one.
constexpr std::string_view kHalf = "\xEF\xBF\xBD";
constexpr const char* kGemmaString = "gemma4-string-content";

// llama.cpp's mapper points into a call that it has dropped, once a call ended without a name
// (common/chat-peg-parser.cpp, is_tool_close). So it gets no nodes of tools after that until the
// next call begins.
class Mapper final : public common_chat_peg_mapper {
 public:
  using common_chat_peg_mapper::common_chat_peg_mapper;

  void map(const common_peg_ast_node& node) override {
    if (node.tag == Tag::TOOL_OPEN) is_dropped_ = has_name_ = false;
    if (node.tag == Tag::TOOL_NAME) has_name_ = true;
    const bool is_of_tool = node.tag.compare(0, 5, "tool-") == 0;
    if (is_of_tool && is_dropped_) return;
    common_chat_peg_mapper::map(node);
    if (node.tag == Tag::TOOL_CLOSE && !has_name_) is_dropped_ = true;
  }

 private:
  bool is_dropped_ = false, has_name_ = false;
};

std::unique_ptr<common_chat_peg_mapper> mapper_for(common_chat_format format,
                                                   common_chat_msg& message) {
  if (format == COMMON_CHAT_FORMAT_PEG_GEMMA4) {
    return std::make_unique<common_chat_peg_gemma4_mapper>(message);
  }
  if (format == COMMON_CHAT_FORMAT_PEG_MINIMAX_M3) {
    return std::make_unique<common_chat_peg_minimax_m3_mapper>(message);
  }
  return std::make_unique<Mapper>(message);
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// As the inside of a JSON string.
std::string escaped(std::string_view text) {
  const std::string quoted = common_json(std::string(text)).dump();
  return quoted.substr(1, quoted.size() - 2);
}

int32_t brackets_in(std::string_view text) {
  return int32_t(std::count_if(text.begin(), text.end(),
                               [](char byte) { return byte == '{' || byte == '['; }));
}

bool begins_with(const std::string& text, const std::string& beginning, size_t length) {
  return text.compare(0, length, beginning, 0, length) == 0;
}

}  // namespace

ChatParser::ChatParser(std::shared_ptr<const ChatFormat> format)
    : format_(std::move(format)), text_(format_->generation_prompt()) {
  check_beginning(text_);
  brackets_ = brackets_in(text_);
  // What the prompt's end has of the reply is not sent: reasoning that it opened, or the message
  // that the reply continues.
  Reading reading = read(text_);
  if (!reading.ok) return;
  const State state = reading.state;
  const size_t from = reading.state_from;
  reading.message.calls.clear();
  adopt(std::move(reading), text_.size());
  enter(state, from);
  sent_.content = known_.content.size();
  sent_.reasoning = known_.reasoning.size();
}

ChatParser::~ChatParser() = default;

void ChatParser::append(std::string_view text) {
  if (broken_ || is_over_ || has_enough_) return;
  text_.append(text);
  if (is_text_) {
    known_.content.append(text);
    known_.cover(Kind::text, known_.content.size());
    known_.content_end = text_.size();
    return;
  }
  brackets_ += brackets_in(text);
  broken_ = has_too_many_brackets();
  if (broken_) return;
  pass();
  if (state_ == State::unknown && may_read()) read_all();
}

bool ChatParser::is_in_call() const {
  switch (state_) {
    case State::string_argument:
    case State::json_arguments: return true;
    case State::unknown: return call_is_open_ && !is_text_;
    default: return false;
  }
}

bool ChatParser::has_too_many_brackets() const { return brackets_ > brackets_max(stack_bytes()); }

int32_t ChatParser::brackets_max(size_t stack_bytes) {
  return int32_t(stack_limit(stack_bytes, kBracketStackBytes, size_t(kBracketsMax)));
}

void ChatParser::check_beginning(std::string_view text) {
  const int32_t brackets = brackets_in(text);
  const int32_t most = brackets_max(stack_bytes());
  if (brackets <= most) return;
  throw FaultError(FaultCode::invalid_request,
                   "the message that the reply goes on with has " + std::to_string(brackets) +
                       " opening brackets; expected at most " + std::to_string(most) +
                       (most < kBracketsMax ? small_stack_hint() : ""));
}

void ChatParser::finish(bool was_cut) {
  if (broken_ || is_over_) return;
  is_over_ = true;
  if (is_text_) return;
  if (!has_enough_) read_last(was_cut);
  if (broken_ || known_.calls.empty()) return;
  JsonScan scan;
  for (char byte : known_.calls.back().arguments) scan.feed(byte);
  calls_tools_ = scan.closed();
}

void ChatParser::read_last(bool was_cut) {
  Reading reading = read(text_);
  const bool is_half = text_.size() >= kHalf.size() &&
                       text_.compare(text_.size() - kHalf.size(), kHalf.size(), kHalf) == 0;
  if (!reading.ok && was_cut && is_half) {
    const std::string shorter = text_.substr(0, text_.size() - kHalf.size());
    reading = read(shorter);
    if (reading.ok) text_ = shorter;
  }
  if (!reading.ok) return give_up_on_format();
  if (!was_cut) keep_begun_delimiter(reading);
  broken_ = !adopt(std::move(reading), text_.size());
}

ChatDelta ChatParser::take() {
  ChatDelta delta;
  if (broken_) return delta;
  delta.text_behind = text_.size() - known_.content_end;
  delta.content_is_last = known_.ends_in_content || unreadable_ > 0;
  for (size_t i = sent_.runs; i < known_.runs.size(); ++i) {
    const Run& run = known_.runs[i];
    if (run.kind == Kind::text) take_content(run, delta);
    if (run.kind == Kind::reasoning) take_reasoning(run, delta);
    if (run.kind == Kind::tool_calls) take_calls(run, delta);
  }
  while (sent_.runs + 1 < known_.runs.size() && was_sent(known_.runs[sent_.runs])) ++sent_.runs;
  return delta;
}

void ChatParser::take_content(const Run& run, ChatDelta& delta) {
  const size_t end = std::min(run.end, known_.content.size());
  if (end <= sent_.content) return;
  ChatDelta::Piece& piece = delta.pieces.emplace_back();
  piece.text = known_.content.substr(sent_.content, end - sent_.content);
  piece.is_apart = run.begin >= sent_.content;
  sent_.content = end;
}

void ChatParser::take_reasoning(const Run& run, ChatDelta& delta) {
  if (run.end <= sent_.reasoning || is_blank(known_.reasoning)) return;
  delta.pieces.emplace_back().reasoning =
      known_.reasoning.substr(sent_.reasoning, run.end - sent_.reasoning);
  sent_.reasoning = run.end;
}

void ChatParser::take_calls(const Run& run, ChatDelta& delta) {
  if (run.begin > started_) return;  // a call before them waits, and calls are sent in order
  const bool is_followed = &run != &known_.runs.back();
  ChatDelta::Piece piece;
  const size_t last_started = started_ > 0 ? started_ - 1 : 0;
  const size_t end = std::min(run.end, known_.calls.size());
  for (size_t i = std::max(run.begin, last_started); i < end; ++i) {
    Call& call = known_.calls[i];
    if (i < started_) {
      const std::string more = call.arguments.substr(sent_.arguments[i]);
      if (!more.empty()) piece.tool_calls.push_back({int32_t(i), "", "", more});
      sent_.arguments[i] = call.arguments.size();
      continue;
    }
    if (!may_start(i, is_followed)) break;
    if (call.id.empty()) call.id = new_call_id();
    piece.tool_calls.push_back({int32_t(i), call.id, call.name, call.arguments});
    sent_.arguments.push_back(call.arguments.size());
    ++started_;
  }
  if (!piece.tool_calls.empty()) delta.pieces.push_back(std::move(piece));
}

bool ChatParser::was_sent(const Run& run) const {
  if (run.kind == Kind::text) return sent_.content >= run.end;
  if (run.kind == Kind::reasoning) return sent_.reasoning >= run.end;
  return started_ >= run.end;
}

// Id and name are sent once, so they must be whole. An id may stand after the arguments.
bool ChatParser::may_start(size_t index, bool is_followed) const {
  const Call& call = known_.calls[index];
  if (call.name.empty()) return false;
  if (has_enough_ || index + 1 < known_.calls.size()) return true;
  const bool waits_for_id = format_->id_follows_name() && call.id.empty() && !is_over_;
  return name_is_whole_ && (is_followed || !waits_for_id);
}

bool ChatParser::may_read() const {
  const int64_t length = int64_t(text_.size());
  return bytes_read_ + length <= kReadsFree + kReadsPerByte * length;
}

// An exception of llama.cpp counts as a refusal: one reply's text must not end the engine.
ChatParser::Reading ChatParser::read(const std::string& text) {
  bytes_read_ += int64_t(text.size());
  try {
    return parse(text);
  } catch (const std::exception&) {
    return Reading();
  }
}

ChatParser::Reading ChatParser::parse(const std::string& text) const {
  common_peg_parse_context context(text, COMMON_PEG_PARSE_FLAG_LENIENT);
  const common_peg_parse_result result = format_->parser().parse(context);
  Reading reading;
  if (result.fail()) return reading;
  reading.ok = true;
  common_chat_msg message;
  mapper_for(format_->name(), message)->from_ast(context.ast, result);
  reading.message.content = std::move(message.content);
  for (common_chat_tool_call& call : message.tool_calls) {
    reading.message.calls.push_back(
        {std::move(call.id), std::move(call.name), std::move(call.arguments)});
  }
  context.ast.visit(result, [&](const auto& node) {
    note(node, text.size(), reading);
    note_run(node, reading.message);
  });
  // What the mapper found without a run comes last.
  Message& known = reading.message;
  known.cover(Kind::text, known.content.size());
  known.cover(Kind::tool_calls, known.calls.size());
  return reading;
}

size_t ChatParser::Message::covered(Kind kind) const {
  const auto last =
      std::find_if(runs.rbegin(), runs.rend(), [kind](const Run& run) { return run.kind == kind; });
  return last == runs.rend() ? 0 : last->end;
}

void ChatParser::Message::cover(Kind kind, size_t end, bool is_apart) {
  const bool goes_on = !runs.empty() && runs.back().kind == kind && !is_apart;
  if (goes_on) {
    runs.back().end = end;
    return;
  }
  const size_t begin = covered(kind);
  if (end > begin) runs.push_back({kind, begin, end});
}

// Pieces of content that touch are one. A call stands where its name does.
void ChatParser::note_run(const common_peg_ast_node& node, Message& message) {
  const size_t size = node.sanitized_text().size();
  if (node.tag == Tag::TOOL_NAME) {
    message.cover(Kind::tool_calls, message.covered(Kind::tool_calls) + 1);
  }
  if (node.tag == Tag::REASONING) message.cover(Kind::reasoning, message.reasoning.size());
  if (node.tag != Tag::CONTENT || size == 0) return;
  const bool is_apart = node.start != message.content_end;
  message.cover(Kind::text, message.covered(Kind::text) + size, is_apart);
  message.content_end = node.end;
}

void ChatParser::note(const common_peg_ast_node& node, size_t length, Reading& reading) const {
  using Form = ChatFormat::Kind;
  const bool is_content = node.tag == Tag::CONTENT;
  const bool is_reasoning = node.tag == Tag::REASONING;
  const bool is_call = node.tag == Tag::TOOL;
  // Not the mapper's text, which leaves out blank reasoning that may go on.
  if (is_reasoning) reading.message.reasoning += node.sanitized_text();
  if (node.tag == Tag::TOOL_NAME) reading.name_end = node.end;
  if (is_call) reading.last_call_is_open = node.is_partial;
  const bool is_whole_call = is_call && !node.is_partial;
  if ((is_content || is_reasoning || is_whole_call) && node.end >= reading.pieces_end) {
    reading.pieces_end = node.end;
    reading.message.ends_in_content = is_content;
  }
  // Only a piece that reaches the text's end and may go on. An empty one may become another kind.
  if (!node.is_partial || node.end != length || node.start == node.end) return;
  State state = State::unknown;
  if (is_content && format_->content() == Form::plain) state = State::content;
  if (is_content && format_->content() == Form::json) state = State::json_content;
  if (is_reasoning && format_->reasoning() == Form::plain) state = State::reasoning;
  if (node.tag == Tag::TOOL_ARG_STRING_VALUE && format_->string_argument() == Form::plain) {
    state = State::string_argument;
  }
  if (node.rule == kGemmaString) state = State::string_argument;
  if (node.tag == Tag::TOOL_ARGS && format_->arguments() == Form::json) {
    state = State::json_arguments;
  }
  if (state == State::unknown) return;
  reading.state = state;
  reading.state_from = node.start;
}

void ChatParser::read_all() {
  Reading reading = read(text_);
  if (!reading.ok) {
    // A piece that is not whole may be refused though it is right; the next text decides.
    if (unreadable_ == 0) unreadable_ = text_.size();
    if (text_.size() >= unreadable_ + kRefusalBytes) give_up_on_format();
    return;
  }
  unreadable_ = 0;
  readable_ = text_.size();
  const State state = reading.state;
  const size_t from = reading.state_from;
  if (adopt(std::move(reading), text_.size()) && !has_enough_) enter(state, from);
}

// The rest of the reply is not in its format: it becomes content, so that no text is lost. Only a
// call that was sent in part cannot be taken back.
void ChatParser::give_up_on_format() {
  size_t good = readable_, bad = text_.size();
  while (good + 1 < bad) {
    const size_t middle = good + (bad - good) / 2;
    (read(text_.substr(0, middle)).ok ? good : bad) = middle;
  }
  Reading reading = read(text_.substr(0, good));
  const bool has_calls = !reading.message.calls.empty();
  const bool call_is_open = has_calls && reading.last_call_is_open;
  const size_t pieces_end = std::max(reading.pieces_end, format_->generation_prompt().size());
  broken_ = call_is_open || !adopt(std::move(reading), good);
  if (broken_) return;
  known_.content.append(text_, has_calls ? good : pieces_end, std::string::npos);
  known_.cover(Kind::text, known_.content.size());
  known_.content_end = text_.size();
  known_.ends_in_content = true;
  state_ = State::unknown;
  is_text_ = true;
}

// Where the model ended the reply in the middle of a delimiter, that is text.
void ChatParser::keep_begun_delimiter(Reading& reading) const {
  const size_t end = reading.pieces_end;
  if (!reading.message.ends_in_content || !reading.message.calls.empty() || end >= text_.size())
    return;
  if (format_->delimiter_at(text_, end) != ChatFormat::Match::partial) return;
  reading.message.content.append(text_, end, std::string::npos);
  reading.message.cover(Kind::text, reading.message.content.size());
  reading.message.content_end = text_.size();
}

bool ChatParser::adopt(Reading&& reading, size_t length) {
  if (!extends_what_was_sent(reading.message)) return false;
  for (size_t i = 0; i < started_; ++i) {
    reading.message.calls[i].id = std::move(known_.calls[i].id);
  }
  known_ = std::move(reading.message);
  sent_.runs = 0;
  call_is_open_ = reading.last_call_is_open;
  name_is_whole_ = reading.name_end < length;
  // Not all of llama.cpp's grammars and parsers have this limit.
  has_enough_ = format_->takes_one_call() && known_.calls.size() > 1;
  if (has_enough_) known_.calls.resize(1);
  return true;
}

bool ChatParser::extends_what_was_sent(const Message& message) const {
  if (!begins_with(message.content, known_.content, sent_.content)) return false;
  if (!begins_with(message.reasoning, known_.reasoning, sent_.reasoning)) return false;
  if (message.calls.size() < started_) return false;
  for (size_t i = 0; i < started_; ++i) {
    if (message.calls[i].name != known_.calls[i].name) return false;
    const std::string& said = known_.calls[i].arguments;
    if (!begins_with(message.calls[i].arguments, said, sent_.arguments[i])) return false;
  }
  return true;
}

void ChatParser::enter(State state, size_t from) {
  state_ = state;
  scanned_ = passed_ = text_.size();
  const bool is_argument = state == State::string_argument || state == State::json_arguments;
  if (is_argument && known_.calls.empty()) state_ = State::unknown;
  if (state_ != State::json_arguments && state_ != State::json_content) return;
  json_ = JsonScan();
  for (size_t i = from; i < text_.size(); ++i) json_.feed(text_[i]);
  if (json_.closed()) state_ = State::unknown;
  if (state_ != State::json_arguments) return;
  // The parser leaves spaces at the end out.
  const std::string& arguments = known_.calls.back().arguments;
  const bool is_as_it_stands = text_.compare(from, arguments.size(), arguments) == 0;
  if (!is_as_it_stands) state_ = State::unknown;
  passed_ = from + arguments.size();
}

void ChatParser::pass() {
  switch (state_) {
    case State::unknown: return;
    case State::content:
    case State::reasoning:
    case State::string_argument: return pass_text();
    case State::json_content:
    case State::json_arguments: return pass_json();
  }
}

void ChatParser::pass_text() {
  auto match = ChatFormat::Match::none;
  while (scanned_ < text_.size()) {
    match = format_->delimiter_at(text_, scanned_);
    if (match != ChatFormat::Match::none) break;
    ++scanned_;
  }
  pass_on(scanned_);
  if (match == ChatFormat::Match::whole) state_ = State::unknown;
}

void ChatParser::pass_json() {
  size_t cut = passed_;
  while (scanned_ < text_.size() && !json_.closed()) {
    json_.feed(text_[scanned_++]);
    if (json_.may_be_cut()) cut = scanned_;
  }
  pass_on(cut);
  if (json_.closed()) state_ = State::unknown;
}

void ChatParser::pass_on(size_t end) {
  const std::string_view more = std::string_view(text_).substr(passed_, end - passed_);
  switch (state_) {
    case State::unknown: break;
    case State::reasoning:
      known_.reasoning.append(more);
      known_.cover(Kind::reasoning, known_.reasoning.size());
      break;
    case State::content:
    case State::json_content:
      known_.content.append(more);
      known_.cover(Kind::text, known_.content.size());
      known_.content_end = end;
      break;
    case State::string_argument: known_.calls.back().arguments.append(escaped(more)); break;
    case State::json_arguments: known_.calls.back().arguments.append(more); break;
  }
  passed_ = end;
}

}  // namespace sluice
