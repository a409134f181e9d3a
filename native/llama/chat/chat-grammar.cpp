#include "llama/chat/chat-grammar.h"

#include <algorithm>
#include <cstdio>

#include "chat-peg-parser.h"
#include "grammar/mark-automaton.h"
#include "llama/chat/peg-tree.h"

namespace sluice {
namespace {

using Tag = common_chat_peg_builder;

const std::string kNothing = "\"\"";
const std::string kNever;  // what cannot be written at all
const std::string kForm = "form", kFormSpace = "form-space";

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
  if (item == kNever) return min == 0 ? kNothing : kNever;
  if (item == kNothing || max == 0) return kNothing;
  if (min == 1 && max == 1) return item;
  if (min == 0 && max == 1) return item + "?";
  if (max == -1 && min <= 1) return item + (min == 0 ? "*" : "+");
  return item + "{" + std::to_string(min) + "," + (max == -1 ? "" : std::to_string(max)) + "}";
}

// A piece of a reply that is read as one of these.
bool is_tagged(const common_peg_parser_variant& parser, const char* tag) {
  const auto* found = peg_as<common_peg_tag_parser>(parser);
  return found && found->tag == tag;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

std::string suffix_of(int32_t aim) {
  static constexpr const char* suffixes[] = {"", "-c", "-q", "-f", "-s"};
  return suffixes[aim];
}

// Either, or the one that can be.
std::string either(const std::string& a, const std::string& b) {
  return a == kNever ? b : b == kNever ? a : a + " | " + b;
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
  Where where;
  if (must_call) where.aim = Aim::quiet;
  return finish(item(arena_.root(), where));
}

std::string ChatGrammar::of_forms(bool may_call, Reasoning reasoning) {
  reasoning_ = reasoning;
  Where where;
  where.aim = Aim::form;
  const std::string forms = item(arena_.root(), where);
  if (forms == kNever) return kNever;
  where.aim = Aim::call;
  return finish(may_call ? either(forms, item(arena_.root(), where)) : forms);
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

// The rules that calls begin with, except those that only stand inside of others.
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
  if (where.tool < 0) where.tool = format_.sites().tool_at(id);
  where.aim = aim_at(id, where.aim);
  const bool is_without_calls = where.aim == Aim::form || where.aim == Aim::still;
  if (is_without_calls && parts(id).must_call) return kNever;
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
  if (const auto* p = peg_as<common_peg_until_parser>(parser)) {
    return where.aim == Aim::any ? until(p->delimiters, false) : kNothing;
  }
  if (const auto* p = peg_as<common_peg_ac_parser>(parser)) {
    const ChatToolProperty* of = property(where);
    return of && !of->text.empty() ? item(p->child, where) : until(p->delimiters, true);
  }
  if (const auto* p = peg_as<common_peg_gbnf_parser>(parser)) {
    // For an argument's value the parser is more exact than llama.cpp's grammar.
    if (property(where)) return item(p->child, where);
    return p->grammar.empty() ? kNothing : "(" + p->grammar + ")";
  }
  return kNothing;  // where a text begins or ends, and lookaheads, which take nothing
}

std::string ChatGrammar::rule(PegId id, const common_peg_rule_parser& rule, const Where& where) {
  std::string name = "p" + std::to_string(id) + suffix_of(int32_t(where.aim));
  Where within;
  within.aim = where.aim;
  if (is_of_arguments(id)) {
    within = where;
    if (where.tool >= 0) name += "-t" + std::to_string(where.tool);
    if (where.property >= 0) name += "-a" + std::to_string(where.property);
    if (where.only >= 0) name += "-o" + std::to_string(where.only);
  }
  const auto [entry, is_new] = defined_.try_emplace(name, true);
  if (is_new) {
    const std::string expression = item(rule.child, within);
    entry->second = expression != kNever;
    if (entry->second) define(name, expression);
  }
  return entry->second ? name : kNever;
}

std::string ChatGrammar::sequence(const std::vector<PegId>& children, const Where& where) {
  const int32_t place = place_of(children, where.aim);
  std::string all;
  for (size_t i = 0; i < children.size(); ++i) {
    const bool is_space = peg_as<common_peg_space_parser>(arena_.get(children[i])) != nullptr;
    if (is_space && i + 1 < children.size() && is_looked_for(children[i + 1])) continue;
    Where at = where;
    if (where.aim == Aim::call && int32_t(i) != place) at.aim = Aim::quiet;
    if (where.aim == Aim::form && int32_t(i) != place) at.aim = Aim::still;
    const bool is_border = this->is_border(children, i, where.aim);
    const auto* mark = peg_as<common_peg_repetition_parser>(arena_.get(children[i]));
    std::string one = item(is_border ? mark->child : children[i], at);
    if (is_space && where.aim == Aim::form && int32_t(i) <= place) one = kFormSpace;
    if (one == kNever) return kNever;
    if (where.aim == Aim::form && int32_t(i) < place && is_in_prompt(children[i])) continue;
    // A model may end its reply by its end token instead of a mark.
    if (where.aim == Aim::form && place >= 0 && int32_t(i) > place) one = repeated(one, 0, 1);
    if (one != kNothing) all += (all.empty() ? "" : " ") + one;
  }
  return all.empty() ? kNothing : "(" + all + ")";
}

// For some templates llama.cpp's parser expects the reply to begin with a mark that the prompt
// already ends with.
bool ChatGrammar::is_in_prompt(PegId id) const {
  const auto* mark = peg_as<common_peg_literal_parser>(arena_.get(id));
  const std::string& prompt = format_.generation_prompt();
  if (!mark || is_blank(mark->literal) || mark->literal.size() >= prompt.size()) return false;
  const size_t begin = prompt.size() - mark->literal.size();
  return prompt.compare(begin, std::string::npos, mark->literal) == 0;
}

int32_t ChatGrammar::place_of(const std::vector<PegId>& children, Aim aim) {
  int32_t place = -1;
  for (size_t i = 0; i < children.size(); ++i) {
    const Parts& one = parts(children[i]);
    // The last piece of content is the answer, and so the form.
    if (aim == Aim::form && one.has_text) place = int32_t(i);
    if (aim != Aim::call || !one.may_call) continue;
    if (one.must_call) return int32_t(i);
    if (place < 0) place = int32_t(i);
  }
  return place;
}

bool ChatGrammar::is_border(const std::vector<PegId>& children, size_t at, Aim aim) {
  if (aim == Aim::any) return false;
  const auto* optional = peg_as<common_peg_repetition_parser>(arena_.get(children[at]));
  if (!optional || optional->min_count != 0 || optional->max_count != 1) return false;
  const auto* mark = peg_as<common_peg_literal_parser>(arena_.get(optional->child));
  if (!mark || is_blank(mark->literal)) return false;
  const auto is_piece = [&](size_t i, const char* tag) {
    return i < children.size() && is_tagged(arena_.get(children[i]), tag);
  };
  if (is_piece(at + 1, Tag::REASONING) || is_piece(at - 1, Tag::REASONING)) return true;
  return aim == Aim::form && is_piece(at + 1, Tag::CONTENT);
}

ChatGrammar::Aim ChatGrammar::aim_at(PegId id, Aim aim) {
  if (aim == Aim::any) return aim;
  const Parts& found = parts(id);
  if (aim == Aim::call && !found.may_call) aim = Aim::quiet;
  if (aim == Aim::form && !found.has_text) aim = Aim::still;
  // A tool's name and its arguments are the same with every aim.
  const bool is_whole = found.must_call && !found.has_text && !found.has_reasoning;
  if ((aim == Aim::call || aim == Aim::quiet) && is_whole) return Aim::any;
  const bool is_plain =
      !found.may_call && !found.has_text && !found.has_reasoning && !found.is_free;
  return is_plain ? Aim::any : aim;
}

const ChatGrammar::Parts& ChatGrammar::parts(PegId id) {
  const auto [entry, is_new] = parts_.try_emplace(id);
  if (is_new) entry->second = parts_below(id);
  return entry->second;
}

// Recursive parsers are of JSON values, which have none of these parts in them.
ChatGrammar::Parts ChatGrammar::parts_below(PegId id) {
  const common_peg_parser_variant& parser = arena_.get(id);
  Parts found;
  if (const auto* tag = peg_as<common_peg_tag_parser>(parser)) {
    if (tag->tag == Tag::CONTENT) found.has_text = true;
    if (tag->tag == Tag::REASONING) found.has_reasoning = true;
    if (tag->tag.compare(0, 4, "tool") == 0) found.may_call = found.must_call = true;
    if (found.has_text || found.has_reasoning || found.may_call) return found;
  }
  found.is_free = peg_as<common_peg_until_parser>(parser) != nullptr;
  const bool is_choice = peg_as<common_peg_choice_parser>(parser) != nullptr;
  const std::vector<PegId> children = peg_children(arena_, id);
  bool each_calls = !children.empty();
  for (PegId child : children) {
    const Parts below = parts(child);
    found.may_call |= below.may_call;
    found.has_text |= below.has_text;
    found.has_reasoning |= below.has_reasoning;
    found.is_free |= below.is_free;
    found.must_call |= below.must_call && !is_choice;
    each_calls = each_calls && below.must_call;
  }
  if (is_choice) found.must_call = each_calls;
  const auto* repetition = peg_as<common_peg_repetition_parser>(parser);
  if (repetition && repetition->min_count == 0) found.must_call = false;
  return found;
}

bool ChatGrammar::is_looked_for(PegId id) const {
  const auto* literal = peg_as<common_peg_literal_parser>(arena_.get(id));
  return literal && looked_for_.count(literal->literal) > 0;
}

std::string ChatGrammar::choice(const std::vector<PegId>& children, const Where& where) {
  std::string all;
  const bool is_still = where.aim == Aim::still;
  const bool has_still = is_still && std::any_of(children.begin(), children.end(),
                                                 [&](PegId id) { return !parts(id).has_text; });
  for (PegId child : children) {
    const std::set<int32_t>& properties = format_.sites().properties_at(child);
    if (where.only >= 0 && !properties.empty() && !properties.count(where.only)) continue;
    const Parts& found = parts(child);
    if (where.aim == Aim::call && !found.may_call) continue;
    if (where.aim == Aim::form && !found.has_text) continue;
    if (has_still && found.has_text) continue;
    const std::string one = item(child, where);
    if (one != kNever) all += (all.empty() ? "" : " | ") + one;
  }
  if (all.empty()) return where.aim == Aim::any ? kNothing : kNever;
  return "(" + all + ")";
}

std::string ChatGrammar::repetition(const common_peg_repetition_parser& parser,
                                    const Where& where) {
  const std::set<int32_t>& properties = format_.sites().properties_at(parser.child);
  const bool is_any_number = parser.min_count == 0 && parser.max_count == -1;
  // The repetition is of a call's arguments, and not of calls.
  const bool is_inside = where.tool >= 0 && format_.sites().tool_at(parser.child) < 0;
  const bool is_apart = where.property < 0 && where.only < 0;
  if (where.aim != Aim::any) return repeated_for(parser, where);
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

// Repeated as often as the aim needs and allows.
std::string ChatGrammar::repeated_for(const common_peg_repetition_parser& parser,
                                      const Where& where) {
  const Parts& found = parts(parser.child);
  const int32_t min = parser.min_count, max = parser.max_count;
  const std::string one = item(parser.child, where);
  if (where.aim == Aim::call) return repeated(one, std::max(min, 1), max);
  if (where.aim == Aim::form) {
    Where before = where;
    before.aim = Aim::still;
    const std::string others = item(parser.child, before);
    if (one == kNever || max == 1 || others == kNever) return min > 1 ? kNever : one;
    const std::string all = repeated(others, std::max(min - 1, 0), max == -1 ? -1 : max - 1);
    return all == kNothing ? one : "(" + all + " " + one + ")";
  }
  const bool is_left_out = (found.has_text || found.may_call) && !found.has_reasoning;
  if (where.aim == Aim::still && min == 0 && is_left_out) return kNothing;
  const bool is_thought = found.has_reasoning && !found.has_text && !found.may_call && max == 1;
  const bool is_needed = is_thought && reasoning_ == Reasoning::needed;
  return repeated(one, is_needed ? 1 : min, max);
}

std::string ChatGrammar::tag(PegId id, const common_peg_tag_parser& parser, Where where) {
  if (parser.tag == Tag::CONTENT) {
    switch (where.aim) {
      case Aim::any: break;
      case Aim::call:
      case Aim::quiet: return "space";
      // Most models write a blank line after their reasoning, whether the parser expects it or not.
      case Aim::form: return "(" + kFormSpace + " " + kForm + ")";
      case Aim::still: return kNothing;
    }
  }
  if (parser.tag == Tag::REASONING) {
    if (reasoning_ == Reasoning::blank) return "space";
    if (reasoning_ == Reasoning::none) return kNever;
    where.aim = Aim::any;
  }
  const std::set<int32_t>& properties = format_.sites().properties_at(id);
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
