#include "llama/chat-template.h"

#include <algorithm>

#include "chat.h"
#include "llama.h"
#include "llama/call-places.h"
#include "llama/chat-format.h"
#include "llama/chat-grammar.h"
#include "llama/chat-parser.h"
#include "llama/fault.h"
#include "llama/model.h"
#include "llama/stack.h"
#include "llama/template-reading.h"

namespace sluice {
namespace {

// Of some 100 KB at most each, where tools are many and large.
constexpr size_t kRememberedMax = 16;

const std::string kLoadAnother = "; load it with another one (chatTemplate, --chat-template-file)";

std::string only_others(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return "this model has chat templates by name only (" + list +
         "), of which none is for every conversation" + kLoadAnother + ", or use complete()";
}

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

bool may_call(const ChatPrompt& chat) {
  return !chat.tools.empty() && chat.tool_choice != ToolChoice::none;
}

// Whoever must call says nothing.
bool may_say(const ChatPrompt& chat) {
  return !may_call(chat) || chat.tool_choice != ToolChoice::required;
}

// All that a reply's form depends on. The names of a tool's rules are those of its schema.
std::string key_of(const ChatPrompt& chat, const std::string& generation_prompt) {
  std::string key = std::to_string(int(chat.tool_choice)) + (chat.parallel_tool_calls ? "p" : "") +
                    (chat.thinking ? "t" : "") + (chat.continues ? "c" : "") +
                    (chat.has_form ? "f" : "");
  const auto add = [&key](const std::string& text) {
    key += std::to_string(text.size()) + ":" + text;
  };
  add(chat.reasoning_effort);
  add(generation_prompt);
  for (const ChatTool& tool : chat.tools) {
    add(tool.name);
    add(tool.root);
    key += std::to_string(tool.rules.size());
    for (const ChatToolProperty& one : tool.properties) {
      for (const std::string* text : {&one.name, &one.kind, &one.json, &one.text}) add(*text);
      key += one.is_required ? "!" : "?";
    }
  }
  return key;
}

// A template may open thoughts, at the end of a prompt, only where it is told of thinking: then
// llama.cpp does not know of it (llama-cpp-rwkv-world.jinja).
void complete_beginning(common_chat_params& params) {
  const std::string& start = params.thinking_start_tag;
  std::string& known = params.generation_prompt;
  if (start.empty() || known.find(start) != std::string::npos) return;
  const size_t opened = params.prompt.rfind(start);
  const size_t begin = known.empty() ? opened : params.prompt.rfind(known);
  const bool is_last =
      opened != std::string::npos &&
      params.prompt.find_first_not_of(" \t\r\n", opened + start.size()) == std::string::npos;
  if (is_last && begin != std::string::npos && begin <= opened) known = params.prompt.substr(begin);
}

// What the model is told of its tools where the template leaves that to whoever writes the prompt.
std::string description_of(const std::vector<ChatTool>& tools) {
  std::string text = "You can call these functions; each line is one:";
  for (const ChatTool& tool : tools) {
    common_json entry = {{"name", tool.name}};
    if (!tool.description.empty()) entry["description"] = tool.description;
    entry["parameters"] = common_json::parse(tool.parameters);
    text += "\n" + entry.dump();
  }
  return text;
}

// At the end of what the system says.
void describe_tools(common_chat_templates_inputs& inputs, const std::vector<ChatTool>& tools) {
  const bool has_system = !inputs.messages.empty() && inputs.messages.front().role == "system";
  if (!has_system) {
    common_chat_msg system;
    system.role = "system";
    inputs.messages.insert(inputs.messages.begin(), system);
  }
  std::string& content = inputs.messages.front().content;
  content += (content.empty() ? "" : "\n\n") + description_of(tools);
}

std::string levels() { return std::to_string(TemplateRun::depth_max()) + " levels"; }

// What else helps where a run goes too deep.
std::string deep_hint() {
  return TemplateRun::depth_max() < TemplateRun::kDepthMax ? small_stack_hint() : "";
}

FaultError refused(const std::exception& error) {
  return FaultError(
      FaultCode::invalid_request,
      "the model's chat template refused these messages: " + words_of_failed_run(error.what()));
}

}  // namespace

void ChatTemplate::TemplatesFree::operator()(common_chat_templates* templates) const {
  common_chat_templates_free(templates);
}

ChatTemplate::ChatTemplate(std::shared_ptr<const Model> model, const std::string& text,
                           const std::function<bool()>& given_up)
    : model_(std::move(model)) {
  read(text, given_up);
  if (exists()) probe(given_up);
}

ChatTemplate::~ChatTemplate() = default;

void ChatTemplate::read(const std::string& text, const std::function<bool()>& given_up) {
  const ModelTemplates own = text.empty() ? model_->chat_templates() : ModelTemplates{text, "", {}};
  const std::string& main = own.without_name.empty() ? own.tool_use : own.without_name;
  if (main.empty()) {
    if (!own.others.empty()) damage_ = only_others(own.others);
    return;
  }
  // llama.cpp throws a copy of its exception that has lost the words, so each is read here first.
  const std::optional<std::string> why = why_unreadable(main);
  if (why && !text.empty()) {
    throw FaultError(FaultCode::invalid_request,
                     "chatTemplate cannot be read: " + *why +
                         "; expected a chat template in the Jinja language, as llama.cpp knows it");
  }
  if (why) {
    damage_ = "this model's chat template cannot be read: " + *why + kLoadAnother;
    warning_ = damage_ + "; until then complete() works, and chats are refused";
    return;
  }
  const std::optional<std::string> why_no_tools = why_unreadable(own.tool_use);
  if (why_no_tools) {
    warning_ = "this model's chat template for tools (tool_use) cannot be read: " + *why_no_tools +
               "; the one without a name is used for requests with tools as well";
  }
  // One that is nested too deeply must not come to llama.cpp's parser.
  make(why_no_tools ? own.without_name : text, !text.empty(), given_up);
}

// llama.cpp tries it with some short conversations, and takes no notice of what it says to them.
void ChatTemplate::make(const std::string& text, bool is_asked_for,
                        const std::function<bool()>& given_up) {
  const TemplateLimits limits{kTemplateWorkMax, given_up};
  TemplateRun run(limits);
  const bool is_made =
      run.run([&] { templates_.reset(common_chat_templates_init(model_->raw(), text).release()); });
  if (is_made) return;
  templates_.reset();
  if (run.stop() == TemplateStop::given_up) {
    throw FaultError(FaultCode::cancelled, "loading was abandoned");
  }
  const bool is_too_deep = run.stop() == TemplateStop::too_deep;
  damage_ = "the chat template takes more than " +
            (is_too_deep ? levels() : std::to_string(limits.work_max) + " steps") +
            " for a single message" + kLoadAnother + (is_too_deep ? deep_hint() : "");
  if (is_asked_for) throw FaultError(FaultCode::invalid_request, damage_);
  warning_ = damage_ + "; until then complete() works, and chats are refused";
}

// What is asked of it once, while it is loaded.
void ChatTemplate::probe(const std::function<bool()>& given_up) {
  const TemplateLimits limits{kTemplateWorkMax, given_up};
  try {
    // llama.cpp analyses it for this: 3 to 100 ms.
    TemplateRun run(limits);
    run.run(
        [&] { model_thinks_ = common_chat_templates_support_enable_thinking(templates_.get()); });
  } catch (const std::exception&) {
    model_thinks_ = false;  // it cannot be analysed: its replies are text
  }
  const std::string name = "sluice_looks_for_this";
  common_chat_templates_inputs inputs;
  inputs.messages.push_back(message_of({"user", "Hello", "", "", "", {}}));
  inputs.tools.push_back({name, "", R"({"type":"object","properties":{}})"});
  inputs.tool_choice = COMMON_CHAT_TOOL_CHOICE_NONE;
  inputs.force_pure_content = true;
  try {
    shows_tools_ = run(inputs, limits).prompt.find(name) != std::string::npos;
  } catch (const std::exception&) {
    shows_tools_ = true;  // it says itself what it refuses
  }
  const std::string why = why_not_plain(given_up);
  if (why.empty() || !warning_.empty()) return;
  warning_ = "the chat template cannot put a plain conversation into words: " + why +
             "; chats may be refused or answered beside the point, and complete() works" +
             kLoadAnother;
}

// Of one message by a user: empty where that works.
std::string ChatTemplate::why_not_plain(const std::function<bool()>& given_up) const {
  const std::string words = "sluice looks for this";
  ChatPrompt plain;
  plain.messages.push_back({"user", words, "", "", "", {}});
  try {
    const std::string made = prompt(plain, {kTemplateWorkMax, given_up});
    return made.find(words) != std::string::npos ? "" : "it leaves out what the user says";
  } catch (const FaultError& error) {
    return error.fault.code == FaultCode::cancelled ? "" : error.what();
  }
}

common_chat_params ChatTemplate::run(const common_chat_templates_inputs& inputs,
                                     const TemplateLimits& limits) const {
  common_chat_params params;
  TemplateRun run(limits);
  const bool is_done =
      run.run([&] { params = common_chat_templates_apply(templates_.get(), inputs); });
  if (is_done) {
    complete_beginning(params);
    return params;
  }
  switch (run.stop()) {
    case TemplateStop::given_up:
      throw FaultError(FaultCode::cancelled, "nobody waits for this conversation any more");
    case TemplateStop::too_deep:
      throw FaultError(FaultCode::invalid_request,
                       "the model's chat template goes more than " + levels() +
                           " deep, so it may call itself for ever" + kLoadAnother + deep_hint());
    default: break;
  }
  if (limits.work_max < kTemplateWorkMax) throw TemplateTakesLong{};
  throw FaultError(FaultCode::invalid_request,
                   "the model's chat template takes too long for these " +
                       std::to_string(inputs.messages.size()) + " messages: more than " +
                       std::to_string(limits.work_max) +
                       " steps; send fewer or shorter messages, or load a template that does not "
                       "look back over all of them (chatTemplate, --chat-template-file)");
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
  return inputs;
}

// The words of the prompt, with the tools' own schemas; of the reply, what it is without calls.
common_chat_params ChatTemplate::prompt_of(const ChatPrompt& chat,
                                           const TemplateLimits& limits) const {
  if (!exists()) {
    throw FaultError(FaultCode::invalid_request,
                     !damage_.empty() ? damage_
                                      : "this model has no chat template; use complete() with a "
                                        "prompt of your own");
  }
  common_chat_templates_inputs inputs = inputs_of(chat);
  inputs.tool_choice = COMMON_CHAT_TOOL_CHOICE_NONE;
  // Without it each call analyses the template anew (3 to 7 ms, llama.md).
  inputs.force_pure_content = !may_call(chat) && !model_thinks_ && !chat.has_form;
  if (may_call(chat) && !shows_tools_) describe_tools(inputs, chat.tools);
  common_chat_params params = run(inputs, limits);
  if (!inputs.force_pure_content) return params;
  // The plain way renders the messages before the one that goes on, and leaves that one to us.
  if (chat.continues) params.prompt += params.generation_prompt + chat.messages.back().content;
  params.parser.clear();
  return params;
}

std::string ChatTemplate::prompt(const ChatPrompt& chat, const TemplateLimits& limits) const {
  try {
    return prompt_of(chat, limits).prompt;
  } catch (const FaultError&) {
    throw;
  } catch (const std::exception& error) {
    throw refused(error);
  }
}

TemplatedChat ChatTemplate::apply(const ChatPrompt& chat, const TemplateLimits& limits) const {
  try {
    const common_chat_params params = prompt_of(chat, limits);
    TemplatedChat result = may_call(chat) ? with_calls(chat, params.generation_prompt, limits)
                                          : templated(params, chat);
    result.prompt = params.prompt;
    return result;
  } catch (const FaultError&) {
    throw;
  } catch (const std::exception& error) {
    throw refused(error);
  }
}

// Of the tools' stand-ins, so that llama.cpp makes nothing of their schemas. It may take more than
// prompt_of() did, so that whether it is remembered decides nothing but how long it takes.
TemplatedChat ChatTemplate::with_calls(const ChatPrompt& chat, const std::string& generation_prompt,
                                       const TemplateLimits& limits) const {
  std::string key = key_of(chat, generation_prompt);
  if (std::optional<TemplatedChat> known = remembered(key)) return *std::move(known);
  common_chat_templates_inputs inputs = inputs_of(chat);
  inputs.tools = CallPlaces::stand_ins(chat.tools);
  TemplateLimits more = limits;
  if (more.work_max >= kTemplateWorkMax) more.work_max *= 4;
  TemplatedChat made = templated(run(inputs, more), chat);
  remember(std::move(key), made);
  return made;
}

std::optional<TemplatedChat> ChatTemplate::remembered(const std::string& key) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto known = std::find_if(remembered_.begin(), remembered_.end(),
                                  [&](const Remembered& one) { return one.key == key; });
  if (known == remembered_.end()) return std::nullopt;
  remembered_.splice(remembered_.begin(), remembered_, known);
  return remembered_.front().chat;
}

