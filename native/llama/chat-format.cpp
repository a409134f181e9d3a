#include "llama/chat-format.h"

#include <algorithm>
#include <variant>

#include "chat-peg-parser.h"

namespace sluice {
namespace {

using Id = common_peg_parser_id;

template <typename T>
const T* as(const common_peg_parser_variant& parser) {
  return std::get_if<T>(&parser);
}

// The parsers that one hands its work to.
std::vector<Id> children_of(const common_peg_arena& arena, Id id) {
  const common_peg_parser_variant& parser = arena.get(id);
  if (const auto* p = as<common_peg_sequence_parser>(parser)) return p->children;
  if (const auto* p = as<common_peg_choice_parser>(parser)) return p->children;
  if (const auto* p = as<common_peg_repetition_parser>(parser)) return {p->child};
  if (const auto* p = as<common_peg_schema_parser>(parser)) return {p->child};
  if (const auto* p = as<common_peg_rule_parser>(parser)) return {p->child};
  if (const auto* p = as<common_peg_atomic_parser>(parser)) return {p->child};
  if (const auto* p = as<common_peg_tag_parser>(parser)) return {p->child};
  if (const auto* p = as<common_peg_gbnf_parser>(parser)) return {p->child};
  if (const auto* p = as<common_peg_ac_parser>(parser)) return {p->child};
  if (const auto* p = as<common_peg_ref_parser>(parser)) return {arena.get_rule(p->name)};
  return {};  // lookaheads take nothing
}

struct Survey {
  bool has_until = false, has_string = false, has_tag = false;
};

// What there is below a parser. Rules may be recursive: each parser is looked at once.
Survey survey(const common_peg_arena& arena, Id root) {
  Survey found;
  std::vector<bool> seen(arena.size(), false);
  std::vector<Id> open = children_of(arena, root);
  while (!open.empty()) {
    const Id id = open.back();
    open.pop_back();
    if (seen[id]) continue;
    seen[id] = true;
    const common_peg_parser_variant& parser = arena.get(id);
    found.has_until |= as<common_peg_until_parser>(parser) != nullptr;
    found.has_string |= as<common_peg_string_parser>(parser) != nullptr;
    found.has_tag |= as<common_peg_tag_parser>(parser) != nullptr;
    for (Id child : children_of(arena, id)) open.push_back(child);
  }
  return found;
}

ChatFormat::Kind kind_of(const Survey& found) {
  if (found.has_tag || found.has_until == found.has_string) return ChatFormat::Kind::opaque;
  return found.has_until ? ChatFormat::Kind::plain : ChatFormat::Kind::json;
}

}  // namespace

ChatFormat::ChatFormat(const common_chat_params& params, bool takes_one_call)
    : name_(params.format),
      generation_prompt_(params.generation_prompt),
      thinking_start_(params.thinking_start_tag),
      thinking_ends_(params.thinking_end_tags),
      takes_one_call_(takes_one_call) {
  parser_.load(params.parser);
  collect_delimiters();
  content_ = kind_of(common_chat_peg_builder::CONTENT);
  reasoning_ = kind_of(common_chat_peg_builder::REASONING);
  arguments_ = kind_of(common_chat_peg_builder::TOOL_ARGS);
  string_argument_ = kind_of(common_chat_peg_builder::TOOL_ARG_STRING_VALUE);
}

// llama.cpp's own lets the model write what it likes before the calls, for as long as it likes. So
// its root becomes the rules that calls begin with.
std::string ChatFormat::grammar_of_calls(const std::string& grammar) const {
  static const std::string root = "root ::= ";
  const bool is_first = grammar.compare(0, root.size(), root) == 0;
  const size_t begin = is_first ? 0 : grammar.find("\n" + root);
  if (begin == std::string::npos) return {};
  std::string calls;
  for (Id id = 0; id < parser_.size(); ++id) {
    const auto* rule = as<common_peg_rule_parser>(parser_.get(id));
    if (!rule || !rule->trigger) continue;
    if (grammar.find(rule->name + " ::= ") == std::string::npos) return {};
    calls += (calls.empty() ? "" : " | ") + rule->name;
  }
  if (calls.empty()) return {};
  const size_t value = begin + root.size() + (is_first ? 0 : 1);
  const size_t end = std::min(grammar.find('\n', value), grammar.size());
  return grammar.substr(0, value) + calls + grammar.substr(end);
}

void ChatFormat::collect_delimiters() {
  for (Id id = 0; id < parser_.size(); ++id) {
    if (const auto* tag = as<common_peg_tag_parser>(parser_.get(id))) {
      has_ids_ |= tag->tag == common_chat_peg_builder::TOOL_ID;
    }
    const auto* until = as<common_peg_until_parser>(parser_.get(id));
    if (!until) continue;
    for (const std::string& delimiter : until->delimiters) {
      if (delimiter.empty()) continue;
      delimiters_.push_back(delimiter);
      begins_delimiter_[static_cast<unsigned char>(delimiter.front())] = true;
    }
  }
  std::sort(delimiters_.begin(), delimiters_.end());
  delimiters_.erase(std::unique(delimiters_.begin(), delimiters_.end()), delimiters_.end());
}

ChatFormat::Kind ChatFormat::kind_of(const char* tag) const {
  std::vector<Kind> kinds;
  for (Id id = 0; id < parser_.size(); ++id) {
    const auto* parser = as<common_peg_tag_parser>(parser_.get(id));
    if (parser && parser->tag == tag) kinds.push_back(sluice::kind_of(survey(parser_, id)));
  }
  const bool agree =
      std::all_of(kinds.begin(), kinds.end(), [&](Kind kind) { return kind == kinds.front(); });
  return kinds.empty() || !agree ? Kind::opaque : kinds.front();
}

ChatFormat::Match ChatFormat::delimiter_at(std::string_view text, size_t position) const {
  if (!begins_delimiter_[static_cast<unsigned char>(text[position])]) return Match::none;
  const std::string_view rest = text.substr(position);
  Match best = Match::none;
  for (const std::string& delimiter : delimiters_) {
    if (rest.compare(0, delimiter.size(), delimiter) == 0) return Match::whole;
    if (rest.size() < delimiter.size() && delimiter.compare(0, rest.size(), rest) == 0) {
      best = Match::partial;
    }
  }
  return best;
}

}  // namespace sluice
