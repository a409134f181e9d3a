#include "llama/chat/chat-grammar.h"

#include <filesystem>
#include <string>
#include <vector>

#include "chat-peg-parser.h"
#include "chat-samples.h"
#include "grammar/grammar-matcher.h"
#include "grammar/grammar.h"
#include "llama/chat/call-sites.h"
#include "llama/chat/tools-fallback.h"
#include "test/check.h"

using sluice::CallSites;
using sluice::ChatFormat;
using sluice::ChatGrammar;
using sluice::ChatTool;
using sluice::Grammar;
using sluice::GrammarMatcher;

namespace {

common_chat_templates_inputs inputs_of(std::vector<common_chat_tool> tools) {
  common_chat_templates_inputs inputs;
  common_chat_msg message;
  message.role = "user";
  message.content = "What now?";
  inputs.messages = {message};
  inputs.tools = std::move(tools);
  inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
  inputs.enable_thinking = false;
  return inputs;
}

std::vector<ChatTool> two_tools() {
  const std::string string = R"({"type":"string"})", number = R"({"type":"integer"})";
  ChatTool tagged{"a_b", "", "", "one ::= \"1\"\ntwo ::= \"x\" | \"<\"", "", {}};
  tagged.properties = {{"n_n", true, number, "one", ""},
                       {"n-n", false, number, "one", ""},
                       {"text", false, string, "", "two"}};
  return {tagged, {"a-b", "", "", "", "", {}}};
}

ChatFormat format_of(const std::string& file, const std::vector<ChatTool>& tools, bool parallel,
                     bool thinks = false) {
  const auto templates = common_chat_templates_init(nullptr, samples::read_template(file));
  auto inputs = inputs_of(CallSites::stand_ins(tools));
  inputs.tool_choice = COMMON_CHAT_TOOL_CHOICE_REQUIRED;
  inputs.parallel_tool_calls = parallel;
  inputs.enable_thinking = thinks;
  return ChatFormat(common_chat_templates_apply(templates.get(), inputs), !parallel, tools);
}

std::string calls_of(const std::string& file, const std::vector<ChatTool>& tools, bool parallel) {
  const ChatFormat format = format_of(file, tools, parallel);
  return ChatGrammar(format, tools).of_calls();
}

bool allows(const std::string& grammar, const std::string& text) {
  GrammarMatcher matcher(Grammar::compile(grammar, sluice::kMadeGrammar));
  for (const char byte : text) {
    matcher.begin_row();
    if (!matcher.accept(std::string(1, byte))) return false;
  }
  return matcher.can_end();
}

std::string qwen(const std::string& name, const std::string& arguments) {
  return "<tool_call>\n<function=" + name + ">\n" + arguments + "</function>\n</tool_call>";
}

std::string argument(const std::string& name, const std::string& value) {
  return "<parameter=" + name + ">\n" + value + "\n</parameter>\n";
}

}  // namespace

TEST("chat grammar: an argument stands once at most, in the schema's order, by its own rule") {
  const std::string grammar = calls_of("Qwen3-Coder.jinja", two_tools(), false);
  const std::string first = argument("n_n", "1"), second = argument("n-n", "1");
  CHECK(allows(grammar, qwen("a_b", first)));
  CHECK(allows(grammar, qwen("a_b", first + second + argument("text", "<"))));
  CHECK(allows(grammar, qwen("a-b", "")));
  CHECK(!allows(grammar, qwen("a_b", "")));
  CHECK(!allows(grammar, qwen("a-b", first)));
  CHECK(!allows(grammar, qwen("a_b", argument("n_n", "2"))));
  CHECK(!allows(grammar, qwen("a_b", first + argument("text", "y"))));
  CHECK(!allows(grammar, qwen("a_b", first + second + second)));
  CHECK(!allows(grammar, qwen("a_b", first + argument("text", "x") + second)));
  CHECK(!allows(grammar, qwen("a-b", "") + "\n" + qwen("a-b", "")));
}

TEST("chat grammar: names like stand-ins, or with control characters, are written as they are") {
  const std::string number = R"({"type":"integer"})", control("a\0b\x01", 4);
  ChatTool first{"sluice_property_000000", "", "", "one ::= \"1\"", "", {}};
  first.properties = {{"sluice_tool_000001", true, number, "one", ""},
                      {control, true, number, "one", ""}};
  const std::vector<ChatTool> tools = {first, {"other", "", "", "", "", {}}};
  const std::string grammar = calls_of("Qwen3-Coder.jinja", tools, false);
  const std::string both = argument("sluice_tool_000001", "1") + argument(control, "1");
  CHECK(allows(grammar, qwen("sluice_property_000000", both)));
  CHECK(!allows(grammar, qwen("sluice_tool_000001", both)));
  CHECK(allows(grammar, qwen("other", "")));
}

TEST("chat grammar: words of a template that only look like a stand-in stay") {
  const std::vector<ChatTool> tools = {{"walk", "", "", "", "", {}}};
  for (const std::string word : {"sluice_tool_999999", "sluice_property_000000", "sluice_tool_x"}) {
    CHECK(CallSites::with_names(word + " sluice_tool_000000", tools) == word + " walk");
    common_chat_params params;
    params.parser = build_chat_peg_parser([&](common_chat_peg_builder& p) {
                      return p.literal(word) + p.tool_name(p.literal("sluice_tool_000000"));
                    }).save();
    const ChatFormat format(params, true, tools);
    CHECK(allows(ChatGrammar(format, tools).of_replies(false), word + "walk"));
  }
}

