#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "chat-samples.h"
#include "grammar/grammar-matcher.h"
#include "grammar/grammar.h"
#include "llama/chat/call-sites.h"
#include "llama/chat/chat-grammar.h"
#include "llama/chat/chat-parser.h"
#include "test/check.h"

// llama.cpp learns each format of calls from examples of its own, with every template.

using sluice::CallSites;
using sluice::ChatFormat;
using sluice::ChatGrammar;
using sluice::ChatParser;
using sluice::ChatTool;
using sluice::Grammar;
using sluice::GrammarMatcher;

namespace {

const std::vector<ChatTool>& tools() {
  static const std::vector<ChatTool> two = {{"read", "", "", "", "", {}},
                                            {"list", "", "", "", "", {}}};
  return two;
}

common_chat_tool_call call(const std::string& name, const std::string& id) {
  common_chat_tool_call one;
  one.name = name;
  one.id = id;
  one.arguments = "{}";
  return one;
}

const std::vector<common_chat_tool_call>& calls() {
  static const std::vector<common_chat_tool_call> two = {call("read", "a1b2c3d4e"),
                                                         call("list", "Z9y8X7w6V")};
  return two;
}

common_chat_params apply(const std::string& source, const std::string& eos, bool has_calls) {
  const auto templates = common_chat_templates_init(nullptr, source, "<s>", eos);
  common_chat_templates_inputs inputs;
  common_chat_msg user, assistant;
  user.role = "user";
  user.content = "What now?";
  assistant.role = "assistant";
  assistant.tool_calls = calls();
  inputs.messages = {user};
  if (has_calls) inputs.messages.push_back(assistant);
  inputs.add_generation_prompt = !has_calls;
  inputs.tools = CallSites::stand_ins(tools());
  inputs.tool_choice = COMMON_CHAT_TOOL_CHOICE_REQUIRED;
  inputs.parallel_tool_calls = true;
  inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
  return common_chat_templates_apply(templates.get(), inputs);
}

std::vector<std::string> files() {
  std::vector<std::string> found;
  for (const auto& file :
       std::filesystem::directory_iterator(SLUICE_LLAMA_CPP_DIR "/models/templates")) {
    if (file.path().extension() == ".jinja") found.push_back(file.path().filename().string());
  }
  return found;
}

bool allows(const std::string& grammar, const std::string& text) {
  GrammarMatcher matcher(Grammar::compile(grammar, sluice::kMadeGrammar));
  for (const char byte : text) {
    matcher.begin_row();
    if (!matcher.accept(std::string(1, byte))) return false;
  }
  return matcher.can_end();
}

void cut_end(std::string& text, const std::string& end) {
  if (text.size() < end.size()) return;
  const size_t begin = text.size() - end.size();
  if (text.compare(begin, std::string::npos, end) == 0) text.resize(begin);
}

// What a template writes of calls, without what ends the message or begins the next one.
std::string written_calls(const std::string& source, const std::string& eos) {
  const common_chat_params before = apply(source, eos, false);
  const std::string with_calls = apply(source, eos, true).prompt;
  CHECK_EQ(with_calls.substr(0, before.prompt.size()), before.prompt);
  std::string text = with_calls.substr(before.prompt.size());
  cut_end(text, "<|begin|>assistant");  // Solar Open's, whether it is asked for or not
  cut_end(text, eos);
  return text;
}

void check_read(const std::string& file, const ChatFormat& format, const std::string& text,
                bool with_ids) {
  const std::string reply = format.generation_prompt() + text;
  for (const bool must_call : {false, true}) {
    const std::string grammar = ChatGrammar(format, tools()).of_replies(must_call);
    CHECK_EQ(file + (allows(grammar, reply) ? " allows " : " forbids ") + text,
             file + " allows " + text);
  }
  ChatParser parser(std::make_shared<const ChatFormat>(format));
  parser.append(text);
  parser.finish(false);
  const auto delta = parser.take();
  std::vector<sluice::ToolCallDelta> said;
  for (const auto& piece : delta.pieces) {
    CHECK_EQ(piece.text, "");
    said.insert(said.end(), piece.tool_calls.begin(), piece.tool_calls.end());
  }
  CHECK_EQ(said.size(), calls().size());
  for (size_t i = 0; i < said.size(); ++i) {
    CHECK_EQ(said[i].name, calls()[i].name);
    CHECK_EQ(said[i].arguments, calls()[i].arguments);
    if (with_ids) CHECK_EQ(said[i].id, calls()[i].id);
  }
}

}  // namespace

TEST("call ids: no example of llama.cpp's is a part of a format, by any template") {
  size_t tried = 0;
  for (const std::string& file : files()) {
    for (const std::string eos : {"", "</s>"}) {
      common_chat_params params;
      try {
        params = apply(samples::read_template(file), eos, false);
      } catch (const std::exception&) {
        continue;  // it takes no such conversation
      }
      ++tried;
      for (const char* word :
           {"call0000", "call9999", "FFF_FIRST", "SSS_SECOND", "AA_ARG", "XXXX"}) {
        CHECK_EQ(
            file + (params.parser.find(word) == std::string::npos ? " lacks " : " has ") + word,
            file + " lacks " + word);
      }
    }
  }
  CHECK(tried > 120);
}

