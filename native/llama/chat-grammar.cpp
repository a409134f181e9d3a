#include "llama/chat-grammar.h"

#include <algorithm>
#include <cstdio>

#include "chat-peg-parser.h"
#include "llama/mark-automaton.h"
#include "llama/peg-tree.h"

namespace sluice {
namespace {

using Tag = common_chat_peg_builder;

const std::string kNothing = "\"\"";

std::string literal(const std::string& text) {
  std::string result = "\"";
  for (char byte : text) {
    if (byte == '"' || byte == '\\') result += '\\';
    if (static_cast<unsigned char>(byte) < 0x20) {
      char escape[5];
      std::snprintf(escape, sizeof escape, "\\x%02X", unsigned(byte));
      result += escape;
    } else {
      result += byte;
    }
  }
  return result + '"';
}

std::string repeated(const std::string& item, int32_t min, int32_t max) {
  if (item == kNothing || max == 0) return kNothing;
  if (min == 1 && max == 1) return item;
  if (min == 0 && max == 1) return item + "?";
  if (max == -1 && min <= 1) return item + (min == 0 ? "*" : "+");
  return item + "{" + std::to_string(min) + "," + (max == -1 ? "" : std::to_string(max)) + "}";
}

std::string string_content(char delimiter) {
  const std::string mark = delimiter == '"' ? "\\\"" : std::string(1, delimiter);
  return "([^" + mark + "\\\\\\x00-\\x1f] | \"\\\\\" ([" + mark +
         "\\\\/bfnrt] | \"u\" [0-9a-fA-F]{4}))*";
}

}  // namespace

ChatGrammar::ChatGrammar(const ChatFormat& format, const std::vector<ChatTool>& tools)
    : format_(format), arena_(format.parser()), tools_(tools) {
  for (PegId id = 0; id < arena_.size(); ++id) {
    const auto* ahead = peg_as<common_peg_and_parser>(arena_.get(id));
    if (!ahead) continue;
    const auto* seen = peg_as<common_peg_literal_parser>(arena_.get(ahead->child));
    if (seen) looked_for_.insert(seen->literal);
  }
}

std::string ChatGrammar::of_replies(bool must_call) {
  must_call_ = must_call;
  return finish(item(arena_.root(), {}));
}

std::string ChatGrammar::of_calls() {
  std::string root;
  for (PegId id : triggers()) root += (root.empty() ? "" : " | ") + item(id, {});
  return root.empty() ? root : finish(root);
}

std::string ChatGrammar::finish(const std::string& root) {
  std::string text = "root ::= " + root + "\nspace ::= \" \" | \"\\n\"{1,2} [ \\t]{0,20} | \"\"\n";
  text += lines_;
  std::set<std::string> written;
  for (const ChatTool& tool : tools_) {
    if (written.insert(tool.rules).second) text += tool.rules + "\n";
  }
  return text;
}

// The rules that calls begin with, but those that only stand inside of others.
std::set<PegId> ChatGrammar::triggers() const {
  std::set<PegId> found, inner;
  const auto is_trigger = [](const common_peg_parser_variant& parser) {
    const auto* rule = peg_as<common_peg_rule_parser>(parser);
    return rule && rule->trigger;
  };
  peg_visit(arena_, arena_.root(), [&](PegId id, const common_peg_parser_variant& parser) {
    if (is_trigger(parser)) found.insert(id);
    return true;
  });
  for (PegId outer : found) {
    peg_visit(arena_, outer, [&](PegId id, const common_peg_parser_variant& parser) {
      if (id != outer && is_trigger(parser)) inner.insert(id);
      return true;
    });
  }
  for (PegId id : inner) found.erase(id);
  return found;
}

std::string ChatGrammar::item(PegId id, Where where) {
  if (where.tool < 0) where.tool = format_.places().tool_at(id);
  const common_peg_parser_variant& parser = arena_.get(id);
  if (const auto* p = peg_as<common_peg_literal_parser>(parser)) return literal(p->literal);
  if (const auto* p = peg_as<common_peg_sequence_parser>(parser)) {
    return sequence(p->children, where);
  }
  if (const auto* p = peg_as<common_peg_choice_parser>(parser)) return choice(p->children, where);
  if (const auto* p = peg_as<common_peg_repetition_parser>(parser)) return repetition(*p, where);
  if (const auto* p = peg_as<common_peg_tag_parser>(parser)) return tag(id, *p, where);
  if (const auto* p = peg_as<common_peg_atomic_parser>(parser)) return item(p->child, where);
  if (const auto* p = peg_as<common_peg_schema_parser>(parser)) return schema(*p, where);
  if (const auto* p = peg_as<common_peg_rule_parser>(parser)) return rule(id, *p, where);
  if (const auto* p = peg_as<common_peg_ref_parser>(parser)) {
    return item(arena_.get_rule(p->name), where);
  }
  if (peg_as<common_peg_any_parser>(parser)) return ".";
  if (peg_as<common_peg_space_parser>(parser)) return "space";
  if (const auto* p = peg_as<common_peg_chars_parser>(parser)) {
    return repeated(p->pattern, p->min_count, p->max_count);
  }
  if (const auto* p = peg_as<common_peg_string_parser>(parser)) {
    return string_content(p->delimiter);
  }
  if (const auto* p = peg_as<common_peg_until_parser>(parser)) return until(p->delimiters, false);
  if (const auto* p = peg_as<common_peg_ac_parser>(parser)) {
    const ChatToolProperty* of = property(where);
    return of && !of->text.empty() ? item(p->child, where) : until(p->delimiters, true);
  }
  if (const auto* p = peg_as<common_peg_gbnf_parser>(parser)) {
    // Of an argument's value the parser knows more than the grammar that llama.cpp has for it.
    if (property(where)) return item(p->child, where);
    return p->grammar.empty() ? kNothing : "(" + p->grammar + ")";
  }
  return kNothing;  // where a text begins or ends, and lookaheads, which take nothing
}

std::string ChatGrammar::rule(PegId id, const common_peg_rule_parser& rule, const Where& where) {
  std::string name = "p" + std::to_string(id);
  if (!is_of_arguments(id)) {
    if (defined_.insert(name).second) define(name, item(rule.child, {}));
    return name;
  }
  if (where.tool >= 0) name += "-t" + std::to_string(where.tool);
  if (where.property >= 0) name += "-a" + std::to_string(where.property);
  if (where.only >= 0) name += "-o" + std::to_string(where.only);
  if (defined_.insert(name).second) define(name, item(rule.child, where));
  return name;
}

std::string ChatGrammar::sequence(const std::vector<PegId>& children, const Where& where) {
  std::string all;
  for (size_t i = 0; i < children.size(); ++i) {
    const bool is_space = peg_as<common_peg_space_parser>(arena_.get(children[i])) != nullptr;
    if (is_space && i + 1 < children.size() && is_looked_for(children[i + 1])) continue;
    const std::string one = item(children[i], where);
    if (one != kNothing) all += (all.empty() ? "" : " ") + one;
  }
  return all.empty() ? kNothing : "(" + all + ")";
}

bool ChatGrammar::is_looked_for(PegId id) const {
  const auto* literal = peg_as<common_peg_literal_parser>(arena_.get(id));
  return literal && looked_for_.count(literal->literal) > 0;
}

std::string ChatGrammar::choice(const std::vector<PegId>& children, const Where& where) {
  std::string all;
  for (PegId child : children) {
    const std::set<int32_t>& properties = format_.places().properties_at(child);
    const bool is_other = where.only >= 0 && !properties.empty() && !properties.count(where.only);
    if (!is_other) all += (all.empty() ? "" : " | ") + item(child, where);
  }
  return all.empty() ? kNothing : "(" + all + ")";
}

std::string ChatGrammar::repetition(const common_peg_repetition_parser& parser,
                                    const Where& where) {
  const std::set<int32_t>& properties = format_.places().properties_at(parser.child);
  const bool is_any_number = parser.min_count == 0 && parser.max_count == -1;
  // Of a call's arguments, and not of calls.
  const bool is_inside = where.tool >= 0 && format_.places().tool_at(parser.child) < 0;
  const bool is_apart = where.property < 0 && where.only < 0;
  if (!is_any_number || !is_inside || !is_apart || properties.empty()) {
    return repeated(item(parser.child, where), parser.min_count, parser.max_count);
  }
  std::string all;
  for (int32_t only : properties) {
    Where once = where;
    once.only = only;
    all += (all.empty() ? "" : " ") + repeated(item(parser.child, once), 0, 1);
  }
  return "(" + all + ")";
}

std::string ChatGrammar::tag(PegId id, const common_peg_tag_parser& parser, Where where) {
  if (must_call_ && parser.tag == Tag::CONTENT) return "space";
  const std::set<int32_t>& properties = format_.places().properties_at(id);
  if (parser.tag == Tag::TOOL_ARG && properties.size() == 1) where.property = *properties.begin();
  const ChatToolProperty* of = property(where);
  if (of && parser.tag == Tag::TOOL_ARG_STRING_VALUE && !of->text.empty()) return of->text;
  if (of && parser.tag == Tag::TOOL_ARG_VALUE && !of->json.empty()) return of->json;
  const bool is_gemma = format_.name() == COMMON_CHAT_FORMAT_PEG_GEMMA4;
  if (is_gemma && parser.tag == Tag::TOOL_ARGS && where.tool >= 0) {
    const std::string& root = tools_[size_t(where.tool)].root;
    if (!root.empty()) return root;
  }
  return item(parser.child, where);
}

std::string ChatGrammar::schema(const common_peg_schema_parser& parser, const Where& where) {
  const ChatToolProperty* of = property(where);
  if (of && !of->json.empty()) return of->json;
  const bool is_whole = where.tool >= 0 && !of && !tools_[size_t(where.tool)].root.empty();
  return is_whole ? tools_[size_t(where.tool)].root : item(parser.child, where);
}

std::string ChatGrammar::until(const std::vector<std::string>& marks, bool with_mark) {
  if (marks.empty()) return ".*";
  const std::string next = "u" + std::to_string(untils_.size());
  const auto [entry, is_new] = untils_.try_emplace({marks, with_mark}, next);
  if (is_new) lines_ += mark_rules(next, marks, with_mark);
  return entry->second;
}

const ChatToolProperty* ChatGrammar::property(const Where& where) const {
  if (where.tool < 0 || where.property < 0) return nullptr;
  return &tools_[size_t(where.tool)].properties[size_t(where.property)];
}

bool ChatGrammar::is_of_arguments(PegId root) const {
  bool is_it = false;
  peg_visit(arena_, root, [&](PegId, const common_peg_parser_variant& parser) {
    const auto* tag = peg_as<common_peg_tag_parser>(parser);
    is_it |= peg_as<common_peg_schema_parser>(parser) != nullptr;
    is_it |= tag && tag->tag.compare(0, 8, "tool-arg") == 0;
    return !is_it;
  });
  return is_it;
}

void ChatGrammar::define(const std::string& name, const std::string& expression) {
  lines_ += name + " ::= " + expression + "\n";
}

}  // namespace sluice
