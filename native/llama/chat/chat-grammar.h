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

// Writes the grammar of replies in one format, as GBNF: what llama.cpp's parser reads, with the
// tools' own rules for their arguments. An optional argument comes once at most, in the order of
// the schema. Used by ChatTemplate, for one grammar.
class ChatGrammar {
 public:
  ChatGrammar(const ChatFormat& format, const std::vector<ChatTool>& tools);

  // The reasoning of a reply with a form.
  enum class Reasoning {
    free,    // may come before the form
    needed,  // the prompt has opened it: it must end first
    blank,   // the prompt has its marks already: only white space may come
    none,
  };

  // These three: only one of them, once. Of whole replies; with `must_call` a reply has no text
  // beside its reasoning and its calls.
  std::string of_replies(bool must_call);
  // Of replies with a form: after the reasoning comes the rule `form`, or, with `may_call`, calls
  // alone. Empty where the format has no place for a form. The caller defines the rules `form` and
  // `form-space`, the white space before it.
  std::string of_forms(bool may_call, Reasoning reasoning);
  // Of calls alone. Empty where it is not known where calls begin.
  std::string of_calls();

 private:
  // Which of all replies that a parser reads the grammar allows.
  enum class Aim {
    any,
    call,   // those with a call, and no text beside it
    quiet,  // those without text
    form,   // those whose text is a form, once, without a call
    still,  // those without text and without a call
  };
  // What a parser is inside of: a tool, its argument; and `only`, the one argument that is meant
  // where any of several may stand. -1 is none.
  struct Where {
    int32_t tool = -1, property = -1, only = -1;
    Aim aim = Aim::any;
  };
  // What texts of a parser may have in them, or must have.
  struct Parts {
    bool may_call = false, must_call = false, has_text = false, has_reasoning = false;
    bool is_free = false;  // any text that is no piece of the reply
  };

  std::string finish(const std::string& root);
  const Parts& parts(PegId id);
  Parts parts_below(PegId id);
  // The aim for a parser: `any` where the aim makes no difference below it.
  Aim aim_at(PegId id, Aim aim);
  // Whether an optional mark must be written, because the piece beside it would have no border
  // else.
  bool is_border(const std::vector<PegId>& children, size_t at, Aim aim);
  bool is_in_prompt(PegId id) const;
  // The index of the child that has the call, or the form, in it; -1: none.
  int32_t place_of(const std::vector<PegId>& children, Aim aim);
  // These return one item of a sequence each; an empty one cannot be written.
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
  // Whether its rule depends on the argument that it is in.
  bool is_of_arguments(PegId id) const;
  std::set<PegId> triggers() const;
  void define(const std::string& name, const std::string& expression);

  const ChatFormat& format_;
  const common_peg_arena& arena_;
  const std::vector<ChatTool>& tools_;
  Reasoning reasoning_ = Reasoning::free;
  std::map<PegId, Parts> parts_;
  std::set<std::string> looked_for_;     // literals of the parser's lookaheads
  std::map<std::string, bool> defined_;  // rules by name: false where nothing can be written
  std::map<std::pair<std::vector<std::string>, bool>, std::string> untils_;
  std::string lines_;
};

}  // namespace sluice