TEST("call ids: all that a template writes of calls with ids may be said, and is read") {
  std::vector<std::string> with_ids;
  for (const std::string& file : files()) {
    const std::string source = samples::read_template(file);
    for (const std::string eos : {"", "</s>", "<|im_end|>", "EOS"}) {
      std::string text;
      try {
        if (apply(source, eos, true).prompt.find(calls()[1].id) == std::string::npos) continue;
        text = written_calls(source, eos);
      } catch (const std::exception&) {
        continue;
      }
      if (eos.empty()) with_ids.push_back(file);
      const ChatFormat format(apply(source, eos, false), false, tools());
      check_read(file, format, text, true);
    }
  }
  CHECK_EQ(with_ids.size(), size_t(3));  // Mistral's two and Solar Open's
}

TEST("call ids: an id that a call has may be left out, with what stands beside it") {
  const std::string cohere = R"(<|START_ACTION|>[{"tool_name": "read", "parameters": {}}, )"
                             R"({"tool_name": "list", "parameters": {}}]<|END_ACTION|>)";
  const std::vector<std::pair<std::string, std::string>> without = {
      {"Mistral-Small-3.2-24B-Instruct-2506.jinja",
       "[TOOL_CALLS]read[ARGS]{}[TOOL_CALLS]list[ARGS]{}"},
      {"mistralai-Mistral-Nemo-Instruct-2407.jinja",
       R"([TOOL_CALLS][{"name": "read", "arguments": {}}, {"name": "list", "arguments": {}}])"},
      {"CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja", cohere},
      {"Cohere2MoE.jinja", "<|START_THINKING|>Hm.<|END_THINKING|>" + cohere}};
  for (const auto& [file, text] : without) {
    for (const std::string eos : {"", "</s>"}) {
      const std::string source = samples::read_template(file);
      check_read(file, ChatFormat(apply(source, eos, false), false, tools()), text, false);
    }
  }
}

TEST("call ids: marks around an id are told apart where no template of llama.cpp's has them") {
  const std::string name = "{{ c.function.name }}", id = "{{ c.id }}";
  const std::string args = "{{ c.function.arguments | tojson }}</call>";
  for (const std::string& call : {
           "<call>" + name + "<id>" + id + "</id>" + args,
           "<call>" + name + "<id>" + id + "</id><args>" + args,
           "<call>" + name + "<id>" + id + "<args>" + args,
           "<call>" + id + "<name>" + name + "<args>" + args,
       }) {
    const std::string source =
        "{% for m in messages %}{% if m.tool_calls %}<calls>{% for c in m.tool_calls %}" + call +
        "{% endfor %}</calls>{% else %}<|{{ m.role }}|>{{ m.content }}{% endif %}{% endfor %}"
        "{% if tools %}{% endif %}";
    const std::string text = written_calls(source, "</s>");
    check_read(call, ChatFormat(apply(source, "</s>", false), false, tools()), text, true);
  }
}

TEST("call ids: a call begins to leave once its name is read, where an id can no longer follow") {
  const auto begins = [](const std::string& file, const std::string& text) {
    const std::string source = samples::read_template(file);
    ChatParser parser(
        std::make_shared<const ChatFormat>(apply(source, "</s>", false), false, tools()));
    parser.append(text);
    const auto delta = parser.take();
    return delta.pieces.empty() ? size_t(0) : delta.pieces[0].tool_calls.size();
  };
  const std::string small = "Mistral-Small-3.2-24B-Instruct-2506.jinja";
  CHECK_EQ(begins(small, "[TOOL_CALLS]read[ARGS]{\"a"), size_t(1));
  CHECK_EQ(begins(small, "[TOOL_CALLS]read[CALL_ID]a1b2c3d4e"), size_t(0));
  CHECK_EQ(begins(small, "[TOOL_CALLS]read[CALL_ID]a1b2c3d4e[ARGS]{\"a"), size_t(1));
  const std::string solar = "<|tool_calls|><|tool_call:begin|>x1<|tool_call:name|>read";
  CHECK_EQ(begins("upstage-Solar-Open-100B.jinja", solar), size_t(0));
  CHECK_EQ(begins("upstage-Solar-Open-100B.jinja", solar + "<|tool_call:args|>{\"a"), size_t(1));
  const std::string nemo = "[TOOL_CALLS][{\"name\": \"read\", \"arguments\": {}";
  CHECK_EQ(begins("mistralai-Mistral-Nemo-Instruct-2407.jinja", nemo), size_t(0));
  CHECK_EQ(begins("mistralai-Mistral-Nemo-Instruct-2407.jinja", nemo + "}]"), size_t(0));
}
