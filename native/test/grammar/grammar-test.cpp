#include "grammar/grammar.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/fault.h"
#include "base/thread-time.h"
#include "grammar/constraint.h"
#include "grammar/grammar-matcher.h"
#include "grammar/grammar-vocabulary.h"
#include "test/check.h"

using sluice::Constraint;
using sluice::FaultCode;
using sluice::FaultError;
using sluice::Grammar;
using sluice::GrammarMatcher;
using sluice::GrammarSpec;
using sluice::GrammarVocabulary;
using sluice::kGivenGrammar;

namespace {

GrammarMatcher matcher(const std::string& grammar) {
  return GrammarMatcher(Grammar::compile(grammar, kGivenGrammar));
}

// By tokens of up to seven bytes.
bool follows(GrammarMatcher& one, const std::string& text) {
  for (size_t at = 0; at < text.size(); at += 7) {
    one.begin_row();
    if (!one.accept(text.substr(at, 7))) return false;
  }
  return true;
}

bool allows(const std::string& grammar, const std::string& text) {
  GrammarMatcher one = matcher(grammar);
  return follows(one, text) && one.can_end();
}

bool begins(const std::string& grammar, const std::string& text) {
  GrammarMatcher one = matcher(grammar);
  return follows(one, text);
}

// The message of the fault, or nothing when there is none.
std::string fault(const std::string& grammar, FaultCode code = FaultCode::invalid_grammar) {
  try {
    matcher(grammar);
  } catch (const FaultError& error) {
    CHECK(error.fault.code == code);
    return error.what();
  }
  return "";
}

bool is_refused(const std::string& grammar, const std::string& because) {
  return fault(grammar).find(because) != std::string::npos;
}

std::string times(const std::string& text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kQuarterOfASecond = 5000;  // a sanitizer takes many times as long
#else
constexpr double kQuarterOfASecond = 250;
#endif

// Of the processor's time: a machine may be busy with others.
double milliseconds(const std::string& grammar) {
  const double start = sluice::thread_cpu_ms();
  fault(grammar);
  return sluice::thread_cpu_ms() - start;
}

}  // namespace

TEST("grammar: literals, classes, groups, alternatives and comments are read") {
  const std::string grammar =
      "# a comment\n"
      "root ::= greeting \", \" [a-zA-Z_-]+ (\"!\" | \"?\"\n  | [^\\x00-\\x7f])\n"
      "greeting ::= \"Hi\" | \"G\\u00fcn Tag\" # another\n";
  CHECK(allows(grammar, "Hi, you_-!"));
  CHECK(allows(grammar, "G\u00fcn Tag, X\u00a1"));
  CHECK(!allows(grammar, "Hi, !"));
  CHECK(!allows(grammar, "Hi, you"));
  CHECK(begins(grammar, "Hi, you"));
  CHECK(!begins(grammar, "Hi, you!!"));
}

TEST("grammar: repetitions are exact") {
  for (int32_t count = 0; count < 9; ++count) {
    const std::string text = times("ab", size_t(count));
    CHECK_EQ(allows("root ::= \"ab\"*", text), true);
    CHECK_EQ(allows("root ::= \"ab\"+", text), count > 0);
    CHECK_EQ(allows("root ::= \"ab\"?", text), count < 2);
    CHECK_EQ(allows("root ::= \"ab\"{3}", text), count == 3);
    CHECK_EQ(allows("root ::= \"ab\"{2,5}", text), count >= 2 && count <= 5);
    CHECK_EQ(allows("root ::= (\"a\" \"b\"){2,}", text), count >= 2);
    CHECK_EQ(allows("root ::= \"ab\"{0}", text), count == 0);
    CHECK_EQ(allows("root ::= \"ab\"{1,2}{2,3}", text), count >= 2 && count <= 6);
  }
  CHECK(allows("root ::= \"a\"{4000,5000}", times("a", 4500)));
  CHECK(!allows("root ::= \"a\"{4000,5000}", times("a", 5001)));
}

TEST("grammar: a character counts when its last byte is there, and broken UTF-8 never") {
  const std::string grammar = "root ::= [\u00e4-\u00f6]+ \"\U0001F98A\"?";
  CHECK(allows(grammar, "\u00e4\u00f6\U0001F98A"));
  CHECK(begins(grammar, "\xc3"));
  CHECK(!allows(grammar, "\xc3"));
  CHECK(!begins(grammar, "\xc3\xbf"));
  CHECK(begins(grammar, "\u00e4\xf0\x9f"));
  CHECK(!begins(grammar, "\u00e4\xf0\x9e"));
  // Overlong forms, surrogates, what is beyond the last code point, and bytes that begin nothing.
  for (const char* broken : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                             "\xf0\x80\x80\x80", "\x80", "\xff"}) {
    CHECK(!begins("root ::= .*", broken));
    CHECK(!begins("root ::= [^a]*", broken));
  }
}

