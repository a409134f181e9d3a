#include "llama/template/template-reading.h"

#include <filesystem>
#include <functional>

#include "chat-samples.h"
#include "on-stack.h"
#include "test/check.h"

using samples::kHasSmallStacks;
using samples::on_stack_of;
using sluice::why_unreadable;
using sluice::words_of_failed_run;

namespace {

std::string why(const std::string& text) { return why_unreadable(text).value_or("readable"); }

std::string times(int32_t count, const std::string& text) {
  std::string all;
  for (int32_t i = 0; i < count; ++i) all += text;
  return all;
}

struct Nest {
  const char* name;
  const char *before, *open, *inside, *close, *after;
  int32_t least;  // that are readable with a stack of 256 KiB

  std::string text(int32_t depth) const {
    return before + times(depth, open) + inside + times(depth, close) + after;
  }
};

// Each way to put one thing of a template into another.
constexpr Nest kNests[] = {
    {"parentheses", "{{ ", "(", "1", ")", " }}", 40},
    {"arrays", "{{ ", "[", "1", "]", " }}", 40},
    {"objects", "{{ ", "{'a': ", "1", "}", " }}", 40},
    {"arguments", "{{ ", "f(1, ", "1", ")", " }}", 40},
    {"subscripts", "{{ ", "a[", "1", "]", " }}", 40},
    {"filters' arguments", "{{ ", "1 | default(", "1", ")", " }}", 40},
    {"calls of calls", "{{ a", "()", "", "", " }}", 40},
    {"not", "{{ ", "not ", "x", "", " }}", 150},
    {"sums", "{{ 1", " + 1", "", "", " }}", 500},
    {"members", "{{ a", ".b", "", "", " }}", 500},
    {"filters", "{{ a", " | trim", "", "", " }}", 500},
    {"tests", "{{ a", " is string", "", "", " }}", 500},
    {"ternaries", "{{ 1", " if x else 1", "", "", " }}", 300},
    {"if", "", "{% if x %}", "", "{% endif %}", "", 80},
    {"elif", "{% if x %}", "{% elif x %}", "", "", "{% endif %}", 150},
    {"for", "", "{% for x in y %}", "", "{% endfor %}", "", 80},
    {"macro", "", "{% macro f() %}", "", "{% endmacro %}", "", 80},
    {"call", "", "{% call f() %}", "", "{% endcall %}", "", 40},
    {"filter", "", "{% filter trim %}", "", "{% endfilter %}", "", 80},
    {"set", "", "{% set x %}", "", "{% endset %}", "", 80},
};

// How many are readable and how many are not, a twentieth apart: found by halves.
struct Depths {
  int32_t readable, unreadable;
};

Depths deepest(const Nest& nest, int32_t most) {
  Depths depths{1, most};
  while (depths.readable + 1 + depths.readable / 20 < depths.unreadable) {
    const int32_t middle = depths.readable + (depths.unreadable - depths.readable) / 2;
    const bool is_readable = why(nest.text(middle)) == "readable";
    (is_readable ? depths.readable : depths.unreadable) = middle;
  }
  return depths;
}

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

TEST("template reading: templates are read as deep as the stack carries, and no deeper") {
  for (const size_t kib : {size_t(256), size_t(1024), size_t(64) << 10}) {
    if (kib <= 1024 && !kHasSmallStacks) continue;
    on_stack_of(kib << 10, [&] {
      for (const Nest& nest : kNests) {
        const auto [readable, unreadable] = deepest(nest, 40000);
        const int32_t least = nest.least * int32_t(kib < 1024 ? 1 : kib == 1024 ? 4 : 20);
        if (readable < least) CHECK_EQ(nest.name, std::to_string(readable));
        const std::string said = why("a\n" + nest.text(unreadable));
        if (said.find("nested too deeply") == std::string::npos) CHECK_EQ(nest.name, said);
        CHECK_EQ(said.substr(0, 8), "line 2: ");
        CHECK_EQ(said.find("ulimit -v") == std::string::npos, kib > 16384);
      }
    });
  }
}

TEST("template reading: blocks beside each other do not count as nested") {
  const std::string items = times(20000, "(a), [1], {'b': c()}, ");
  CHECK_EQ(why("{% set x = [" + items + "1] %}"), "readable");
  CHECK_EQ(why(times(20000, "{% set x %}a{% endset %}{% set y = 1 %}")), "readable");
  CHECK_EQ(why(times(20000, "{% if a %}b{% elif c %}d{% else %}e{% endif %}")), "readable");
}

TEST("template reading: real templates are readable on a small stack as well") {
  on_stack_of(256 << 10, [] {
    for (const char* file : {"openai-gpt-oss-120b.jinja", "google-gemma-4-31B-it.jinja",
                             "deepseek-ai-DeepSeek-V4.jinja", "Kimi-K3.jinja"}) {
      CHECK_EQ(why(samples::read_template(file)), "readable");
    }
  });
}
