#include "llama/chat/call-sites.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "chat-peg-parser.h"

namespace sluice {
namespace {

using Tag = common_chat_peg_builder;

// Letters, digits and underscores: such a name is never written in another way.
const std::string kToolPrefix = "sluice_tool_", kPropertyPrefix = "sluice_property_";
constexpr size_t kDigits = 6;

std::string stand_in(const std::string& prefix, size_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, kDigits - std::min(kDigits, digits.size()), '0');
  return prefix + digits;
}

struct Name {
  const std::string& prefix;
  std::vector<std::string> true_names;
};

// Properties are numbered through all tools.
std::vector<Name> names_of(const std::vector<ChatTool>& tools) {
  std::vector<Name> names{{kToolPrefix, {}}, {kPropertyPrefix, {}}};
  for (const ChatTool& tool : tools) {
    names[0].true_names.push_back(tool.name);
    for (const ChatToolProperty& one : tool.properties) names[1].true_names.push_back(one.name);
  }
  return names;
}

// The number of the stand-in that begins at `position`, or -1. A template may have words that only
// look like one.
int32_t number_at(const std::string& text, size_t position, const Name& name) {
  if (text.compare(position, name.prefix.size(), name.prefix) != 0) return -1;
  const std::string digits = text.substr(position + name.prefix.size(), kDigits);
  const bool is_number =
      digits.size() == kDigits && digits.find_first_not_of("0123456789") == std::string::npos;
  const size_t number = is_number ? size_t(std::atoi(digits.c_str())) : SIZE_MAX;
  return number < name.true_names.size() ? int32_t(number) : -1;
}

// The number of the first stand-in, or -1.
int32_t number_in(const std::string& text, const Name& name) {
  for (size_t at = text.find(name.prefix); at != std::string::npos;
       at = text.find(name.prefix, at + 1)) {
    const int32_t number = number_at(text, at, name);
    if (number >= 0) return number;
  }
  return -1;
}

// In one pass, because a true name may look like a stand-in.
void put_names(std::string& text, const std::vector<Name>& names) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const size_t before = result.size();
    for (const Name& name : names) {
      const int32_t number = number_at(text, at, name);
      if (number < 0) continue;
      result += name.true_names[size_t(number)];
      at += name.prefix.size() + kDigits;
      break;
    }
    if (result.size() == before) result += text[at++];
  }
  text = std::move(result);
}

bool has_tag(const common_peg_parser_variant& parser, const char* tag) {
  const auto* found = peg_as<common_peg_tag_parser>(parser);
  return found && found->tag == tag;
}

// The bare texts of src/schema/writing/notation.ts never have one of these.
bool is_mark(const std::string& text) {
  return text.find("</") != std::string::npos || text.find("<|") != std::string::npos;
}

// Whether a grammar of ours can describe an argument's value: JSON of a schema, or bare text up to
// a mark.
bool is_describable(const common_peg_arena& arena, PegId argument) {
  bool has_schema = false, has_text = false, is_known = true;
  peg_visit(arena, argument, [&](PegId, const common_peg_parser_variant& parser) {
    has_schema |= peg_as<common_peg_schema_parser>(parser) != nullptr;
    has_text |= has_tag(parser, Tag::TOOL_ARG_STRING_VALUE);
    const auto* until = peg_as<common_peg_until_parser>(parser);
    if (!until) return true;
    is_known = is_known && !until->delimiters.empty() &&
               std::all_of(until->delimiters.begin(), until->delimiters.end(), is_mark);
    return true;
  });
  return is_known && (has_schema || has_text);
}

common_json text_kind() { return {{"type", "string"}}; }

common_json kind_of(const std::string& text, CallSites::Kinds kinds) {
  common_json kind = common_json::parse(text);
  if (kinds == CallSites::Kinds::given) return kind;
  if (!kind.contains("type")) return kinds == CallSites::Kinds::plain ? text_kind() : kind;
  const common_json types = kind.at("type");
  if (!types.is_array()) return kind;
  common_json result = common_json::object();
  if (kinds == CallSites::Kinds::alternatives) {
    result["anyOf"] = common_json::array();
    for (const common_json& type : types) result["anyOf"].push_back({{"type", type}});
    return result;
  }
  result["type"] = types.at(size_t(0));
  for (const common_json& type : types) {
    if (type.get<std::string>() == "string") return text_kind();
  }
  return result;
}

}  // namespace

