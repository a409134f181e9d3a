#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "llama/chat-format.h"
#include "llama/chat-message.h"

namespace sluice {

// Writes the grammar of replies in one format, as GBNF: what llama.cpp's parser of them reads, with
// the tools' own rules where their arguments stand. An argument that may be left out is written
// once at most, in the order of the schema. Used by ChatTemplate, for one grammar.
class ChatGrammar {
 public:
  ChatGrammar(const ChatFormat& format, const std::vector<ChatTool>& tools);

  // Of whole replies, and of the calls in them. Only one of them, once. A reply that `must_call`
  // says nothing beside its thoughts and its calls.
  std::string of_replies(bool must_call);
  // Empty where the format does not say where calls begin.
  std::string of_calls();

 private:
  // What a parser is inside of: the tool, its argument, and the one argument that is meant where
  // any of several may stand. -1 is none.
  struct Where {
    int32_t tool = -1, property = -1, only = -1;
  };

  std::string finish(const std::string& root);
  // These are one item of a sequence each.
  std::string item(PegId id, Where where);
  std::string rule(PegId id, const common_peg_rule_parser& rule, const Where& where);
  std::string sequence(const std::vector<PegId>& children, const Where& where);
  std::string choice(const std::vector<PegId>& children, const Where& where);
  std::string repetition(const common_peg_repetition_parser& parser, const Where& where);
  std::string tag(PegId id, const common_peg_tag_parser& parser, Where where);
  std::string schema(const common_peg_schema_parser& parser, const Where& where);
  // Text up to the first of some marks, or up to its end.
  std::string until(const std::vector<std::string>& marks, bool with_mark);

  const ChatToolProperty* property(const Where& where) const;
  bool is_looked_for(PegId id) const;
  // Whether where it stands makes a difference.
  bool is_of_arguments(PegId id) const;
  std::set<PegId> triggers() const;
  void define(const std::string& name, const std::string& expression);

  const ChatFormat& format_;
  const common_peg_arena& arena_;
  const std::vector<ChatTool>& tools_;
  bool must_call_ = false;
  std::set<std::string> looked_for_;  // literals that the parser demands at once, by lookaheads
  std::set<std::string> defined_;
  std::map<std::pair<std::vector<std::string>, bool>, std::string> untils_;
  std::string lines_;
};

}  // namespace sluice
