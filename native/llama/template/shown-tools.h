#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "llama/chat/chat-message.h"

namespace sluice {

// What a template is told of one tool.
struct ShownTool {
  std::string name, description;
  std::string parameters;  // JSON text of a schema
  std::string place;       // in the request, for errors
};

// Finds by trying how a chat template must be shown tools, so that it prints each of them, with the
// name and the description of each argument, at any depth. As they are, where that works. Else
// their schemas are put in order (ordered-schema.h); what is still not printed becomes part of a
// description that is: the argument's, or the tool's. Owned by ChatTemplate; any thread.
class ShownTools {
 public:
  // What the template makes of a short conversation with these tools. Throws what it throws.
  using Render = std::function<std::string(const std::vector<ShownTool>& tools)>;

  // Of the source of the template: names that stand in it may have a meaning to it.
  void set_source(const std::string& source);

  // Runs the template two to four times for a set of tools that it does not know, more where it
  // trips. Throws FaultError(invalid_request) that names the tool at fault, and whatever is no
  // std::exception.
  std::vector<ShownTool> of(const std::vector<ChatTool>& tools, const Render& render) const;

 private:
  struct Remembered {
    std::string key;
    std::vector<ShownTool> tools;
    size_t bytes() const;
  };

  std::set<std::string> words_;
  mutable std::mutex mutex_;                  // of what is remembered
  mutable std::list<Remembered> remembered_;  // the most recently used first
};

}  // namespace sluice
