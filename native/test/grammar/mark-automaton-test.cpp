#include "grammar/mark-automaton.h"

#include <string>
#include <vector>

#include "grammar/grammar-matcher.h"
#include "grammar/grammar.h"
#include "test/check.h"

using sluice::Grammar;
using sluice::GrammarMatcher;
using sluice::mark_rules;

namespace {

// Whether text up to a mark, then the mark, is what `text` is.
bool allows(const std::vector<std::string>& marks, bool with_mark, const std::string& text) {
  const std::string rules = "root ::= u \n" + mark_rules("u", marks, with_mark);
  GrammarMatcher matcher(Grammar::compile(rules, sluice::kMadeGrammar));
  return matcher.accept(text) && matcher.can_end();
}

}  // namespace

TEST("text up to a mark holds no mark, and anything else") {
  const std::vector<std::string> marks{"</｜a>", "<|\"|>", "aab"};
  for (const char* text :
       {"", "<", "</", "</｜", "<</｜a", "<|\"|", "<|\"<|\"|", "aa", "aaca\n", "é<b"}) {
    CHECK(allows(marks, false, text));
    for (const std::string& mark : marks) CHECK(!allows(marks, false, text + mark));
  }
  CHECK(!allows(marks, false, "aaab"));
  CHECK(!allows(marks, false, "<</｜a> "));
}

TEST("text through a mark ends with the first one") {
  const std::vector<std::string> marks{"\n</p>\n"};
  CHECK(allows(marks, true, "\n</p>\n"));
  CHECK(allows(marks, true, "a\n\n</p\n</p>\n"));
  CHECK(!allows(marks, true, "a\n</p>"));
  CHECK(!allows(marks, true, "\n</p>\n</p>\n"));
}
