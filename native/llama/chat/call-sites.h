#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "chat.h"
#include "llama/chat/chat-message.h"
#include "llama/chat/peg-tree.h"

namespace sluice {

// Where in llama.cpp's parser of a reply its tools and their arguments are. To find them, llama.cpp
// is given stand-ins: tools with names of ours, of whose arguments no more is said than what kind
// of value each is. So it never sees a schema that it would get wrong, and two names are never one
// to it. Afterwards the parser is given the true names.
class CallSites {
 public:
  CallSites() = default;
  // Of a parser that was made for the tools' stand-ins, which it has no longer then.
  CallSites(common_peg_arena& arena, const std::vector<ChatTool>& tools);

  // How the kinds of values are said: as they are, by anyOf in place of a list of types, or by one
  // type alone, since templates trip over the first two.
  enum class Kinds { given, alternatives, plain };
  static std::vector<common_chat_tool> stand_ins(const std::vector<ChatTool>& tools,
                                                 Kinds kinds = Kinds::given);
  // A text with true names in the places of stand-ins.
  static std::string with_names(std::string text, const std::vector<ChatTool>& tools);

  // The one tool whose name stands at or below a parser, or -1.
  int32_t tool_at(PegId id) const;
  // The arguments whose names do, by their numbers.
  const std::set<int32_t>& properties_at(PegId id) const;

  CallFormat format(const common_peg_arena& arena, bool is_gemma) const;

 private:
  struct Names {
    std::set<int32_t> tools, properties;
  };

  const Names& collect(const common_peg_arena& arena, PegId id);

  std::map<PegId, int32_t> tools_, properties_;  // of literals
  std::map<PegId, Names> names_at_;              // at or below
};

}  // namespace sluice
