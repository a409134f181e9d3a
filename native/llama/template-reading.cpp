#include "llama/template-reading.h"

#include <algorithm>
#include <cstddef>
#include <exception>

#include "jinja/lexer.h"
#include "jinja/parser.h"

namespace sluice {
namespace {

constexpr size_t kWordsMax = 500;  // of a template's own message, which may hold a whole request

size_t line_at(const std::string& text, size_t position) {
  const auto end = text.begin() + std::ptrdiff_t(std::min(position, text.size()));
  return size_t(std::count(text.begin(), end, '\n')) + 1;
}

// Without what stands in front of the reason, and the lines behind it that show the place.
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

// What comes then is called a token of type 0, without a value.
bool is_at_end(const std::string& failure) {
  const auto has = [&](const char* words) { return failure.find(words) != std::string::npos; };
  return has("Unexpected EOF") || has("(Got )") || has("of type 0") || has("Unexpected token type");
}

// The parser reads from the first token to the last, so it fails alike with all that is behind the
// token that it fails at left out. Not all of its exceptions say where that is.
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

// The lexer shows what stands around the place instead of saying where it is: up to 40 bytes on
// both sides between dots, and a caret below.
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
