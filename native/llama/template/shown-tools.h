#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "llama/chat/chat-message.h"

namespace sluice {

// One tool as a template gets it.
struct ShownTool {
  std::string name, description;
  std::string parameters;  // JSON text of a schema
  std::string place;       // in the request, for errors
};

// Finds by trying in what form a chat template must get tools, so that it prints each of them, with
// the name and the description of each argument at any depth. Unchanged where that works. Else
// their schemas are put in order (ordered-schema.h); what is still not printed is added to a
// description that is, the argument's or the tool's. Owned by ChatTemplate; any thread.
class ShownTools {
 public:
  // The template's prompt for a short conversation with these tools. Throws what the template
  // throws.
  using Render = std::function<std::string(const std::vector<ShownTool>& tools)>;

  // Sets the template's source: names that stand in it may have a meaning for it.
  void set_source(const std::string& source);

  // Runs the template two to four times for a set of tools that is not remembered, more often where
  // it fails. Throws FaultError(invalid_request) that names the tool at fault; passes on what is no
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
