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

// Where in llama.cpp's parser of a reply the tools and their arguments are. To find them, llama.cpp
// is given stand-ins for the tools: names of ours, and of each argument only what kind of value it
// has. So it never sees a schema that it would get wrong, and never mixes up two names. Afterwards
// the true names are put into the parser.
class CallSites {
 public:
  CallSites() = default;
  // `arena` was made for the stand-ins; the true names are put into it.
  CallSites(common_peg_arena& arena, const std::vector<ChatTool>& tools);

  // How a kind of several types is written: as given, as anyOf instead of a list of types, or as
  // one type alone, since some templates fail on the first two.
  enum class Kinds { given, alternatives, plain };
  static std::vector<common_chat_tool> stand_ins(const std::vector<ChatTool>& tools,
                                                 Kinds kinds = Kinds::given);
  // A text in which true names replace the stand-ins.
  static std::string with_names(std::string text, const std::vector<ChatTool>& tools);

  // The only tool whose name stands at or below a parser, or -1.
  int32_t tool_at(PegId id) const;
  // The numbers of the arguments whose names stand at or below a parser.
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