TEST("grammar: recursion goes to any depth, wherever it does not come first") {
  const std::string grammar = "root ::= \"[\" root* \"]\" | \"x\"";
  CHECK(allows(grammar, times("[", 20000) + "x" + times("]", 20000)));
  CHECK(!allows(grammar, "[x]]"));
  CHECK(allows("root ::= root | \"x\"", "x"));
  CHECK(allows("root ::= (\"a\"* \"b\"?)* \"c\"", "aababc"));
}

TEST("grammar: left recursion is refused, behind rules that may be empty too") {
  CHECK(is_refused("root ::= root \"a\" | \"b\"", "left recursion"));
  CHECK(is_refused("root ::= a \"x\"\na ::= b \"y\" | \"z\"\nb ::= root", "left recursion"));
  CHECK(is_refused("root ::= e root \"y\" | \"x\"\ne ::= f\nf ::= \"q\"?", "left recursion"));
  CHECK(is_refused("root ::= (root? \"a\")*", "left recursion"));
}

TEST("grammar: the rule that begins with itself is named, in a part of it too") {
  CHECK(is_refused("root ::= a\na ::= \"x\" | a \"y\"", "its rule 'a' begins with itself"));
  CHECK(is_refused("root ::= a\na ::= (a? \"y\")* \"x\"", "its rule 'a' begins with itself"));
  CHECK(is_refused("root ::= \"q\" (\"x\" | b)\nb ::= \"\"* b \"z\" | \"w\"", "its rule 'b'"));
}

TEST("grammar: nothing may be repeated, and is nothing") {
  for (const char* nothing : {"(\"\")*", "\"\"*", "\"\"+", "\"\"?", "\"\"{3}", "\"\"{2,}", "()*",
                              "((\"\")*)+", "(\"\" | \"\")*", "(\"\"*)*", "\"a\"{0}", "(\"a\"{0})*",
                              "empty*", "(empty empty)+", "(empty | \"\")*"}) {
    const std::string grammar = "root ::= " + std::string(nothing) + "\nempty ::= \"\"";
    if (!fault(grammar).empty()) CHECK_EQ(nothing, fault(grammar));
    CHECK(allows(grammar, ""));
    CHECK(!begins(grammar, "a"));
    const std::string before = "root ::= " + std::string(nothing) + " \"b\"\nempty ::= \"\"";
    CHECK(allows(before, "b"));
  }
}

TEST("grammar: loops over what may be nothing come to an end") {
  for (const char* loop : {"(\"a\"?)*", "(\"a\"*)*", "(\"a\"*)+", "(\"\" | \"a\")*",
                           "(\"a\"? \"b\"?)*", "maybe*", "(maybe maybe)*", "(maybe? | \"b\")+"}) {
    const std::string grammar = "root ::= " + std::string(loop) + "\nmaybe ::= \"a\" | \"\"";
    if (!fault(grammar).empty()) CHECK_EQ(loop, fault(grammar));
    CHECK(allows(grammar, ""));
    CHECK(allows(grammar, "aaaa"));
  }
}

TEST("grammar: a rule that could never end is not begun") {
  CHECK(is_refused("root ::= \"a\" root", "no text that ends"));
  const std::string grammar = "root ::= \"a\" (endless | \"b\")\nendless ::= \"c\" endless";
  CHECK(allows(grammar, "ab"));
  CHECK(!begins(grammar, "ac"));
}

