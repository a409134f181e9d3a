#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "llama/chat-message.h"
#include "llama/constraint.h"
#include "llama/thought-marks.h"

struct common_chat_params;
struct common_chat_templates;
struct common_chat_templates_inputs;

namespace sluice {

class ChatFormat;
class Model;

// A conversation as the model reads it, and how its reply is to be made and read.
struct TemplatedChat {
  std::string prompt;
  // What the reply must follow, where its format has calls.
  std::optional<GrammarSpec> grammar;
  std::string said;                    // of what the grammar is about, what the prompt ends with
  std::vector<int32_t> spoken_tokens;  // control tokens whose names are part of the text
  std::vector<std::string> stops;
  std::shared_ptr<const ChatFormat> format;  // null: the text is the reply, as it stands
  std::optional<ThoughtMarks> thoughts;      // where it tells them apart
};

// A model's chat template, or another in its place. Owned by the Preparer; on its thread, but for
// exists(), and what loading asks for: call_format() and thinking_ends().
class ChatTemplate {
 public:
  // `text` is a template for the model's own; empty takes that one. Throws
  // FaultError(invalid_request) for a text that is no template.
  ChatTemplate(std::shared_ptr<const Model> model, const std::string& text);
  ~ChatTemplate();
  ChatTemplate(const ChatTemplate&) = delete;
  ChatTemplate& operator=(const ChatTemplate&) = delete;

  bool exists() const { return templates_ != nullptr; }
  // These throw FaultError(invalid_request) with the template's own words.
  TemplatedChat apply(const ChatPrompt& chat) const;
  std::string prompt(const ChatPrompt& chat) const;
  // How it writes calls of tools. Takes as long as an analysis, 3 to 7 ms.
  CallFormat call_format() const;

 private:
  struct TemplatesFree {
    void operator()(common_chat_templates* templates) const;
  };

  // Replies that may call tools, the most recently used first: agents send the same ones again.
  struct Remembered {
    std::string key;
    TemplatedChat chat;  // without its prompt
  };

  common_chat_templates_inputs inputs_of(const ChatPrompt& chat) const;
  common_chat_params prompt_of(const ChatPrompt& chat) const;
  bool model_thinks() const;
  bool shows_tools() const;
  TemplatedChat with_calls(const ChatPrompt& chat, const std::string& generation_prompt) const;
  TemplatedChat templated(const common_chat_params& params, const ChatPrompt& chat) const;
  void set_grammar(TemplatedChat& result, const common_chat_params& params,
                   const ChatPrompt& chat) const;
  std::optional<int32_t> token_of(const std::string& name) const;

  std::shared_ptr<const Model> model_;
  std::unique_ptr<common_chat_templates, TemplatesFree> templates_;
  std::string damage_;  // why there is none, where the model's own cannot be read
  mutable std::once_flag asked_whether_it_thinks_;
  mutable bool model_thinks_ = false;
  mutable std::once_flag asked_whether_it_shows_tools_;
  mutable bool shows_tools_ = true;
  mutable std::list<Remembered> remembered_;
};

}  // namespace sluice
