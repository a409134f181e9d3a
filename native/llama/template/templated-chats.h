#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>

#include "llama/chat/chat-message.h"
#include "llama/template/templated-chat.h"

namespace sluice {

// Remembers the formats of replies that may call tools, the most recently used first: agents send
// the same tools with each request. Any thread.
class TemplatedChats {
 public:
  // Everything that the format of a reply depends on. A tool's rules are named by its schema.
  static std::string key_of(const ChatPrompt& chat, const std::string& generation_prompt);

  std::optional<TemplatedChat> find(const std::string& key);
  // `parser_characters`: of the text in which llama.cpp passes a parser on. The least recently used
  // are dropped where all together take more than 64 MiB.
  void add(std::string key, TemplatedChat chat, size_t parser_characters);

 private:
  struct Entry {
    std::string key;
    TemplatedChat chat;  // without its prompt
    size_t bytes;
  };

  std::mutex mutex_;  // of all below
  std::list<Entry> entries_;
  size_t bytes_ = 0;
};

}  // namespace sluice