TEST("grammar: a text that is no grammar is refused, and the message says where") {
  CHECK(is_refused("root = \"a\"", "'::=' behind the rule's name at line 1, column 6"));
  CHECK(is_refused("a ::= \"a\"", "no rule 'root'"));
  CHECK(is_refused("", "no rule 'root'"));
  CHECK(is_refused("root ::= a", "the rule 'a' is not defined"));
  CHECK(is_refused("root ::= \"a\"\nroot ::= \"b\"", "defined twice"));
  CHECK(is_refused("root ::= \"a", "the '\"' that ends this text at line 1, column 12"));
  CHECK(is_refused("root ::= [a", "the ']' that ends this class"));
  CHECK(is_refused("root ::= [a-", "the ']' that ends this class"));
  CHECK(is_refused("root ::= [z-a]", "a range whose end"));
  CHECK(is_refused("root ::= []", "a character between"));
  CHECK(is_refused("root ::= (\"a\"", "')'"));
  CHECK(is_refused("root ::= (\"a\" & \"b\")", "'|', and not '&', at line 1, column 15"));
  CHECK(is_refused("root ::= \"a\")", "no ')', since no group is open"));
  CHECK(is_refused("root ::= \"a\"]", "no ']', since no class is open"));
  CHECK(is_refused("root ::= 'a'", "a text in double quotes"));
  CHECK(is_refused("root ::= \"a\" ; \"b\"", "the end of the line, or a text"));
  CHECK(is_refused("root ::= *", "something to repeat before this at line 1, column 10"));
  CHECK(is_refused("root ::= \"a\" | {2}", "something to repeat before this"));
  CHECK(is_refused("root ::= (+ \"a\")", "something to repeat before this"));
  CHECK(is_refused("my_rule ::= \"a\"", "only letters, digits and '-'"));
  CHECK(is_refused("root ::= my_rule", "only letters, digits and '-'"));
  CHECK(is_refused("root ::= \"a\" |\nb ::= \"b\"", "begins on a line of its own"));
  CHECK(is_refused("root ::= \"a\" b ::= \"b\"", "begins on a line of its own"));
  CHECK(is_refused("root ::= \"a\"{2", "'}'"));
  CHECK(is_refused("root ::= \"\\xg0\"", "2 hexadecimal digits"));
  CHECK(is_refused("root ::= [\\u12]", "4 hexadecimal digits"));
  CHECK(is_refused("root ::= \"a\"{5,3}", "as many repetitions"));
  CHECK(is_refused("root ::= \"a\"{}", "a number of repetitions"));
  CHECK(is_refused("root ::= \"a\"{1,100000}", "more than 65535"));
  CHECK(is_refused("root ::= \"a\"{99999999999999999999999}", "more than 65535"));
  CHECK(is_refused("root ::= \"\\q\"", "an escape"));
  CHECK(is_refused("root ::= \"\\U00110000\"", "at most 10FFFF"));
  CHECK(is_refused("root ::= <[42]>", "token element, which is not supported"));
  CHECK(is_refused("root ::= !<x>", "token element, which is not supported"));
  CHECK(is_refused("%llguidance {}\nstart: \"a\"", "the name of a rule at line 1, column 1"));
  CHECK(
      is_refused(std::string("root ::= \"a\0b\"", 14), "no NUL character (\\x00 stands for one)"));
  CHECK(is_refused("root ::= root", "no text that ends"));
}

TEST("grammar: a hostile grammar is refused or compiled within a quarter of a second") {
  const std::string deep = "root ::= " + times("(", 30000) + "\"a\"" + times(")", 30000);
  CHECK(is_refused(deep, "nested deeper than 32"));
  CHECK(is_refused("root ::= \"" + times("a", 70000) + "\"", "expected at most 65536"));
  std::string chain = "root ::= r0\n";
  for (int32_t i = 0; i < 3000; ++i) {
    chain += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
  }
  const std::vector<std::string> all = {
      deep,
      chain + "r3000 ::= \"a\"",
      "root ::= " + times("\"a\"|", 16000) + "\"b\"",
      "root ::= " + times("a|", 32000) + "a\na ::= \"x\"",
      "root ::= \"" + times("a", 65000) + "\"{65535}",
      "root ::= " + times("\"a\"{65535}", 5000),
      "root ::= " + times("[^a]?", 13000),
      "root ::= " + times("(\"a\"*)*", 8000),
      "root ::= \"a\"{60000}{60000}{60000}",
      "root ::= " + times("x", 60000) + "::= \"a\"",
  };
  for (const std::string& grammar : all) CHECK(milliseconds(grammar) < kQuarterOfASecond);
}