void ChatTemplate::remember(std::string key, TemplatedChat chat) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  remembered_.push_front({std::move(key), std::move(chat)});
  if (remembered_.size() > kRememberedMax) remembered_.pop_back();
}

CallFormat ChatTemplate::call_format(const std::function<bool()>& given_up) const {
  if (!exists()) return CallFormat::none;
  ChatPrompt chat;
  chat.messages.push_back({"user", "Hello", "", "", "", {}});
  const ChatToolProperty text{"text", true, R"({"type":"string"})", "", ""};
  const ChatToolProperty number{"number", false, R"({"type":"integer"})", "", ""};
  chat.tools.push_back({"tool", "", "", "", "", {text, number}});
  chat.tool_choice = ToolChoice::required;
  try {
    common_chat_templates_inputs inputs = inputs_of(chat);
    inputs.tools = CallPlaces::stand_ins(chat.tools);
    const common_chat_params params = run(inputs, {kTemplateWorkMax, given_up});
    return ChatFormat(params, false, chat.tools).calls();
  } catch (const std::exception&) {
    return CallFormat::none;  // it cannot be analysed, or refuses such a conversation
  }
}

TemplatedChat ChatTemplate::templated(const common_chat_params& params,
                                      const ChatPrompt& chat) const {
  TemplatedChat result;
  if (params.parser.empty()) return result;
  result.stops = params.additional_stops;
  const bool takes_one_call = !chat.parallel_tool_calls;
  ChatParser::check_beginning(params.generation_prompt);
  result.format = std::make_shared<const ChatFormat>(params, takes_one_call, chat.tools);
  result.thoughts = thought_marks(*result.format);
  set_grammar(result, params, chat);
  return result;
}

