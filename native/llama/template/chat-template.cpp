#include "llama/template/chat-template.h"

#include <algorithm>
#include <new>

#include "base/ends-with.h"
#include "base/fault.h"
#include "base/stack.h"
#include "chat-auto-parser.h"
#include "chat.h"
#include "llama.h"
#include "llama/chat/call-sites.h"
#include "llama/chat/chat-format.h"
#include "llama/chat/tools-fallback.h"
#include "llama/model.h"
#include "llama/template/template-inputs.h"
#include "llama/template/template-probe.h"
#include "llama/template/template-reading.h"
#include "llama/tokens/own-marks.h"
#include "llama/tokens/rendering.h"

namespace sluice {
namespace {

// Texts that no client sends by chance, and that llama.cpp does not change.
const std::string kReasoningHere = "sluice-stands-in-for-the-reasoning";
const std::string kContentHere = "sluice-stands-in-for-the-content";
// The work that trying a small conversation may take: a quarter of a second.
constexpr uint64_t kTrialWorkMax = 1000000;

const std::string kLoadAnother = "; load it with another one (chatTemplate, --chat-template-file)";

std::string only_others(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return "this model has chat templates by name only (" + list +
         "), of which none is for every conversation" + kLoadAnother + ", or use complete()";
}

bool is_callable(const ChatTool& tool) { return tool.is_callable; }

// The same with only those tools that its reply may call.
ChatPrompt of_callable(ChatPrompt chat) {
  const auto end = std::stable_partition(chat.tools.begin(), chat.tools.end(), is_callable);
  chat.tools.erase(end, chat.tools.end());
  return chat;
}

// A template may open reasoning at the end of a prompt only where reasoning is enabled: llama.cpp
// does not notice that (llama-cpp-rwkv-world.jinja).
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

std::string levels() { return std::to_string(TemplateRun::depth_max()) + " levels"; }

// A hint for an error about a run that goes too deep.
std::string deep_hint() {
  return TemplateRun::depth_max() < TemplateRun::kDepthMax ? small_stack_hint() : "";
}

FaultError refused(const std::string& why) {
  return FaultError(
      FaultCode::invalid_request,
      "the model's chat template refused these messages: " + words_of_failed_run(why));
}

}  // namespace

struct ChatTemplate::Rendered {
  std::vector<ChatMessage> messages;
  common_chat_params params;
  PromptText prompt;
};

void ChatTemplate::TemplatesFree::operator()(common_chat_templates* templates) const {
  common_chat_templates_free(templates);
}

ChatTemplate::ChatTemplate(std::shared_ptr<const Model> model, const std::string& text,
                           bool tools_fallback, const std::function<bool()>& given_up)
    : model_(std::move(model)) {
  read(text, given_up);
  if (exists()) probe(given_up);
  falls_back_ = exists() && tools_fallback && own_call_format(given_up) == CallFormat::none;
}

ChatTemplate::~ChatTemplate() = default;

const llama_vocab* ChatTemplate::vocab() const { return llama_model_get_vocab(model_->raw()); }

void ChatTemplate::read(const std::string& text, const std::function<bool()>& given_up) {
  const ModelTemplates own = text.empty() ? model_->chat_templates() : ModelTemplates{text, "", {}};
  const std::string& main = own.without_name.empty() ? own.tool_use : own.without_name;
  if (main.empty()) {
    if (!own.others.empty()) damage_ = only_others(own.others);
    return;
  }
  // llama.cpp throws a copy of its exception without the message, so each template is read here
  // first.
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
  // A template that is nested too deeply must not come to llama.cpp's parser.
  make(why_no_tools ? own.without_name : text, !text.empty(), given_up);
}

// llama.cpp tries a template with some short conversations, and ignores its errors.
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

// Finds out what must be known of the template once, while loading.
void ChatTemplate::probe(const std::function<bool()>& given_up) {
  const TemplateLimits limits{kTemplateWorkMax, given_up};
  const Rendering rendering;
  try {
    // llama.cpp analyses it for this: 3 to 100 ms.
    TemplateRun run(limits);
    run.run([&] { can_reason_ = common_chat_templates_support_enable_thinking(templates_.get()); });
  } catch (const std::exception&) {
    can_reason_ = false;  // it cannot be analysed: its replies are text
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
    shows_tools_ = true;  // requests with tools will get its error
  }
  std::set<std::string> own_texts = rendering.own_texts();
  for (const char* variant : {"", "tool_use"}) {
    own_texts.insert(common_chat_templates_source(templates_.get(), variant));
  }
  marks_.emplace(vocab(), own_texts);
  read_tool_template(given_up);
  const std::string why = why_not_plain(given_up);
  if (why.empty() || !warning_.empty()) return;
  warning_ = "the chat template cannot put a plain conversation into words: " + why +
             "; chats may be refused or answered beside the point, and complete() works" +
             kLoadAnother;
}

// The prompt of a conversation of ours; nothing where the template refuses it, or takes long.
std::optional<std::string> ChatTemplate::tried(const ChatPrompt& chat, bool plainly,
                                               const std::function<bool()>& given_up) const {
  common_chat_templates_inputs inputs = inputs_of(chat, chat.messages, vocab());
  inputs.tool_choice = COMMON_CHAT_TOOL_CHOICE_NONE;
  inputs.force_pure_content = plainly;
  if (!chat.tools.empty() && !shows_tools_) describe_tools(inputs, chat.tools);
  const TemplateLimits limits{kTrialWorkMax, given_up};
  TemplateRun run(limits);
  std::string prompt;
  bool is_done = false;
  try {
    is_done =
        run.run([&] { prompt = common_chat_templates_apply(templates_.get(), inputs).prompt; });
  } catch (const std::bad_alloc&) {
    throw;  // must not be remembered as a refusal of the template
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (!is_done && run.stop() == TemplateStop::given_up) {
    throw FaultError(FaultCode::cancelled, "this conversation was cancelled");
  }
  return is_done ? std::optional<std::string>(std::move(prompt)) : std::nullopt;
}

bool ChatTemplate::takes(Shape shape, const std::function<bool()>& given_up) const {
  std::atomic<int8_t>& known = taken_[size_t(shape)];
  if (known != 0) return known > 0;
  const std::lock_guard<std::mutex> lock(trying_);
  if (known != 0) return known > 0;
  if (!is_rendered_plainly_) {
    // Rendering plainly saves an analysis for each trial. It is used where it gives the same
    // prompt: with some templates llama.cpp changes messages only in the other way.
    const ChatPrompt all = conversation_of_all_kinds();
    is_rendered_plainly_ = tried(all, true, given_up) == tried(all, false, given_up);
  }
  const auto render = [&](const ChatPrompt& chat) {
    return tried(chat, *is_rendered_plainly_, given_up);
  };
  known = takes_shape(render, shape) ? 1 : -1;
  return known > 0;
}

// Reads the template that is used for requests with tools.
void ChatTemplate::read_tool_template(const std::function<bool()>& given_up) {
  std::string source = common_chat_templates_source(templates_.get(), "tool_use");
  if (source.empty()) source = common_chat_templates_source(templates_.get());
  shown_tools_.set_source(source);
  const TemplateLimits limits{kTemplateWorkMax, given_up};
  TemplateRun run(limits);
  try {
    run.run([&] { tool_template_ = std::make_unique<common_chat_template>(source, "", ""); });
  } catch (const std::exception&) {
    tool_template_.reset();  // it cannot be tried, so tools are shown unchanged
  }
}

// Why the template cannot render a single message of a user; empty where it can.
std::string ChatTemplate::why_not_plain(const std::function<bool()>& given_up) const {
  const std::string words = "sluice looks for this";
  ChatPrompt plain;
  plain.messages.push_back({"user", words, "", "", "", {}});
  try {
    const std::string made = prompt(plain, {kTemplateWorkMax, given_up}).text;
    return made.find(words) != std::string::npos ? "" : "it leaves out what the user says";
  } catch (const FaultError& error) {
    return error.fault.code == FaultCode::cancelled ? "" : error.what();
  }
}

common_chat_params ChatTemplate::run(const common_chat_templates_inputs& inputs,
                                     const TemplateLimits& limits) const {
  common_chat_params params;
  TemplateLimits left = limits;
  run_within(left, inputs.messages.size(),
             [&] { params = common_chat_templates_apply(templates_.get(), inputs); });
  complete_beginning(params);
  return params;
}

// Runs the body, and takes its work from what is left.
void ChatTemplate::run_within(TemplateLimits& left, size_t messages,
                              const std::function<void()>& body) {
  const TemplateLimits limits = left;
  TemplateRun run(limits);
  const bool is_done = run.run(body);
  left.work_max -= std::min(left.work_max, run.work());
  if (is_done) return;
  switch (run.stop()) {
    case TemplateStop::given_up:
      throw FaultError(FaultCode::cancelled, "this conversation was cancelled");
    case TemplateStop::too_deep:
      throw FaultError(FaultCode::invalid_request,
                       "the model's chat template goes more than " + levels() +
                           " deep, so it may call itself for ever" + kLoadAnother + deep_hint());
    default: break;
  }
  if (limits.work_max < kTemplateWorkMax) throw TemplateTakesLong{};
  throw FaultError(FaultCode::invalid_request,
                   "the model's chat template takes too long for these " +
                       std::to_string(messages) + " messages: more than " +
                       std::to_string(limits.work_max) +
                       " steps; send fewer or shorter messages, or load a template that does not "
                       "look back over all of them (chatTemplate, --chat-template-file)");
}

// Runs the template alone, once: llama.cpp's function for prompts runs it three times and analyses
// it.
std::string ChatTemplate::render_tools(const std::vector<ShownTool>& tools,
                                       TemplateLimits& left) const {
  std::vector<common_chat_tool> given;
  for (const ShownTool& tool : tools) {
    given.push_back({tool.name, tool.description, tool.parameters});
  }
  autoparser::generation_params params;
  params.messages = common_json::array();
  params.messages.push_back({{"role", "user"}, {"content", "Hello"}});
  params.tools = common_chat_tools_to_json_oaicompat(given);
  params.add_generation_prompt = true;
  params.extra_context = {{"datetime", "Jan 01 2026"}, {"date_string", "01 Jan 2026"}};
  params.mark_input = false;
  std::string text;
  run_within(left, 1, [&] { text = common_chat_template_direct_apply(*tool_template_, params); });
  return text;
}

void ChatTemplate::show_tools(common_chat_templates_inputs& inputs, const ChatPrompt& chat,
                              const TemplateLimits& limits) const {
  if (chat.tools.empty() || !shows_tools_ || !tool_template_) return;
  TemplateLimits left = limits;
  // Less than kTemplateWorkMax: taking too long then throws TemplateTakesLong, which is not
  // mistaken for an error of the template about a tool.
  left.work_max = std::min(left.work_max, kTemplateWorkMax - 1);
  const auto render = [&](const std::vector<ShownTool>& tools) {
    return render_tools(tools, left);
  };
  inputs.tools.clear();
  try {
    for (const ShownTool& tool : shown_tools_.of(chat.tools, render)) {
      inputs.tools.push_back({tool.name, tool.description, tool.parameters});
    }
  } catch (const TemplateTakesLong&) {
    if (limits.work_max < kTemplateWorkMax) throw;  // the next lane allows more
    throw FaultError(FaultCode::invalid_request,
                     "the model's chat template takes too long for these " +
                         std::to_string(chat.tools.size()) + " tools: more than " +
                         std::to_string(kTemplateWorkMax) + " steps; send fewer or smaller ones");
  }
}

// The prompt, with the tools' own schemas, and the format of replies without calls.
ChatTemplate::Rendered ChatTemplate::rendered(const ChatPrompt& chat,
                                              std::vector<ChatMessage> messages,
                                              const TemplateLimits& limits) const {
  common_chat_templates_inputs inputs = inputs_of(chat, messages, vocab());
  inputs.tool_choice = COMMON_CHAT_TOOL_CHOICE_NONE;
  // Without this each run analyses the template anew (3 to 7 ms).
  inputs.force_pure_content = !chat.may_call() && !can_reason_ && !chat.has_form;
  show_tools(inputs, chat, limits);
  if (!chat.tools.empty() && !shows_tools_) describe_tools(inputs, chat.tools);
  const Rendering rendering;
  Rendered made{std::move(messages), run(inputs, limits), {}};
  common_chat_params& params = made.params;
  const std::string& generated = params.generation_prompt;
  if (inputs.force_pure_content) {
    // Rendered plainly, the prompt lacks the last message, which the reply continues: it is added
    // here.
    made.prompt = rendering.prompt(params.prompt + (chat.continues ? generated : ""));
    if (chat.continues) made.prompt.append(made.messages.back().content, true);
    params.parser.clear();
  } else if (chat.continues && ends_with(params.prompt, generated)) {
    made.prompt =
        rendering.prompt(params.prompt.substr(0, params.prompt.size() - generated.size()));
    made.prompt.append(beginning_of_reply(inputs, generated, limits));
  } else {
    made.prompt = rendering.prompt(params.prompt);
  }
  made.prompt = with_own_marks(made.prompt);
  return made;
}

// The beginning of a reply that continues the last message, which llama.cpp writes behind the
// template's prompt. Rendering it with other texts shows where in it the message's texts stand.
PromptText ChatTemplate::beginning_of_reply(common_chat_templates_inputs inputs,
                                            const std::string& generation_prompt,
                                            const TemplateLimits& limits) const {
  common_chat_msg& message = inputs.messages.back();
  const std::pair<std::string, std::string> reasoning{kReasoningHere, message.reasoning_content};
  const std::pair<std::string, std::string> content{kContentHere, message.content};
  if (!message.reasoning_content.empty()) message.reasoning_content = kReasoningHere;
  if (!message.content.empty()) message.content = kContentHere;
  const std::string form = run(inputs, limits).generation_prompt;
  PromptText beginning;
  size_t end = 0;
  for (const auto& [place, text] : {reasoning, content}) {
    const size_t at = form.find(place, end);
    if (at == std::string::npos) continue;
    beginning.append(form.substr(end, at - end), false);
    beginning.append(text, true);
    end = at + place.size();
  }
  beginning.append(form.substr(end), false);
  if (beginning.text == generation_prompt) return beginning;
  PromptText unknown;  // the texts were changed, so all of it counts as content
  unknown.append(generation_prompt, true);
  return unknown;
}

// Where there is no template it says why.
ChatTemplate::Rendered ChatTemplate::prompt_of(const ChatPrompt& chat,
                                               const TemplateLimits& limits) const {
  if (!exists()) {
    throw FaultError(FaultCode::invalid_request,
                     !damage_.empty() ? damage_
                                      : "this model has no chat template; use complete() with a "
                                        "prompt of your own");
  }
  return falls_back_ ? prompt_in_order(with_tools_as_text(chat), limits)
                     : prompt_in_order(chat, limits);
}

// The messages in an order that the template takes. If it refuses them all the same, they are tried
// in the form that every template takes; the error is that of the first try.
ChatTemplate::Rendered ChatTemplate::prompt_in_order(const ChatPrompt& chat,
                                                     const TemplateLimits& limits) const {
  const auto found = [&](Shape shape) { return takes(shape, limits.given_up); };
  std::string why;
  if (std::optional<Rendered> made = if_taken(chat, found, limits, why)) return *std::move(made);
  const FaultError first = refused(why);
  for (const bool has_system : {true, false}) {
    const auto least = [&](Shape shape) {
      return shape == Shape::system ? has_system : all_take(shape);
    };
    if (std::optional<Rendered> made = if_taken(chat, least, limits, why)) return *std::move(made);
  }
  throw first;
}

// Nothing where the template refuses it; then `why` has its error.
std::optional<ChatTemplate::Rendered> ChatTemplate::if_taken(const ChatPrompt& chat,
                                                             const TakesShape& takes,
                                                             const TemplateLimits& limits,
                                                             std::string& why) const {
  try {
    return rendered(chat, in_order(chat.messages, takes, chat.continues), limits);
  } catch (const FaultError&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    why = error.what();
    return std::nullopt;
  }
}

std::vector<int32_t> ChatTemplate::tokens_of(const PromptText& prompt) const {
  return model_->tokenize(prompt, *marks_);
}

std::vector<int32_t> ChatTemplate::tokens_of(const PromptText& prompt, const std::string& salt,
                                             KnownBeginning& known) const {
  if (!model_->parts_at_blanks()) return tokens_of(prompt);
  const auto whole = [this](const PromptText& text) { return tokens_of(text); };
  const auto rest = [this](const PromptText& text) { return model_->tokenize_rest(text, *marks_); };
  return known.tokens_of(prompt, salt, {whole, rest});
}

std::vector<int32_t> ChatTemplate::tokens_of(const std::string& text) const {
  return model_->tokenize_content(text, *marks_);
}

PromptText ChatTemplate::prompt(const ChatPrompt& chat, const TemplateLimits& limits) const {
  return prompt_of(chat, limits).prompt;
}

TemplatedChat ChatTemplate::apply(const ChatPrompt& chat, const TemplateLimits& limits) const {
  Rendered made = prompt_of(chat, limits);
  try {
    const bool is_some = !std::all_of(chat.tools.begin(), chat.tools.end(), is_callable);
    TemplatedChat result = !chat.may_call() ? templated(made.params, chat, *model_)
                           : is_some        ? with_calls(of_callable(chat), made, limits)
                                            : with_calls(chat, made, limits);
    result.prompt = std::move(made.prompt);
    return result;
  } catch (const FaultError&) {
    throw;
  } catch (const std::exception& error) {
    throw refused(error.what());
  }
}

// The format and grammar of replies with calls, made with the tools' stand-ins, so that llama.cpp
// never sees their schemas. It may take more work than prompt_of(): so the limit never fails it,
// and whether it is remembered changes only the time.
TemplatedChat ChatTemplate::with_calls(const ChatPrompt& chat, const Rendered& rendered,
                                       const TemplateLimits& limits) const {
  std::string key = TemplatedChats::key_of(chat, rendered.params.generation_prompt);
  if (std::optional<TemplatedChat> known = remembered_.find(key)) return *std::move(known);
  TemplateLimits more = limits;
  if (more.work_max >= kTemplateWorkMax) more.work_max *= 4;
  const common_chat_params params = falls_back_ ? with_fallback_calls(rendered.params, chat)
                                                : run_stand_ins(chat, rendered.messages, more);
  TemplatedChat made = templated(params, chat, *model_);
  remembered_.add(std::move(key), made, params.parser.size());
  return made;
}

// With the first form of the stand-ins' schemas that the template does not fail on.
common_chat_params ChatTemplate::run_stand_ins(const ChatPrompt& chat,
                                               const std::vector<ChatMessage>& messages,
                                               const TemplateLimits& limits) const {
  common_chat_templates_inputs inputs = inputs_of(chat, messages, vocab());
  using Kinds = CallSites::Kinds;
  for (const Kinds kinds : {Kinds::given, Kinds::alternatives}) {
    inputs.tools = CallSites::stand_ins(chat.tools, kinds);
    try {
      return run(inputs, limits);
    } catch (const FaultError&) {
      throw;
    } catch (const std::exception&) {
      continue;
    }
  }
  inputs.tools = CallSites::stand_ins(chat.tools, Kinds::plain);
  return run(inputs, limits);
}

CallFormat ChatTemplate::call_format(const std::function<bool()>& given_up) const {
  return falls_back_ ? CallFormat::json : own_call_format(given_up);
}

// How the template itself writes them.
CallFormat ChatTemplate::own_call_format(const std::function<bool()>& given_up) const {
  if (!exists()) return CallFormat::none;
  ChatPrompt chat;
  chat.messages.push_back({"user", "Hello", "", "", "", {}});
  const ChatToolProperty text{"text", true, R"({"type":"string"})", "", ""};
  const ChatToolProperty number{"number", false, R"({"type":"integer"})", "", ""};
  chat.tools.push_back({"tool", "", "", "", "", {text, number}});
  chat.tool_choice = ToolChoice::required;
  try {
    common_chat_templates_inputs inputs = inputs_of(chat, chat.messages, vocab());
    inputs.tools = CallSites::stand_ins(chat.tools);
    const common_chat_params params = run(inputs, {kTemplateWorkMax, given_up});
    return ChatFormat(params, false, chat.tools).calls();
  } catch (const std::exception&) {
    return CallFormat::none;  // it cannot be analysed, or refuses such a conversation
  }
}

}  // namespace sluice
