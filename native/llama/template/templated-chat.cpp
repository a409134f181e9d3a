#include "llama/template/templated-chat.h"

#include "chat.h"
#include "llama/chat/call-sites.h"
#include "llama/chat/chat-format.h"
#include "llama/chat/chat-grammar.h"
#include "llama/chat/chat-parser.h"
#include "llama/model.h"

namespace sluice {
namespace {

// The texts that calls begin with, for a grammar that waits for one; none where they are not known.
std::vector<std::string> triggers_of(const common_chat_params& params) {
  std::vector<std::string> words;
  for (const common_grammar_trigger& trigger : params.grammar_triggers) {
    if (trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_WORD) {
      words.push_back(trigger.value);
    } else if (trigger.value.find("to=functions") != std::string::npos) {
      // gpt-oss, whose triggers are regular expressions for these.
      return {" to=functions.", "<|channel|>commentary to=functions.",
              "<|channel|>analysis to=functions."};
    }
  }
  return words;
}

// A reply that must call tools has no other content.
bool may_have_content(const ChatPrompt& chat) {
  return !chat.may_call() || chat.tool_choice != ToolChoice::required;
}

// Nothing where the name is several tokens, which have text anyway.
std::optional<int32_t> token_of(const std::string& name, const Model& model) {
  const std::vector<int32_t> tokens = model.tokenize(name, false, true);
  if (tokens.size() != 1) return std::nullopt;
  return tokens.front();
}

void set_calls(GrammarSpec& grammar, TemplatedChat& result, const common_chat_params& params,
               const ChatPrompt& chat) {
  grammar.is_lazy = params.grammar_lazy;
  for (const std::string& trigger : triggers_of(params)) {
    grammar.triggers.push_back(CallSites::with_names(trigger, chat.tools));
  }
  // A lazy grammar without triggers never begins, and is not made.
  if (params.grammar.empty() || (grammar.is_lazy && grammar.triggers.empty())) return;
  // A model that reasons may do so before a required call. So may one whose prompt ends within
  // reasoning: some templates open it even where it is not wanted.
  const bool is_required = chat.tool_choice == ToolChoice::required && !chat.continues;
  const bool is_open = result.reasoning && result.reasoning->is_open;
  const bool may_reason = (params.supports_thinking && chat.wants_reasoning) || is_open;
  ChatGrammar writer(*result.format, chat.tools);
  if (grammar.is_lazy || (is_required && !may_reason)) grammar.text = writer.of_calls();
  if (!grammar.text.empty() || grammar.is_lazy) return;
  grammar.text = writer.of_replies(is_required);
  result.prefilled_text = params.generation_prompt;
}

// Reasoning that the prompt has opened must end before the form; none may begin where it is not
// wanted. Reasoning of a last message that the reply continues belongs to the prompt.
std::string grammar_of_form(TemplatedChat& result, const common_chat_params& params,
                            const ChatPrompt& chat) {
  using Reasoning = ChatGrammar::Reasoning;
  const bool is_open = result.reasoning && result.reasoning->is_open;
  Reasoning reasoning = is_open ? Reasoning::needed : Reasoning::free;
  const std::string& begun = params.generation_prompt;
  const std::string& start = params.thinking_start_tag;
  const bool is_in_prompt = is_open || (!start.empty() && begun.find(start) != std::string::npos);
  if (!chat.wants_reasoning && !chat.continues) {
    reasoning = is_in_prompt ? Reasoning::blank : Reasoning::none;
  }
  result.prefilled_text = begun;
  return ChatGrammar(*result.format, chat.tools).of_forms(chat.may_call(), reasoning);
}

void set_grammar(TemplatedChat& result, const common_chat_params& params, const ChatPrompt& chat,
                 const Model& model) {
  GrammarSpec grammar;
  grammar.origin = GrammarOrigin::tools;
  for (const std::string& name : params.preserved_tokens) {
    const std::optional<int32_t> token = token_of(name, model);
    if (!token) continue;
    result.visible_specials.push_back(*token);
    grammar.named_tokens.emplace_back(*token, name);
  }
  result.must_call = !may_have_content(chat);
  if (chat.has_form && !result.must_call) {
    grammar.text = grammar_of_form(result, params, chat);
    result.has_form = !grammar.text.empty();
  } else {
    set_calls(grammar, result, params, chat);
  }
  if (!grammar.text.empty()) result.grammar = std::move(grammar);
}

}  // namespace

TemplatedChat templated(const common_chat_params& params, const ChatPrompt& chat,
                        const Model& model) {
  TemplatedChat result;
  if (params.parser.empty()) return result;
  result.stops = params.additional_stops;
  const bool takes_one_call = !chat.parallel_tool_calls;
  ChatParser::check_beginning(params.generation_prompt);
  result.format = std::make_shared<const ChatFormat>(params, takes_one_call, chat.tools);
  result.reasoning = reasoning_marks(*result.format);
  set_grammar(result, params, chat, model);
  return result;
}

}  // namespace sluice
