#include "llama/tokens/rendering.h"

#include <string>

#include "chat.h"
#include "llama/tokens/own-marks.h"
#include "llama/tokens/prompt-text.h"
#include "test/check.h"

using sluice::PromptText;
using sluice::Rendering;

namespace {

// The prompt of a template for one message and one tool, with what was said in braces.
std::string shown(const std::string& text, const std::string& content, bool with_tool = false) {
  common_chat_templates_inputs inputs;
  common_chat_msg message;
  message.role = "user";
  message.content = content;
  inputs.messages.push_back(message);
  if (with_tool) inputs.tools.push_back({"sum", "Adds <x>", R"({"a<b>":["<c>",1,{"d":true}]})"});
  inputs.force_pure_content = true;
  const auto templates = common_chat_templates_init(nullptr, text);
  const Rendering rendering;
  const PromptText prompt =
      rendering.prompt(common_chat_templates_apply(templates.get(), inputs).prompt);
  std::string result;
  size_t begin = 0;
  for (const sluice::TextRange& range : prompt.content) {
    result += prompt.text.substr(begin, range.begin - begin) + "{";
    result += prompt.text.substr(range.begin, range.end - range.begin) + "}";
    begin = range.end;
  }
  return result + prompt.text.substr(begin);
}

const std::string kSetText = "{% set text = messages[0].content %}";

}  // namespace

TEST("rendering: what a message says is told from what the template writes") {
  if (!Rendering::tells_origins()) return;
  CHECK_EQ(shown("<|{{ messages[0].role }}|>{{ messages[0].content }}<|end|>", "Hi"),
           "<|user|>{Hi}<|end|>");
  CHECK_EQ(shown(kSetText + "{{ '<' + text + '>' }}", "Hi"), "<{Hi}>");
  CHECK_EQ(shown(kSetText + "{{ '<' ~ text ~ '>' }}{{ text ~ 1 }}", "Hi"), "<{Hi}>{Hi1}");
  CHECK_EQ(shown(kSetText + "{% set all %}<{{ text }}>{% endset %}{{ all }}", "Hi"), "<{Hi}>");
  CHECK_EQ(shown(kSetText + "{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(text) }}", "Hi"),
           "<{Hi}>");
  CHECK_EQ(shown(kSetText + "{% filter upper %}<a{{ text }}>{% endfilter %}", "Hi"), "<A{HI}>");
}

TEST("rendering: filters keep the origin of each byte") {
  if (!Rendering::tells_origins()) return;
  const std::string mixed = kSetText + "{% set mixed = '<b> ' + text + ' <e>' %}";
  CHECK_EQ(shown(mixed + "{{ mixed | trim }}{{ mixed | upper }}", "Hi"),
           "<b> {Hi} <e><B> {HI} <E>");
  CHECK_EQ(shown(mixed + "{{ mixed | capitalize }}{{ mixed | title }}", "hI"),
           "<b> {hi} <e><b> {Hi} <e>");
  CHECK_EQ(shown(mixed + "{{ mixed | replace('i', '[i]') }}", "Hi"), "<b> {H}[i] <e>");
  CHECK_EQ(shown(mixed + "{{ mixed | replace('<', text) }}", "Hi"), "{Hi}b> {Hi} {Hi}e>");
  CHECK_EQ(shown(mixed + "{{ mixed.split('H')[0] }}|{{ mixed.split('H')[1] }}", "aHi"),
           "<b> {a}|{i} <e>");
  CHECK_EQ(shown(mixed + "{{ mixed.rsplit(' ', 1)[0] }}|{{ mixed.rsplit(' ', 1)[1] }}", "Hi"),
           "<b> {Hi}|<e>");
  CHECK_EQ(shown(mixed + "{{ mixed[1:5] }}{{ mixed[4] }}{{ mixed[0] }}", "Hi"), "b> {HH}<");
  CHECK_EQ(shown(mixed + "{{ mixed[::-1] }}", "Hi"), ">e< {iH} >b<");
  CHECK_EQ(shown(mixed + "{{ [mixed, 'z', text] | join('/') }}", "Hi"), "<b> {Hi} <e>/z/{Hi}");
  CHECK_EQ(shown(mixed + "{{ mixed | indent(2) }}", "H\ni"), "<b> {H}\n  {i} <e>");
  CHECK_EQ(shown(mixed + "{{ '<{}>{}'.format(text, 1) }}", "Hi"), "<{Hi}>{1}");
  CHECK_EQ(shown(mixed + "{{ mixed | string }}{{ text * 2 }}", "Hi"), "<b> {Hi} <e>{HiHi}");
  CHECK_EQ(shown(mixed + "{{ [mixed] }}", "Hi"), "<b> {Hi} <e>");
  CHECK_EQ(shown(mixed + "{{ '' ~ [mixed, 1] ~ {'k': text} }}", "Hi"),
           "['<b> {Hi} <e>', 1]{'k': '{Hi}'}");
}

TEST("rendering: JSON, with the names of properties") {
  if (!Rendering::tells_origins()) return;
  CHECK_EQ(shown(kSetText + "{{ {'<k>': text, 'n': [1, none]} | tojson }}", "a\"<b>"),
           R"({"<k>": "{a\"<b>}", "n": [1, null]})");
  CHECK_EQ(shown("{{ tools[0].function | tojson }}", "", true),
           R"({"{name}": "{sum}", "{description}": "{Adds <x>}", "{parameters}": )"
           R"({"{a<b>}": ["{<c>}", 1, {"{d}": true}]}})");
  CHECK_EQ(shown("{{ tools[0].function.parameters | tojson(indent=1, separators=(';', '=')) }}", "",
                 true),
           "{\n \"{a<b>}\"=[\n  \"{<c>}\";\n  1;\n  {\n   \"{d}\"=true\n  }\n ]\n}");
  CHECK_EQ(shown(kSetText + "{{ ('<' ~ text) | tojson(ensure_ascii=true) }}", "\u00E9<\n"),
           "\"<{\\u00e9<\\n}\"");
  CHECK_EQ(shown("{% for k, v in tools[0].function.parameters | items %}<{{ k }}>{% endfor %}", "",
                 true),
           "<{a<b>}>");
}

TEST("rendering: what llama.cpp wrote behind a template's end is nobody's") {
  if (!Rendering::tells_origins()) return;
  const auto templates = common_chat_templates_init(nullptr, "{{ messages[0].content }}");
  common_chat_templates_inputs inputs;
  inputs.messages.emplace_back();
  inputs.messages.back().role = "user";
  inputs.messages.back().content = "Hi";
  const Rendering rendering;
  const PromptText prompt =
      rendering.prompt(common_chat_templates_apply(templates.get(), inputs).prompt + "<end>");
  CHECK(prompt.has_content_in(0, 1));
  CHECK(prompt.has_content_in(1, 5));
  CHECK(!prompt.has_content_in(2, 7));
}

TEST("rendering: marks of our own are no part of what was said") {
  PromptText given;
  given.append("<user>", false);
  given.append("a " + sluice::call_begins() + "[b]" + sluice::call_ends() + " c", true);
  given.append("<end>", false);
  given.append("d", true);
  const PromptText made = sluice::with_own_marks(given);
  std::string result;
  size_t at = 0;
  for (const auto& range : made.content) {
    result += made.text.substr(at, range.begin - at) + "{" +
              made.text.substr(range.begin, range.end - range.begin) + "}";
    at = range.end;
  }
  CHECK_EQ(result + made.text.substr(at),
           "<user>{a }<|tool_call_start|>{[b]}<|tool_call_end|>{ c}<end>{d}");
}
