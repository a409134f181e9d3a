#include "grammar/mark-automaton.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <set>

namespace sluice {
namespace {

using Text = std::u32string;

Text decoded(const std::string& utf8) {
  Text text;
  for (const unsigned char byte : utf8) {
    if ((byte & 0xC0) != 0x80) {
      const int32_t more = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : byte >= 0xC0 ? 1 : 0;
      text.push_back(more == 0 ? byte : byte & (0x3Fu >> more));
    } else if (!text.empty()) {
      text.back() = text.back() << 6 | (byte & 0x3Fu);
    }
  }
  return text;
}

std::string character(char32_t code_point) {
  char escape[11];
  std::snprintf(escape, sizeof escape, "\\U%08X", unsigned(code_point));
  return escape;
}

bool ends_with(const Text& text, const Text& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// The automaton that looks for the marks: each beginning of a mark is a state, and a rule.
class Automaton {
 public:
  explicit Automaton(const std::vector<std::string>& marks) {
    states_.insert(Text());
    for (const std::string& mark : marks) {
      marks_.push_back(decoded(mark));
      const Text& text = marks_.back();
      for (size_t length = 1; length < text.size(); ++length)
        states_.insert(text.substr(0, length));
      alphabet_.insert(text.begin(), text.end());
    }
  }

  std::string rules(const std::string& name, bool with_mark) const {
    std::string lines;
    for (const Text& state : states_) {
      lines += name_of(name, state) + " ::= " + rule(name, state, with_mark) + "\n";
    }
    return lines;
  }

 private:
  std::string rule(const std::string& name, const Text& state, bool with_mark) const {
    std::map<Text, std::string> next;
    std::string ending, all;
    for (const char32_t code_point : alphabet_) {
      all += character(code_point);
      Text text = state + code_point;
      if (ends_mark(text)) {
        ending += character(code_point);
        continue;
      }
      while (states_.count(text) == 0) text.erase(0, 1);
      next[text] += character(code_point);
    }
    std::string choices = with_mark ? "" : "\"\" | ";
    if (with_mark && !ending.empty()) choices += "[" + ending + "] | ";
    for (const auto& [text, characters] : next) {
      choices += "[" + characters + "] " + name_of(name, text) + " | ";
    }
    return choices + "[^" + all + "] " + name;
  }

  bool ends_mark(const Text& text) const {
    return std::any_of(marks_.begin(), marks_.end(),
                       [&](const Text& mark) { return ends_with(text, mark); });
  }

  std::string name_of(const std::string& name, const Text& state) const {
    if (state.empty()) return name;
    return name + "-s" + std::to_string(std::distance(states_.begin(), states_.find(state)));
  }

  std::vector<Text> marks_;
  std::set<Text> states_;
  std::set<char32_t> alphabet_;
};

}  // namespace

std::string mark_rules(const std::string& name, const std::vector<std::string>& marks,
                       bool with_mark) {
  return Automaton(marks).rules(name, with_mark);
}

}  // namespace sluice
