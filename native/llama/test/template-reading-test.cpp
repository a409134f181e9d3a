#include "llama/template-reading.h"

#include <filesystem>

#include "chat-samples.h"
#include "test/check.h"

using sluice::why_unreadable;
using sluice::words_of_failed_run;

namespace {

std::string why(const std::string& text) { return why_unreadable(text).value_or("readable"); }

}  // namespace

TEST("template reading: the line and llama.cpp's reason are told") {
  const struct {
    const char* text;
    const char* line;
    const char* reason;
  } all[] = {
      {"{% for m in messages %}\n{{ m.content }}\n{% endif %}",
       "line 3: ", "Unknown statement: endif"},
      {"a\nb\n{{ x | }}\nc", "line 3: ", "Unexpected token: }}"},
      {"{{ 'a' }}\n{% if x %}\nb\n", "line 3: ", "the template ends there"},
      {"a\n{{ x", "line 2: ", "the template ends there"},
      {"a\n\n{# never closed", "line 3: ", "missing end of comment tag"},
      {"a\n{{ 'b' }}\n\n\n{{ x ; y }}\n", "line 5: ", "unexpected character: ;"},
      {"{% frobnicate %}", "line 1: ", "Unknown statement: frobnicate"},
      {"a\n{% for x of y %}{% endfor %}", "line 2: ", "Expected 'in'"},
      {"a\r\nb\r\n{{ x | }}", "line 3: ", "Unexpected token"},
  };
  for (const auto& expected : all) {
    const std::string said = why(expected.text);
    CHECK_EQ(said.substr(0, 8), expected.line);
    if (said.find(expected.reason) == std::string::npos) CHECK_EQ(said, expected.reason);
    CHECK(said.find('\n') == std::string::npos);
  }
}

TEST("template reading: an early fault is told among hundreds of lines that are right") {
  std::string text;
  for (int32_t i = 0; i < 300; ++i) text += "{% if a %}{{ 'x' ~ y }}{% endif %}\n";
  CHECK_EQ(why(text), "readable");
  CHECK_EQ(why(text + "{{ ) }}\n" + text).substr(0, 10), "line 301: ");
}

TEST("template reading: real templates are readable") {
  const std::string folder = std::string(SLUICE_LLAMA_CPP_DIR) + "/models/templates";
  int32_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".jinja") continue;
    CHECK_EQ(why(samples::read_template(entry.path().filename().string())), "readable");
    ++count;
  }
  CHECK(count > 50);
}

TEST("template reading: a failed run is one line, with the reason before the place") {
  CHECK_EQ(
      words_of_failed_run("\n------------\nWhile executing CallExpression at line 5, column 10 "
                          "in source:\n...{{ raise_exception('no') }}...\n   ^\nError: Jinja "
                          "Exception: no"),
      "Jinja Exception: no (line 5, column 10 of the template)");
  CHECK_EQ(words_of_failed_run("something else"), "something else");
}