// Each character doubles the stacks; llama.cpp's engine then doubles its memory.
TEST("grammar: an ambiguous grammar ends with a fault before it takes all memory") {
  GrammarMatcher one = matcher("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"");
  bool has_failed = false;
  try {
    one.accept(times("a", 200));
  } catch (const FaultError& error) {
    has_failed = error.fault.code == FaultCode::invalid_grammar;
  }
  CHECK(has_failed);
}

namespace {

// Rows of one byte until the grammar ends them with a fault; `rows_max` where it never does.
int32_t rows_until_fault(const std::string& grammar, char byte, int32_t rows_max) {
  GrammarMatcher one = matcher(grammar);
  for (int32_t row = 0; row < rows_max; ++row) {
    one.begin_row();
    try {
      CHECK(one.accept(std::string(1, byte)));
    } catch (const FaultError& error) {
      CHECK(error.fault.code == FaultCode::invalid_grammar);
      return row;
    }
  }
  return rows_max;
}

}  // namespace

// 250 x 7,000 ways at each byte: none is too much by itself, but all replies wait for each.
TEST("grammar: a grammar whose every row is dear ends after a few of them") {
  const std::string grammar = "root ::= x root \"a\" | \"b\"\nx ::= " + times("y|", 249) +
                              "y\ny ::= " + times(".|", 6999) + ".";
  CHECK(rows_until_fault(grammar, 'q', 1000) < 20);
}

TEST("grammar: a grammar that forgets no byte of a long text ends before it takes all memory") {
  std::string grammar = "root ::= r0";
  for (int32_t i = 1; i < 1000; ++i) grammar += "|r" + std::to_string(i);
  for (int32_t i = 0; i < 1000; ++i) {
    const std::string name = "r" + std::to_string(i);
    grammar += "\n" + name + " ::= \"a\" " + name + " \"b\" | \"c\"";
  }
  CHECK(rows_until_fault(grammar, 'a', 400) == 400);
  CHECK(rows_until_fault(grammar, 'a', 2000) < 2000);
}

TEST("grammar: a long text has its place though much of it is forgotten") {
  const std::string many = times("\"a\"|", 3000);
  GrammarMatcher one = matcher("root ::= \"a\" root \"b\" | y \"c\"\ny ::= " + many + "\"q\"");
  CHECK(follows(one, times("a", 200) + "ac" + times("b", 199)));
  CHECK(!one.can_end());
  CHECK(follows(one, "b"));
  CHECK(one.can_end());
}

TEST("grammar: a long text is followed in bounded memory, and none of it is lost") {
  GrammarMatcher one = matcher("root ::= (\"(\" root \")\" | [0-9]{1,3} \" \")*");
  for (int32_t round = 0; round < 300; ++round) {
    CHECK(follows(one, times("(", 500) + "12 " + times("(7 )", 50)));
    CHECK(!one.can_end());
    CHECK(follows(one, times(")", 500)));
    CHECK(one.can_end());
    CHECK(!one.accept(")"));
  }
}

namespace {

const std::vector<std::string> kPieces = {"",     "a", "ab", "abc", "b", "bc", "\xc3",
                                          "\xa4", "c", "ab", "<x>", "",  "x",  " a"};
constexpr int32_t kEnd = 10;
constexpr int32_t kControl = 11;

std::shared_ptr<const GrammarVocabulary> vocabulary() {
  return std::make_shared<GrammarVocabulary>(kPieces, std::vector<int32_t>{kEnd});
}

Constraint constraint(const std::string& grammar, GrammarSpec spec = {}) {
  return Constraint(Grammar::compile(grammar, kGivenGrammar), vocabulary(), spec);
}

std::string allowed(Constraint& one) {
  const std::vector<float> logits(kPieces.size(), 1.0f);
  std::vector<float> masked(kPieces.size(), -INFINITY);
  one.copy_allowed(logits.data(), masked.data());
  std::string tokens;
  for (size_t token = 0; token < masked.size(); ++token) {
    CHECK_EQ(one.allows(int32_t(token)), masked[token] > 0);
    if (masked[token] > 0) tokens += (tokens.empty() ? "" : " ") + std::to_string(token);
  }
  return tokens;
}

}  // namespace

TEST(
    "grammar: what was found of a state is right when it comes again, and once states are "
    "forgotten") {
  Constraint round = constraint("root ::= (\"a\" | \"b\" \"c\")*");
  for (int32_t times = 0; times < 3; ++times) {
    CHECK_EQ(allowed(round), std::string("1 2 3 4 5 9 10"));
    round.accept(4);
    CHECK_EQ(allowed(round), std::string("8"));
    round.accept(8);
  }
  // One of these stands right behind the forgetting, where states are numbered anew.
  for (int32_t bytes = 4080; bytes < 4120; ++bytes) {
    Constraint counts = constraint("root ::= \"b\" \"a\"{5000}");
    CHECK_EQ(allowed(counts), std::string("4"));
    counts.accept(4);
    for (int32_t byte = 1; byte < bytes; ++byte) counts.accept(1);
    CHECK_EQ(allowed(counts), std::string("1"));
  }
}

TEST("grammar: a vocabulary's tokens are allowed by their bytes, the last one only at an end") {
  Constraint one = constraint("root ::= \"ab\" (\"c\" | \"\u00e4\")");
  CHECK_EQ(allowed(one), std::string("1 2 3 9"));
  one.accept(1);
  CHECK_EQ(allowed(one), std::string("4 5"));
  one.accept(4);
  CHECK_EQ(allowed(one), std::string("6 8"));
  one.accept(6);
  CHECK_EQ(allowed(one), std::string("7"));
  one.accept(7);
  CHECK_EQ(allowed(one), std::string("10"));
  one.accept(kEnd);
  CHECK_EQ(allowed(one), std::string("10"));
}

TEST("grammar: a control token is allowed only where it is named, and as its name") {
  GrammarSpec spec;
  spec.named_tokens = {{kControl, "<call>"}};
  Constraint one = constraint("root ::= \"<call>\" \"a\" | \"x\"", spec);
  CHECK_EQ(allowed(one), std::string("11 12"));
  one.accept(kControl);
  CHECK_EQ(allowed(one), std::string("1"));
}

TEST("grammar: a lazy grammar begins with its trigger, and no token that breaks it passes") {
  GrammarSpec spec;
  spec.is_lazy = true;
  spec.triggers = {"bc"};
  Constraint one = constraint("root ::= \"bc\" \"x\"", spec);
  CHECK_EQ(allowed(one), std::string("0 1 2 3 4 5 6 7 8 9 10 11 12 13"));
  one.accept(12);
  one.accept(2);
  CHECK(one.is_waiting());
  one.accept(8);  // "ab" + "c" holds the trigger
  CHECK(!one.is_waiting());
  CHECK_EQ(allowed(one), std::string("12"));
  one.accept(12);
  CHECK_EQ(allowed(one), std::string("10"));

  Constraint other = constraint("root ::= \"bcb\"", spec);
  CHECK(other.allows(3));
  GrammarSpec early = spec;
  early.triggers = {"b"};
  Constraint third = constraint("root ::= \"bx\"", early);
  CHECK(!third.allows(3));  // "abc": the trigger, and then what the grammar refuses
  CHECK(third.allows(4));
}

TEST("grammar: a trigger that began while calls were held triggers nothing") {
  GrammarSpec spec;
  spec.is_lazy = true;
  spec.triggers = {"bc"};
  Constraint one = constraint("root ::= \"bc\" \"x\"", spec);
  one.suppress(true);
  one.accept(2);
  one.accept(8);
  one.accept(2);  // "abcab"
  one.suppress(false);
  one.accept(8);
  CHECK(one.is_waiting());
  one.accept(2);
  one.accept(8);
  CHECK(!one.is_waiting());
}

TEST("grammar: text of the prompt can be the grammar's") {
  Constraint one = constraint("root ::= \"ab\" \"c\"");
  CHECK(!one.accept_text("x"));
  CHECK(one.accept_text("ab"));
  CHECK_EQ(allowed(one), std::string("8"));
}
