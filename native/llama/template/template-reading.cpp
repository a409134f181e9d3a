#include "llama/template/template-reading.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <vector>

#include "base/stack.h"
#include "jinja/lexer.h"
#include "jinja/parser.h"

namespace sluice {
namespace {

constexpr size_t kWordsMax = 500;  // of a template's own message, which may have a request in it

size_t line_at(const std::string& text, size_t position) {
  const auto end = text.begin() + std::ptrdiff_t(std::min(position, text.size()));
  return size_t(std::count(text.begin(), end, '\n')) + 1;
}

// Bytes of stack that llama.cpp's parser, and the destructors of its nodes, take for each: GCC's
// figures, about doubled.
constexpr size_t kBracketBytes = 4 << 10;  // 2.0 KiB
constexpr size_t kBlockBytes = 2 << 10;    // 0.9 KiB: {% if %} in another
constexpr size_t kUnaryBytes = 1 << 10;    // 0.2 KiB: `not not x`; an {% elif %} 0.4
constexpr size_t kTokenBytes = 128;        // 16 to 40: `a + b + c`, `a.b.c`, `a if b else c`
constexpr size_t kDeepestBytes = 8 << 20;  // on any machine: 2048 brackets

// An upper estimate of the stack that reading the template takes: each token counts as inside of
// all tokens before it, back to a comma, an opening bracket or the beginning of its statement.
class Nesting {
 public:
  size_t bytes() const { return blocks_bytes_ + outer_bytes_ + item_bytes_; }

  void add(const jinja::token& token) {
    const bool opens_statement = token.t == jinja::token::open_statement;
    if (opens_statement || token.t == jinja::token::open_expression) begin();
    add_to_item(token);
    if (is_named_next_) name_statement(token);
    is_named_next_ = opens_statement;
    if (token.t == jinja::token::close_statement) end_statement();
  }

 private:
  void begin() {
    items_.clear();
    outer_bytes_ = item_bytes_ = 0;
    is_set_ = false;
  }

  void add_to_item(const jinja::token& token) {
    switch (token.t) {
      case jinja::token::open_paren:
      case jinja::token::open_square_bracket:
      case jinja::token::open_curly_bracket:
        item_bytes_ += kBracketBytes;
        items_.push_back(item_bytes_);
        outer_bytes_ += item_bytes_;
        item_bytes_ = 0;
        return;
      case jinja::token::close_paren:
      case jinja::token::close_square_bracket:
      case jinja::token::close_curly_bracket:
        if (items_.empty()) return;  // the parser refuses it
        item_bytes_ = items_.back();
        outer_bytes_ -= item_bytes_;
        items_.pop_back();
        return;
      case jinja::token::comma: item_bytes_ = 0; return;
      case jinja::token::equals: is_set_ = is_set_ && !items_.empty(); break;
      default: break;
    }
    const bool is_unary = token.t == jinja::token::unary_operator || token.value == "not";
    item_bytes_ += is_unary ? kUnaryBytes : kTokenBytes;
  }

  void name_statement(const jinja::token& token) {
    const std::string& name = token.value;
    const auto is_one_of = [&](std::initializer_list<const char*> names) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    is_set_ = name == "set";  // a block where no value follows
    if (is_one_of({"if", "for", "macro", "call", "filter"})) open(kBlockBytes);
    if (name == "elif" && !blocks_.empty()) {
      blocks_.back() += kUnaryBytes;
      blocks_bytes_ += kUnaryBytes;
    }
    if (is_one_of({"endif", "endfor", "endmacro", "endcall", "endfilter", "endset"})) close();
  }

  void end_statement() {
    if (is_set_) open(kBlockBytes);
    is_set_ = false;
  }

  void open(size_t bytes) {
    blocks_.push_back(bytes);
    blocks_bytes_ += bytes;
  }

  void close() {
    if (blocks_.empty()) return;  // the parser refuses it
    blocks_bytes_ -= blocks_.back();
    blocks_.pop_back();
  }

  std::vector<size_t> blocks_;  // of each open one, with what its {% elif %} add

