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
#include "llama/tokens/known-beginning.h"
#include "llama/tokens/prompt-text.h"
#include "llama/tokens/token-marks.h"

struct common_chat_params;
struct common_chat_template;
struct common_chat_templates;
struct common_chat_templates_inputs;
struct llama_vocab;

namespace sluice {

class Model;

// The work that one conversation may take, in units: some seconds. Templates that look back over
// all messages for each message reach it with a few hundred messages, others with some 15,000.
constexpr uint64_t kTemplateWorkMax = 50000000;

// Thrown where a run takes more than its limits, and those were less than kTemplateWorkMax: the
// caller does it again in a slower lane. No std::exception, because it is no fault.
struct TemplateTakesLong {};

// A model's chat template, or another one instead. Immutable but for what it remembers: any thread.
//
// Of the templates that a GGUF has by name, llama.cpp uses the one without a name, and `tool_use`
// for requests with tools, or for all where it is the only one of the two.
class ChatTemplate {
 public:
  // `text` is a template instead of the model's own; empty takes the model's. With
  // `tools_fallback`, tools that the template knows nothing of are told in the system message.
  // Throws FaultError(invalid_request) for a text that is no template. Analyses it, which takes 3
  // to 100 ms; `given_up` ends that.
  ChatTemplate(std::shared_ptr<const Model> model, const std::string& text, bool tools_fallback,
               const std::function<bool()>& given_up);
  ~ChatTemplate();
  ChatTemplate(const ChatTemplate&) = delete;
  ChatTemplate& operator=(const ChatTemplate&) = delete;

  bool exists() const { return templates_ != nullptr; }
  // A warning about the template for the owner of the model; else empty.
  const std::string& warning() const { return warning_; }
  // These throw FaultError: invalid_request with the template's own message, or where it takes more
  // than kTemplateWorkMax; cancelled where `given_up` said so. And TemplateTakesLong.
  TemplatedChat apply(const ChatPrompt& chat, const TemplateLimits& limits) const;
  PromptText prompt(const ChatPrompt& chat, const TemplateLimits& limits) const;
  // Of a prompt that it made.
  std::vector<int32_t> tokens_of(const PromptText& prompt) const;
  // The same tokens, in less time where the prompt begins as one before it did.
  std::vector<int32_t> tokens_of(const PromptText& prompt, const std::string& salt,
                                 KnownBeginning& known) const;
  // Of a text that is all content. Only where there is a template.
  std::vector<int32_t> tokens_of(const std::string& text) const;
  // How calls of tools are written. Analyses it, as the constructor does.
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
  // The prompt of a short conversation with these tools. Its work is taken from what is left.
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
  Rendered prompt_in_order(const ChatPrompt& chat, const TemplateLimits& limits) const;
  CallFormat own_call_format(const std::function<bool()>& given_up) const;
  TemplatedChat with_calls(const ChatPrompt& chat, const Rendered& rendered,
                           const TemplateLimits& limits) const;
  common_chat_params run_stand_ins(const ChatPrompt& chat, const std::vector<ChatMessage>& messages,
                                   const TemplateLimits& limits) const;
  const llama_vocab* vocab() const;

  std::shared_ptr<const Model> model_;
  std::unique_ptr<common_chat_templates, TemplatesFree> templates_;
  std::string damage_;  // why there is no template, where the model has one that cannot be used
  std::string warning_;
  bool can_reason_ = false;
  bool falls_back_ = false;  // it knows no tools, and they are told all the same
  // Some templates know calls but do not print the tools, such as DeepSeek V3.1's.
  bool shows_tools_ = true;
  std::optional<TokenMarks> marks_;  // where exists()
  // Whether it takes a shape is tried when a conversation first has it: most have few.
  mutable std::mutex trying_;
  mutable std::array<std::atomic<int8_t>, size_t(Shape::count)> taken_{};  // 1 is yes, -1 no
  mutable std::optional<bool> is_rendered_plainly_;
  ShownTools shown_tools_;
  std::unique_ptr<const common_chat_template> tool_template_;  // null where it cannot be tried
  mutable TemplatedChats remembered_;
};

}  // namespace sluice
