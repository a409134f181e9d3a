#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "llama/chat/chat-message.h"
#include "llama/template/message-order.h"
#include "llama/template/shown-tools.h"
#include "llama/template/template-run.h"
#include "llama/template/templated-chats.h"
#include "llama/tokens/prompt-text.h"
#include "llama/tokens/token-marks.h"

struct common_chat_params;
struct common_chat_template;
struct common_chat_templates;
struct common_chat_templates_inputs;
struct llama_vocab;

namespace sluice {

class Model;

// What one conversation may take: some seconds. Templates that look back over all messages for each
// of them are there with a few hundred, others with some 15,000.
constexpr uint64_t kTemplateWorkMax = 50000000;

// Thrown where a run takes more than its limits allow, and those were less than kTemplateWorkMax:
// no error, but to be done where nobody waits behind it. Not a std::exception, since it is none.
struct TemplateTakesLong {};

// A model's chat template, or another in its place. Immutable but for what it remembers: any
// thread.
//
// Of the templates that a GGUF has by name, llama.cpp uses the one without a name, and `tool_use`
// for requests with tools, or for all where it is the only one of the two.
class ChatTemplate {
 public:
  // `text` is a template for the model's own; empty takes those. Throws FaultError(invalid_request)
  // for a text that is no template. Takes an analysis, 3 to 100 ms; `given_up` ends it.
  ChatTemplate(std::shared_ptr<const Model> model, const std::string& text,
               const std::function<bool()>& given_up);
  ~ChatTemplate();
  ChatTemplate(const ChatTemplate&) = delete;
  ChatTemplate& operator=(const ChatTemplate&) = delete;

  bool exists() const { return templates_ != nullptr; }
  // What the owner of the model should hear of it when it is loaded; else empty.
  const std::string& warning() const { return warning_; }
  // These throw FaultError: invalid_request with the template's own words, or where it takes more
  // than kTemplateWorkMax; cancelled where it was given up. And TemplateTakesLong.
  TemplatedChat apply(const ChatPrompt& chat, const TemplateLimits& limits) const;
  PromptText prompt(const ChatPrompt& chat, const TemplateLimits& limits) const;
  // Of a prompt that it made.
  std::vector<int32_t> tokens_of(const PromptText& prompt) const;
  // Of a text that somebody says to the model, where there is a template.
  std::vector<int32_t> tokens_of(const std::string& said) const;
  // How it writes calls of tools. Takes as long as an analysis.
  CallFormat call_format(const std::function<bool()>& given_up) const;

 private:
  struct TemplatesFree {
    void operator()(common_chat_templates* templates) const;
  };

  struct Rendered;  // the messages in order, and what llama.cpp made of them

  void read(const std::string& text, const std::function<bool()>& given_up);
  void make(const std::string& text, bool is_asked_for, const std::function<bool()>& given_up);
  void probe(const std::function<bool()>& given_up);
  std::string why_not_plain(const std::function<bool()>& given_up) const;
  bool takes(Shape shape, const std::function<bool()>& given_up) const;
  std::optional<std::string> tried(const ChatPrompt& chat, bool plainly,
                                   const std::function<bool()>& given_up) const;
  common_chat_params run(const common_chat_templates_inputs& inputs,
                         const TemplateLimits& limits) const;
  static void run_within(TemplateLimits& left, size_t messages, const std::function<void()>& body);
  void read_tool_template(const std::function<bool()>& given_up);
  // Of a short conversation, whose work is taken from what is left.
  std::string render_tools(const std::vector<ShownTool>& tools, TemplateLimits& left) const;
  void show_tools(common_chat_templates_inputs& inputs, const ChatPrompt& chat,
                  const TemplateLimits& limits) const;
  Rendered rendered(const ChatPrompt& chat, std::vector<ChatMessage> messages,
                    const TemplateLimits& limits) const;
  PromptText beginning_of_reply(common_chat_templates_inputs inputs,
                                const std::string& generation_prompt,
                                const TemplateLimits& limits) const;
  std::optional<Rendered> if_taken(const ChatPrompt& chat, const TakesShape& takes,
                                   const TemplateLimits& limits, std::string& why) const;
  Rendered prompt_of(const ChatPrompt& chat, const TemplateLimits& limits) const;
  TemplatedChat with_calls(const ChatPrompt& chat, const Rendered& rendered,
                           const TemplateLimits& limits) const;
  common_chat_params run_stand_ins(const ChatPrompt& chat, const std::vector<ChatMessage>& messages,
                                   const TemplateLimits& limits) const;
  const llama_vocab* vocab() const;

  std::shared_ptr<const Model> model_;
  std::unique_ptr<common_chat_templates, TemplatesFree> templates_;
  std::string damage_;  // why there is none, where the model has one that cannot be used
  std::string warning_;
  bool model_thinks_ = false;
  // Some know calls and say nothing of the tools: DeepSeek V3.1's, for one.
  bool shows_tools_ = true;
  std::optional<TokenMarks> marks_;  // where it exists
  // What it takes is tried when the first conversation asks for it: most ask for little.
  mutable std::mutex trying_;
  mutable std::array<std::atomic<int8_t>, size_t(Shape::count)> taken_{};  // 1 is yes, -1 no
  mutable std::optional<bool> is_rendered_plainly_;
  ShownTools shown_tools_;
  std::unique_ptr<const common_chat_template> tool_template_;  // null where it cannot be tried
  mutable TemplatedChats remembered_;
};

}  // namespace sluice