TEST("chat grammar: each of several calls has its own arguments") {
  std::vector<ChatTool> tools = two_tools();
  tools.pop_back();
  const std::string grammar = calls_of("Qwen3-Coder.jinja", tools, true);
  const std::string call = qwen("a_b", argument("n_n", "1"));
  CHECK(allows(grammar, call + "\n" + call + "\n" + call));
  CHECK(!allows(grammar, call + "\n" + qwen("a_b", "")));
}

TEST("chat grammar: no space comes between what llama.cpp's parser looks for together") {
  const std::string grammar = calls_of("GLM-4.6.jinja", two_tools(), false);
  const std::string begin = "<tool_call>a_b\n<arg_key>n_n</arg_key>\n<arg_value>1</arg_value>\n";
  CHECK(allows(grammar, begin + "</tool_call>"));
  CHECK(!allows(grammar, begin + " </tool_call>"));
}

TEST("chat grammar: a reply that must call says nothing between thoughts and calls") {
  const std::vector<ChatTool> tools = {{"walk", "", "", "", "", {}}};
  const ChatFormat format = format_of("Qwen-Qwen3-0.6B.jinja", tools, false, true);
  const std::string call = "<tool_call>\n{\"name\": \"walk\", \"arguments\": {}}\n</tool_call>";
  const std::string thoughts = format.generation_prompt() + "<think>\nHm.\n</think>\n\n";
  const std::string free = ChatGrammar(format, tools).of_replies(false);
  CHECK(allows(free, thoughts + call));
  CHECK(allows(free, thoughts + "I will. " + call));
  const std::string forced = ChatGrammar(format, tools).of_replies(true);
  CHECK(allows(forced, thoughts + call));
  CHECK(!allows(forced, thoughts + "I will. " + call));
}

TEST("chat grammar: a prompt is the same whether tools may be called, by every template") {
  const std::string schema = R"({"type": "object", "properties": {"city": {"type": "string",
      "description": "Where"}}, "required": ["city"]})";
  size_t templates_read = 0;
  const std::string folder = SLUICE_LLAMA_CPP_DIR "/models/templates";
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".jinja") continue;
    const auto templates = common_chat_templates_init(
        nullptr, samples::read_template(file.path().filename().string()));
    auto inputs = inputs_of({{"get_weather", "Tells the weather", schema}});
    const auto apply = [&](common_chat_tool_choice choice) {
      inputs.tool_choice = choice;
      try {
        const auto params = common_chat_templates_apply(templates.get(), inputs);
        return params.prompt + "\n" + params.generation_prompt;
      } catch (const std::exception&) {
        return std::string("refused");
      }
    };
    const std::string without = apply(COMMON_CHAT_TOOL_CHOICE_NONE);
    CHECK_EQ(apply(COMMON_CHAT_TOOL_CHOICE_AUTO), without);
    CHECK_EQ(apply(COMMON_CHAT_TOOL_CHOICE_REQUIRED), without);
    templates_read += without != "refused";
  }
  CHECK(templates_read > 60);
}

namespace {

ChatFormat fallback_format(bool parallel, sluice::ToolChoice choice) {
  sluice::ChatPrompt chat;
  chat.tools = two_tools();
  chat.tools[0].root = "one";
  chat.tools[0].properties.clear();
  chat.tool_choice = choice;
  chat.parallel_tool_calls = parallel;
  common_chat_params params;
  params.generation_prompt = "<|assistant|>";
  return ChatFormat(sluice::with_fallback_calls(params, chat), !parallel, chat.tools);
}

std::string fallback_calls(bool parallel) {
  const ChatFormat format = fallback_format(parallel, sluice::ToolChoice::automatic);
  std::vector<ChatTool> tools = two_tools();
  tools[0].root = "one";
  tools[0].properties.clear();
  return ChatGrammar(format, tools).of_calls();
}

std::string fallback(const std::string& name, const std::string& arguments) {
  return "<tool_call>\n{\"name\": \"" + name + "\", \"arguments\": " + arguments +
         "}\n</tool_call>";
}

}  // namespace

TEST("chat grammar: calls of a template that knows no tools are JSON by the tools' rules") {
  CHECK(fallback_format(true, sluice::ToolChoice::required).calls() == sluice::CallFormat::json);
  const std::string several = fallback_calls(true), alone = fallback_calls(false);
  for (const std::string& grammar : {several, alone}) {
    CHECK(allows(grammar, fallback("a_b", "1")));
    CHECK(!allows(grammar, fallback("a_b", "2")));
    CHECK(!allows(grammar, fallback("a_c", "1")));
    CHECK(allows(grammar, fallback("a-b", "{\"x\": [1]}")));
    CHECK(!allows(grammar, fallback("a_b", "1") + " and"));
    CHECK(!allows(grammar, ""));
  }
  const std::string two = fallback("a_b", "1") + "\n" + fallback("a-b", "{}");
  CHECK(allows(several, two));
  CHECK(!allows(alone, two));
}