void ChatTemplate::set_grammar(TemplatedChat& result, const common_chat_params& params,
                               const ChatPrompt& chat) const {
  GrammarSpec grammar;
  grammar.origin = GrammarOrigin::tools;
  for (const std::string& name : params.preserved_tokens) {
    const std::optional<int32_t> token = token_of(name);
    if (!token) continue;
    result.spoken_tokens.push_back(*token);
    grammar.named_tokens.emplace_back(*token, name);
  }
  result.must_call = !may_say(chat);
  if (chat.has_form && !result.must_call) {
    grammar.text = grammar_of_form(result, params, chat);
    result.has_form = !grammar.text.empty();
  } else {
    set_calls(grammar, result, params, chat);
  }
  if (!grammar.text.empty()) result.grammar = std::move(grammar);
}

void ChatTemplate::set_calls(GrammarSpec& grammar, TemplatedChat& result,
                             const common_chat_params& params, const ChatPrompt& chat) {
  grammar.is_lazy = params.grammar_lazy;
  for (const std::string& trigger : triggers_of(params)) {
    grammar.triggers.push_back(CallPlaces::with_names(trigger, chat.tools));
  }
  // One that waits for what is not known never begins, and need not be made.
  if (params.grammar.empty() || (grammar.is_lazy && grammar.triggers.empty())) return;
  // Whoever thinks may do so first, and whoever cannot help it: a prompt may end in thoughts
  // although none are wanted.
  const bool is_required = chat.tool_choice == ToolChoice::required && !chat.continues;
  const bool is_open = result.thoughts && result.thoughts->is_open;
  const bool thinks = (params.supports_thinking && chat.thinking) || is_open;
  ChatGrammar writer(*result.format, chat.tools);
  if (grammar.is_lazy || (is_required && !thinks)) grammar.text = writer.of_calls();
  if (!grammar.text.empty() || grammar.is_lazy) return;
  grammar.text = writer.of_replies(is_required);
  result.said = params.generation_prompt;
}

// Thoughts that the prompt has opened must end before the form; none are begun where none are
// wanted. What a last message has thought already is the prompt's.
std::string ChatTemplate::grammar_of_form(TemplatedChat& result, const common_chat_params& params,
                                          const ChatPrompt& chat) {
  using Thoughts = ChatGrammar::Thoughts;
  const bool is_open = result.thoughts && result.thoughts->is_open;
  Thoughts thoughts = is_open ? Thoughts::needed : Thoughts::free;
  const std::string& begun = params.generation_prompt;
  const std::string& start = params.thinking_start_tag;
  const bool is_in_prompt = is_open || (!start.empty() && begun.find(start) != std::string::npos);
  if (!chat.thinking && !chat.continues) {
    thoughts = is_in_prompt ? Thoughts::blank : Thoughts::none;
  }
  result.said = begun;
  return ChatGrammar(*result.format, chat.tools).of_forms(may_call(chat), thoughts);
}

// Nothing where the name is several tokens: those have text.
std::optional<int32_t> ChatTemplate::token_of(const std::string& name) const {
  const std::vector<int32_t> tokens = model_->tokenize(name, false, true);
  if (tokens.size() != 1) return std::nullopt;
  return tokens.front();
}

}  // namespace sluice
