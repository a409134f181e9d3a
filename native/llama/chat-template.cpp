#include "llama/chat-template.h"

#include "chat.h"
#include "json-schema-to-grammar.h"
#include "llama.h"
#include "llama/chat-format.h"
#include "llama/fault.h"
#include "llama/model.h"

namespace sluice {
namespace {

common_chat_msg message_of(const ChatMessage& message) {
  common_chat_msg entry;
  entry.role = message.role;
  entry.content = message.content;
  entry.reasoning_content = message.reasoning;
  entry.tool_name = message.name;
  entry.tool_call_id = message.tool_call_id;
  for (const ChatToolCall& call : message.tool_calls) {
    entry.tool_calls.push_back({call.name, call.arguments, call.id});
  }
  return entry;
}

common_chat_tool_choice choice_of(ToolChoice choice) {
  switch (choice) {
    case ToolChoice::none: return COMMON_CHAT_TOOL_CHOICE_NONE;
    case ToolChoice::required: return COMMON_CHAT_TOOL_CHOICE_REQUIRED;
    case ToolChoice::automatic: break;
  }
  return COMMON_CHAT_TOOL_CHOICE_AUTO;
}

// The texts that calls begin with, of a grammar that waits for one; none where they are not known.
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

// Why llama.cpp could not use a conversation: a tool's schema, or else what the template says.
FaultError refused(const ChatPrompt& chat, const std::exception& error) {
  for (const ChatTool& tool : chat.tools) {
    try {
      json_schema_to_grammar(common_json::parse(tool.parameters));
    } catch (const std::exception& reason) {
      return FaultError(FaultCode::invalid_schema, "the parameters of the tool \"" + tool.name +
                                                       "\" cannot be used: " + reason.what());
    }
  }
  return FaultError(
      FaultCode::invalid_request,
      std::string("the model's chat template refused these messages: ") + error.what());
}

}  // namespace

void ChatTemplate::TemplatesFree::operator()(common_chat_templates* templates) const {
  common_chat_templates_free(templates);
}

ChatTemplate::ChatTemplate(std::shared_ptr<const Model> model, const std::string& text)
    : model_(std::move(model)) {
  if (text.empty() && !model_->has_chat_template()) return;
  try {
    templates_.reset(common_chat_templates_init(model_->raw(), text).release());
  } catch (const std::exception&) {
    // llama.cpp throws a copy of its exception that has lost the words.
    if (!text.empty()) {
      throw FaultError(FaultCode::invalid_request,
                       "chatTemplate is not a chat template that llama.cpp can read; expected "
                       "one in the Jinja language");
    }
    damage_ =
        "this model's chat template cannot be read by llama.cpp; load it with another one "
        "(chatTemplate, --chat-template-file)";
  }
}

ChatTemplate::~ChatTemplate() = default;

// To find out whether the template knows of thinking, llama.cpp analyses it: 3 to 7 ms, once.
bool ChatTemplate::model_thinks() const {
  std::call_once(asked_whether_it_thinks_, [this] {
    try {
      model_thinks_ = common_chat_templates_support_enable_thinking(templates_.get());
    } catch (const std::exception&) {
      model_thinks_ = false;  // it cannot be analysed: its replies are text
    }
  });
  return model_thinks_;
}

common_chat_templates_inputs ChatTemplate::inputs_of(const ChatPrompt& chat) const {
  common_chat_templates_inputs inputs;
  for (const ChatMessage& message : chat.messages) inputs.messages.push_back(message_of(message));
  for (const ChatTool& tool : chat.tools) {
    inputs.tools.push_back({tool.name, tool.description, tool.parameters});
  }
  inputs.tool_choice = choice_of(chat.tool_choice);
  inputs.parallel_tool_calls = chat.parallel_tool_calls;
  inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
  inputs.enable_thinking = chat.thinking;
  if (!chat.reasoning_effort.empty()) {
    inputs.chat_template_kwargs["reasoning_effort"] = common_json(chat.reasoning_effort).dump();
  }
  if (chat.continues) {
    inputs.continue_final_message = COMMON_CHAT_CONTINUATION_AUTO;
    inputs.add_generation_prompt = false;
  }
  const llama_vocab* vocab = llama_model_get_vocab(model_->raw());
  inputs.add_bos = llama_vocab_get_add_bos(vocab);
  inputs.add_eos = llama_vocab_get_add_eos(vocab);
  // Without it each call analyses the template anew (3 to 7 ms, llama.md).
  const bool calls_tools = !chat.tools.empty() && chat.tool_choice != ToolChoice::none;
  inputs.force_pure_content = !calls_tools && !model_thinks();
  return inputs;
}

TemplatedChat ChatTemplate::apply(const ChatPrompt& chat) const {
  if (!exists()) {
    throw FaultError(FaultCode::invalid_request,
                     !damage_.empty() ? damage_
                                      : "this model has no chat template; use complete() with a "
                                        "prompt of your own");
  }
  try {
    const common_chat_templates_inputs inputs = inputs_of(chat);
    const common_chat_params params = common_chat_templates_apply(templates_.get(), inputs);
    if (!inputs.force_pure_content) return templated(params, chat);
    TemplatedChat result;
    result.prompt = params.prompt;
    // The plain way renders the messages before the one that goes on, and leaves that one to us.
    if (chat.continues) result.prompt += params.generation_prompt + chat.messages.back().content;
    return result;
  } catch (const std::exception& error) {
    throw refused(chat, error);
  }
}

TemplatedChat ChatTemplate::templated(const common_chat_params& params,
                                      const ChatPrompt& chat) const {
  TemplatedChat result;
  result.prompt = params.prompt;
  result.stops = params.additional_stops;
  if (!params.parser.empty())
    result.format = std::make_shared<const ChatFormat>(params, !chat.parallel_tool_calls);
  set_grammar(result, params, chat);
  return result;
}

void ChatTemplate::set_grammar(TemplatedChat& result, const common_chat_params& params,
                               const ChatPrompt& chat) const {
  GrammarSpec grammar;
  grammar.text = params.grammar;
  grammar.origin = GrammarOrigin::tools;
  grammar.is_lazy = params.grammar_lazy;
  grammar.triggers = triggers_of(params);
  for (const std::string& name : params.preserved_tokens) {
    const std::optional<int32_t> token = token_of(name);
    if (!token) continue;
    result.spoken_tokens.push_back(*token);
    grammar.named_tokens.emplace_back(*token, name);
  }
  // One that waits for what is not known never begins, and need not be made.
  if (grammar.text.empty() || (grammar.is_lazy && grammar.triggers.empty())) return;
  result.said = grammar.is_lazy ? "" : params.generation_prompt;
  // Whoever thinks may do so first.
  const bool is_required = chat.tool_choice == ToolChoice::required && !chat.continues;
  const bool thinks = params.supports_thinking && chat.thinking;
  if (is_required && !thinks && result.format) {
    const std::string calls = result.format->grammar_of_calls(grammar.text);
    if (!calls.empty()) grammar.text = calls, result.said.clear();
  }
  result.grammar = std::move(grammar);
}

// Nothing where the name is several tokens: those have text.
std::optional<int32_t> ChatTemplate::token_of(const std::string& name) const {
  const std::vector<int32_t> tokens = model_->tokenize(name, false, true);
  if (tokens.size() != 1) return std::nullopt;
  return tokens.front();
}

}  // namespace sluice
