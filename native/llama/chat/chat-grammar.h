#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "llama/chat/chat-format.h"
#include "llama/chat/chat-message.h"

namespace sluice {

// Writes the grammar of replies in one format, as GBNF: what llama.cpp's parser of them reads, with
// the tools' own rules where their arguments stand. An argument that may be left out is written
// once at most, in the order of the schema. Used by ChatTemplate, for one grammar.
class ChatGrammar {
 public:
  ChatGrammar(const ChatFormat& format, const std::vector<ChatTool>& tools);

  // Of a reply's thoughts, where it has some.
  enum class Thoughts {
    free,
    needed,  // the prompt has opened them
    blank,   // or has them already; no more is thought
    none,
  };

  // Of whole replies, of those with a form, and of the calls in them. Only one of them, once. A
  // reply that `must_call` says nothing beside its thoughts and its calls.
  std::string of_replies(bool must_call);
  // What stands behind the thoughts is the rule `form`, which is somebody else's; or, if it may
  // call, calls and nothing else. Empty where the format has no place for one. What may be blank
  // before it is the rule `form-space`, which is for the caller to define.
  std::string of_forms(bool may_call, Thoughts thoughts);
  // Empty where the format does not say where calls begin.
  std::string of_calls();

 private:
  // What of all that a parser reads is written.
  enum class Aim {
    any,
    call,   // with a call, and nothing said beside it
    quiet,  // with nothing said
    form,   // with a form for what is said, once, and no call
    still,  // with neither
  };
  // What a parser is inside of: the tool, its argument, and the one argument that is meant where
  // any of several may stand. -1 is none.
  struct Where {
    int32_t tool = -1, property = -1, only = -1;
    Aim aim = Aim::any;
  };
  // What there is at or below a parser: may be, or is in each text of it.
  struct Parts {
    bool may_call = false, must_call = false, speaks = false, thinks = false;
    bool is_free = false;  // any text, which is no piece of the reply
  };

  std::string finish(const std::string& root);
  const Parts& parts(PegId id);
  Parts parts_below(PegId id);
  // One that makes no difference below a parser is none.
  Aim aim_at(PegId id, Aim aim);
  // Whether a mark that may be left out is not, since what stands beside it would have no border.
  bool is_border(const std::vector<PegId>& children, size_t at, Aim aim);
  bool is_in_prompt(PegId id) const;
  // The one of a sequence that a call, or the form, is in; none is -1.
  int32_t place_of(const std::vector<PegId>& children, Aim aim);
  // These are one item of a sequence each; empty is what cannot be.
  std::string item(PegId id, Where where);
  std::string rule(PegId id, const common_peg_rule_parser& rule, const Where& where);
  std::string sequence(const std::vector<PegId>& children, const Where& where);
  std::string choice(const std::vector<PegId>& children, const Where& where);
  std::string repetition(const common_peg_repetition_parser& parser, const Where& where);
  std::string repeated_for(const common_peg_repetition_parser& parser, const Where& where);
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
  Thoughts thoughts_ = Thoughts::free;
  std::map<PegId, Parts> parts_;
  std::set<std::string> looked_for_;     // literals that the parser demands at once, by lookaheads
  std::map<std::string, bool> defined_;  // by name, whether there is anything
  std::map<std::pair<std::vector<std::string>, bool>, std::string> untils_;
  std::string lines_;
};

}  // namespace sluice