std::vector<common_chat_tool> CallSites::stand_ins(const std::vector<ChatTool>& tools, Kinds kind) {
  std::vector<common_chat_tool> result;
  size_t properties = 0;
  for (const ChatTool& tool : tools) {
    common_json kinds = common_json::object(), required = common_json::array();
    for (const ChatToolProperty& one : tool.properties) {
      const std::string name = stand_in(kPropertyPrefix, properties++);
      kinds[name] = kind_of(one.kind, kind);
      if (one.is_required) required.push_back(name);
    }
    common_json schema = {{"type", "object"}, {"properties", kinds}, {"required", required}};
    result.push_back({stand_in(kToolPrefix, result.size()), "", schema.dump()});
  }
  return result;
}

std::string CallSites::with_names(std::string text, const std::vector<ChatTool>& tools) {
  put_names(text, names_of(tools));
  return text;
}

CallSites::CallSites(common_peg_arena& arena, const std::vector<ChatTool>& tools) {
  std::vector<int32_t> first;  // of each tool's properties
  int32_t count = 0;
  for (const ChatTool& tool : tools) {
    first.push_back(count);
    count += int32_t(tool.properties.size());
  }
  const std::vector<Name> names = names_of(tools);
  for (PegId id = 0; id < arena.size(); ++id) {
    common_peg_parser_variant& parser = arena.get(id);
    if (auto* literal = std::get_if<common_peg_literal_parser>(&parser)) {
      std::string& text = literal->literal;
      const int32_t tool = number_in(text, names[0]), property = number_in(text, names[1]);
      if (tool >= 0) tools_[id] = tool;
      if (property >= 0) {
        properties_[id] = property - *(std::upper_bound(first.begin(), first.end(), property) - 1);
      }
      put_names(text, names);
    } else if (auto* until = std::get_if<common_peg_until_parser>(&parser)) {
      for (std::string& text : until->delimiters) put_names(text, names);
    } else if (auto* ac = std::get_if<common_peg_ac_parser>(&parser)) {
      for (std::string& text : ac->delimiters) put_names(text, names);
    }
  }
  if (arena.size() > 0) collect(arena, arena.root());
}

// Looks into each parser once. Recursive parsers are of JSON values, which have no names in them.
const CallSites::Names& CallSites::collect(const common_peg_arena& arena, PegId id) {
  const auto [entry, is_new] = names_at_.try_emplace(id);
  Names& names = entry->second;
  if (!is_new) return names;
  if (const auto found = tools_.find(id); found != tools_.end()) names.tools.insert(found->second);
  const auto found = properties_.find(id);
  if (found != properties_.end()) names.properties.insert(found->second);
  for (PegId child : peg_children(arena, id)) {
    const Names& below = collect(arena, child);
    names.tools.insert(below.tools.begin(), below.tools.end());
    names.properties.insert(below.properties.begin(), below.properties.end());
  }
  return names;
}

int32_t CallSites::tool_at(PegId id) const {
  const auto found = names_at_.find(id);
  if (found == names_at_.end() || found->second.tools.size() != 1) return -1;
  return *found->second.tools.begin();
}

const std::set<int32_t>& CallSites::properties_at(PegId id) const {
  static const std::set<int32_t> none;
  const auto found = names_at_.find(id);
  return found == names_at_.end() ? none : found->second.properties;
}

CallFormat CallSites::format(const common_peg_arena& arena, bool is_gemma) const {
  if (tools_.empty()) return CallFormat::none;
  if (is_gemma) return CallFormat::gemma;
  bool has_schema = false, has_arguments = false, are_held = true;
  for (PegId id = 0; id < arena.size(); ++id) {
    has_schema |= peg_as<common_peg_schema_parser>(arena.get(id)) != nullptr;
    if (!has_tag(arena.get(id), Tag::TOOL_ARG)) continue;
    has_arguments = true;
    are_held = are_held && is_describable(arena, id);
  }
  if (has_arguments) return are_held ? CallFormat::tagged : CallFormat::other;
  return has_schema ? CallFormat::json : CallFormat::other;
}

}  // namespace sluice
