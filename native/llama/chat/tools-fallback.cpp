#include "llama/chat/tools-fallback.h"

#include <utility>

#include "chat-peg-parser.h"
#include "llama/chat/call-sites.h"

namespace sluice {
namespace {

// Those of Hermes' and Qwen's templates: many models have seen them.
const std::string kBegin = "<tool_call>", kEnd = "</tool_call>";

common_peg_parser reasoning_of(common_chat_peg_builder& p, const common_chat_params& params) {
  const auto& ends = params.thinking_end_tags;
  if (!params.supports_thinking || ends.empty()) return p.eps();
  const auto thoughts = p.reasoning(p.until(ends.front())) + p.optspace(ends.front());
  const std::string& start = params.thinking_start_tag;
  return p.optional(start.empty() ? thoughts : p.optspace(start) + thoughts);
}

// Reasoning, text, and calls at the end, as the parsers are that llama.cpp makes of templates.
common_peg_arena parser_of(const common_chat_params& params, const ChatPrompt& chat) {
  const common_json tools = common_chat_tools_to_json_oaicompat(CallSites::stand_ins(chat.tools));
  const bool is_required = chat.tool_choice == ToolChoice::required;
  const std::string& begun = params.generation_prompt;
  return build_chat_peg_parser([&](common_chat_peg_builder& p) {
    const auto call = p.standard_json_tools(kBegin, kEnd, tools, false, true);
    const auto one = call + p.space();
    const auto calls =
        p.trigger_rule("tool-calls", chat.parallel_tool_calls ? p.one_or_more(one) : one);
    const auto reply = reasoning_of(p, params) + p.optional(p.content(p.until(kBegin))) +
                       (is_required ? calls : p.optional(calls)) + p.end();
    // Where there is no reasoning, white space at the beginning of a text is the text's.
    if (!params.supports_thinking) return p.prefix(begun) + reply;
    return p.prefix(begun, params.thinking_start_tag) << reply;
  });
}

}  // namespace

std::string fallback_instructions(bool parallel_calls) {
  const std::string several =
      parallel_calls ? "For several calls, write these lines once for each.\n" : "";
  return "To call a function, write these lines, with its name and its arguments, and nothing "
         "after them:\n" +
         kBegin + "\n{\"name\": \"NAME\", \"arguments\": {\"ARGUMENT\": VALUE}}\n" + kEnd + "\n" +
         several +
         "The next message tells the result. Where no function is of use, answer in words, without "
         "these lines.";
}

std::string fallback_call(const std::string& name, const std::string& arguments) {
  return kBegin + "\n{\"name\": " + common_json(name).dump() + ", \"arguments\": " + arguments +
         "}\n" + kEnd;
}

common_chat_params with_fallback_calls(common_chat_params params, const ChatPrompt& chat) {
  params.format = COMMON_CHAT_FORMAT_PEG_NATIVE;
  params.parser = parser_of(params, chat).save();
  params.grammar_lazy = chat.tool_choice != ToolChoice::required;
  params.grammar_triggers = {{COMMON_GRAMMAR_TRIGGER_TYPE_WORD, kBegin}};
  params.grammar = kBegin;  // says that there is one: ChatGrammar writes it
  for (const std::string& mark : {kBegin, kEnd}) params.preserved_tokens.push_back(mark);
  return params;
}

}  // namespace sluice
