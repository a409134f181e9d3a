// What a grammar costs a token, on a made-up vocabulary of 152,000 tokens: the whole mask, which is
// needed where the first choice is refused, and the look at that one choice. ARCHITECTURE.md
// has its figures.

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "grammar/constraint.h"

namespace {

using namespace sluice;

constexpr int32_t kTokens = 152000;
constexpr int32_t kRows = 400;

// Bytes, words of up to 12 letters with and without a space in front, numbers, punctuation as JSON
// strings it together, and words of two and three bytes a letter.
std::vector<std::string> made_up_pieces() {
  std::mt19937 random(1);
  const auto below = [&](uint32_t limit) { return random() % limit; };
  const auto repeated = [&](uint32_t most, const auto& one) {
    std::string text;
    for (uint32_t left = 1 + below(most); left > 0; --left) text += one();
    return text;
  };
  const std::string letters = "etaoinshrdlucmfwypvbgkjqxz", marks = "\"\"{}[]:,,. \n\t-_/\\()";
  const auto letter = [&] {
    const char c = letters[std::min(below(26), below(26))];
    return std::string(1, below(20) == 0 ? char(c - 32) : c);
  };
  const auto wide = [&]() -> std::string {
    if (below(2) == 0) return {char(0xD0), char(0x80 + below(64))};
    return {char(0xE4 + below(5)), char(0x80 + below(64)), char(0x80 + below(64))};
  };
  std::set<std::string> pieces;
  for (int32_t byte = 0; byte < 256; ++byte) pieces.insert(std::string(1, char(byte)));
  while (pieces.size() < size_t(kTokens - 1)) {
    const uint32_t kind = below(100);
    if (kind < 80)
      pieces.insert((below(2) == 0 ? " " : "") + repeated(12, letter));
    else if (kind < 84)
      pieces.insert(repeated(3, [&] { return std::string(1, char('0' + below(10))); }));
    else if (kind < 90)
      pieces.insert(repeated(5, [&] { return std::string(1, marks[below(19)]); }));
    else
      pieces.insert(repeated(4, wide));
  }
  std::vector<std::string> list(pieces.begin(), pieces.end());
  std::shuffle(list.begin(), list.end(), random);
  list.push_back("</s>");
  return list;
}

double microseconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
      .count();
}

void print_times(const char* what, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) { return times[size_t(share * double(times.size() - 1))]; };
  std::printf("  %-14s median %8.1f us   p99 %8.1f us   most %8.1f us\n", what, at(0.5), at(0.99),
              times.back());
}

// A reply whose tokens are drawn evenly among those that are allowed.
void run(const char* name, const std::string& text,
         std::shared_ptr<const GrammarVocabulary> vocabulary) {
  const auto before = mallinfo2().uordblks;
  GrammarSpec spec;
  spec.origin = GrammarOrigin::schema;
  Constraint constraint(Grammar::compile(text, kMadeGrammar), std::move(vocabulary), spec);
  const std::vector<float> logits(kTokens, 1.0f);
  const float none = -std::numeric_limits<float>::infinity();
  std::vector<float> masked(kTokens);
  std::vector<double> masks, looks;
  std::mt19937 random(7);
  int32_t rows = 0;
  double allowed_sum = 0;
  std::string failure;
  try {
    for (; rows < kRows; ++rows) {
      std::fill(masked.begin(), masked.end(), none);
      const int32_t any = int32_t(random() % kTokens);
      looks.push_back(microseconds([&] { constraint.allows(any); }));
      masks.push_back(microseconds([&] { constraint.copy_allowed(logits.data(), masked.data()); }));
      std::vector<int32_t> allowed;
      for (int32_t token = 0; token < kTokens - 1; ++token) {
        if (masked[size_t(token)] > none) allowed.push_back(token);
      }
      allowed_sum += double(allowed.size());
      if (allowed.empty()) break;
      constraint.accept(allowed[random() % allowed.size()]);
    }
  } catch (const FaultError& error) {
    failure = error.what();
  }
  std::printf("%s: %d rows, %.0f tokens allowed on average, %.1f MiB%s%s\n", name, rows,
              allowed_sum / std::max(1, rows), double(mallinfo2().uordblks - before) / 1048576,
              failure.empty() ? "" : "; ended: ", failure.c_str());
  print_times("whole mask", masks);
  print_times("one token", looks);
}

constexpr const char* kJson = R"(root ::= object
value ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ws (pair ("," ws pair)* ws)? "}"
array ::= "[" ws (value ("," ws value)* ws)? "]"
pair ::= string ws ":" ws value
string ::= "\"" char* "\""
char ::= [^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?
ws ::= (" " | "\n" [ \t]{0,20})?
)";

constexpr const char* kPeople = R"(root ::= "[" person ("," person){200,} "]"
person ::= "{\"name\": " name ", \"age\": " age ", \"kind\": " kind ", \"active\": " active "}"
name ::= "\"" [^"\\\x00-\x1f]{0,40} "\""
age ::= [1-9] [0-9]? | "0"
kind ::= "\"farmer\"" | "\"sailor\"" | "\"baker\"" | "\"smith\""
active ::= "true" | "false"
)";

constexpr const char* kText = R"(root ::= "\"" ([^"\\\x00-\x1f] | "\\" ["\\/bfnrt]){20000} "\"")";

constexpr const char* kAmbiguous = R"(root ::= (a | b | c){300,} "."
a ::= [a-m ]{1,9}
b ::= [g-z ]{1,7}
c ::= [a-z ]{1,5}
)";

}  // namespace

int main() {
  std::vector<std::string> pieces = made_up_pieces();
  const auto before = mallinfo2().uordblks;
  std::shared_ptr<const GrammarVocabulary> vocabulary;
  const double made = microseconds([&] {
    vocabulary = std::make_shared<const GrammarVocabulary>(std::move(pieces),
                                                           std::vector<int32_t>{kTokens - 1});
  });
  std::printf("vocabulary: %d tokens, %.0f ms, %.1f MiB beside the pieces\n", kTokens, made / 1000,
              double(mallinfo2().uordblks - before) / 1048576);
  run("any JSON object", kJson, vocabulary);
  run("a list of people", kPeople, vocabulary);
  run("one long string", kText, vocabulary);
  run("an ambiguous text", kAmbiguous, vocabulary);
}