  std::vector<size_t> items_;  // of each open bracket, what stands before it in its item
  size_t blocks_bytes_ = 0, outer_bytes_ = 0, item_bytes_ = 0;
  bool is_named_next_ = false, is_set_ = false;
};

// The position of the first token that is too deep; nothing where none is.
std::optional<size_t> too_deep_at(const jinja::lexer_result& read, size_t most) {
  Nesting nesting;
  for (const jinja::token& token : read.tokens) {
    nesting.add(token);
    if (nesting.bytes() > most) return token.pos;
  }
  return std::nullopt;
}

// The reason alone, without the text in front of it and the lines behind it that show the place.
std::string reason_of(std::string said) {
  for (const char* front : {"lexer: ", "parser: ", "Parser Error: "}) {
    if (said.rfind(front, 0) == 0) said.erase(0, std::string(front).size());
  }
  return said.substr(0, said.find('\n'));
}

std::string at_line(const std::string& reason, size_t line) {
  return "line " + std::to_string(line) + ": " + reason;
}

std::string failure_of(jinja::lexer_result tokens) {
  try {
    jinja::parse_from_tokens(tokens);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

// At the template's end the parser reports a token of type 0, without a value.
bool is_at_end(const std::string& failure) {
  const auto has = [&](const char* words) { return failure.find(words) != std::string::npos; };
  return has("Unexpected EOF") || has("(Got )") || has("of type 0") || has("Unexpected token type");
}

// Not all exceptions of the parser say at which token it failed. It reads from the first token to
// the last, so it fails in the same way without the tokens behind that one: the shortest such
// beginning is searched for.
size_t failing_position(const jinja::lexer_result& whole, const std::string& failure) {
  size_t enough = whole.tokens.size(), too_few = 0;
  while (enough - too_few > 1) {
    const size_t half = (enough + too_few) / 2;
    jinja::lexer_result part = whole;
    part.tokens.resize(half);
    (failure_of(std::move(part)) == failure ? enough : too_few) = half;
  }
  return enough == 0 ? 0 : whole.tokens[enough - 1].pos;
}

// The lexer does not give the position but shows the text around it: up to 40 bytes on both sides
// between dots, and a caret below.
size_t shown_position(const std::string& text, const std::string& said) {
  const size_t shown = said.find("\n...");
  const size_t caret = said.rfind('^');
  const size_t below = said.rfind('\n');
  if (shown == std::string::npos || caret == std::string::npos || below <= shown + 7) return 0;
  std::string around = said.substr(shown + 4, below - shown - 7);
  const std::string new_line = "↵";
  for (size_t at = around.find(new_line); at != std::string::npos;
       at = around.find(new_line, at + 1)) {
    around.replace(at, new_line.size(), "\n");
  }
  const size_t found = text.find(around);
  if (found == std::string::npos) return 0;
  return found + (caret - below - 1) - 3;
}

}  // namespace

std::optional<std::string> why_unreadable(const std::string& text) {
  jinja::lexer_result tokens;
  try {
    jinja::lexer lexer;
    tokens = lexer.tokenize(text);
  } catch (const std::exception& error) {
    return at_line(reason_of(error.what()), line_at(text, shown_position(text, error.what())));
  }
  const size_t most = stack_limit(stack_bytes(), 1, kDeepestBytes);
  if (const std::optional<size_t> position = too_deep_at(tokens, most)) {
    return at_line(std::string("brackets, blocks or operators are nested too deeply") +
                       (most < kDeepestBytes ? small_stack_hint() : ""),
                   line_at(tokens.source, *position));
  }
  const std::string failure = failure_of(tokens);
  if (failure.empty()) return std::nullopt;
  if (is_at_end(failure)) {
    return at_line(reason_of(failure) + "; the template ends there, inside of something",
                   line_at(tokens.source, tokens.source.size()));
  }
  return at_line(reason_of(failure), line_at(tokens.source, failing_position(tokens, failure)));
}

// "\n---\nWhile executing X at line 5, column 10 in source:\n...\n   ^\nError: the reason"
std::string words_of_failed_run(const std::string& said) {
  const std::string at = " at line ", end = " in source:", error = "\nError: ";
  const size_t place = said.find(at), place_end = said.find(end), words = said.find(error);
  if (place == std::string::npos || place_end < place || words == std::string::npos) {
    return said.substr(0, kWordsMax);
  }
  const std::string where = said.substr(place + 4, place_end - place - 4);
  return said.substr(words + error.size(), kWordsMax) + " (" + where + " of the template)";
}

}  // namespace sluice
