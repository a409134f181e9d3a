#include "grammar/form-tracker.h"

#include <memory>
#include <string>

#include "grammar/grammar.h"
#include "test/check.h"

using sluice::FormSpan;
using sluice::FormTracker;
using sluice::Grammar;
using sluice::GrammarMatcher;
using sluice::InnerGrammar;

namespace {

// A reply's text, given in pieces, and where its form is by then.
struct Reply {
  Reply(const std::string& around, const std::string& form) : matcher(compiled(around, form)) {}

  static std::shared_ptr<const Grammar> compiled(const std::string& around,
                                                 const std::string& form) {
    const InnerGrammar inner{form, sluice::kGivenGrammar};
    return Grammar::compile(around, sluice::kMadeGrammar, &inner);
  }

  bool append(const std::string& text) {
    tracker.follow(matcher, text);
    return matcher.accept(text);
  }

  GrammarMatcher matcher;
  FormTracker tracker;
};

const std::string kThoughts =
    "root ::= (\"<t>\" [^<]* \"</t>\")? space form \"<end>\"?\nspace ::= [ \\n]*\n";

}  // namespace

TEST("form tracker: a form begins behind its thoughts, and ends before a mark") {
  Reply reply(kThoughts, "root ::= \"{\" x \"}\"\nx ::= [a-zé]+");
  CHECK(reply.append("<t>{hm}</t>\n"));
  CHECK_EQ(reply.tracker.span().begin, FormSpan::kUnknown);
  CHECK(reply.append("{é"));
  CHECK_EQ(reply.tracker.span().begin, 12);
  CHECK(reply.append("}<end>"));
  CHECK_EQ(reply.tracker.span().end, 16);
  CHECK(reply.matcher.can_end());
}

TEST("form tracker: the names of the two grammars are apart") {
  Reply reply(kThoughts, "root ::= space\nspace ::= \"x\" form\nform ::= \"y\"");
  CHECK(reply.append("xy"));
  CHECK_EQ(reply.tracker.span().begin, 0);
  CHECK(reply.matcher.can_end());
}

TEST("form tracker: text that could be a call or a form waits until it is one") {
  Reply reply("root ::= \"{call}\" | form", "root ::= \"{c\" [a-z]* \"}!\"");
  CHECK(reply.append("{ca"));
  CHECK_EQ(reply.tracker.span().settled, 0);
  CHECK(reply.tracker.span().is_unsettled);
  CHECK(reply.append("r"));
  CHECK_EQ(reply.tracker.span().begin, 0);
  CHECK_EQ(reply.tracker.span().settled, 4);
}

TEST("form tracker: a space is the form's where the form begins with one") {
  Reply reply(kThoughts, "root ::= \" so\"");
  CHECK(reply.append("\n\n so"));
  CHECK_EQ(reply.tracker.span().begin, 2);
}

TEST("form tracker: what the prompt has of a form counts as its beginning") {
  Reply reply(kThoughts, "root ::= \"abcd\"");
  CHECK(reply.append("<t></t>ab"));
  reply.tracker.begin_reply();
  CHECK_EQ(reply.tracker.span().begin, 0);
  CHECK(reply.append("cd"));
  CHECK_EQ(reply.tracker.span().settled, 2);
}

TEST("form tracker: thoughts that were opened are no form that begins alike") {
  Reply reply(kThoughts, "root ::= [^\\n]*");
  CHECK(reply.append("<t>x"));
  CHECK(reply.tracker.span().is_unsettled);
  reply.matcher.leave_form();
  CHECK(reply.append("y</t>"));
  CHECK_EQ(reply.tracker.span().begin, FormSpan::kUnknown);
  CHECK(reply.append("so"));
  CHECK_EQ(reply.tracker.span().begin, 9);
}
