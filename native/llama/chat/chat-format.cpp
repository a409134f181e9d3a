#include "llama/chat/chat-format.h"

#include <algorithm>

#include "chat-peg-parser.h"
#include "llama/chat/peg-tree.h"

namespace sluice {
namespace {

struct Survey {
  bool has_until = false, has_string = false, has_tag = false;
};

// What kinds of parsers are below one.
Survey survey(const common_peg_arena& arena, PegId root) {
  Survey found;
  peg_visit(arena, root, [&](PegId id, const common_peg_parser_variant& parser) {
    found.has_until |= peg_as<common_peg_until_parser>(parser) != nullptr;
    found.has_string |= peg_as<common_peg_string_parser>(parser) != nullptr;
    found.has_tag |= id != root && peg_as<common_peg_tag_parser>(parser) != nullptr;
    return true;
  });
  return found;
}

ChatFormat::Kind kind_of(const Survey& found) {
  if (found.has_tag || found.has_until == found.has_string) return ChatFormat::Kind::opaque;
  return found.has_until ? ChatFormat::Kind::plain : ChatFormat::Kind::json;
}

// Whether a call's name may be read before its id, if it has one. Within an atomic parser both are
// read at once.
bool has_id_behind_name(const common_peg_arena& arena) {
  enum : uint8_t { name = 1, id = 2 };
  std::vector<uint8_t> parts(arena.size(), 0);
  std::vector<bool> at_once(arena.size(), false);
  for (bool changes = true; changes;) {
    changes = false;
    for (PegId at = 0; at < arena.size(); ++at) {
      uint8_t found = parts[at];
      if (const auto* tag = peg_as<common_peg_tag_parser>(arena.get(at))) {
        if (tag->tag == common_chat_peg_builder::TOOL_NAME) found |= name;
        if (tag->tag == common_chat_peg_builder::TOOL_ID) found |= id;
      }
      for (PegId child : peg_children(arena, at)) found |= parts[child];
      const auto* atomic = peg_as<common_peg_atomic_parser>(arena.get(at));
      if (atomic) at_once[atomic->child] = true;
      changes |= found != parts[at];
      parts[at] = found;
    }
  }
  for (PegId at = 0; at < arena.size(); ++at) {
    const auto* sequence = peg_as<common_peg_sequence_parser>(arena.get(at));
    if (!sequence || at_once[at]) continue;
    bool has_name = false;
    for (PegId child : sequence->children) {
      if (has_name && parts[child] == id) return true;
      has_name |= (parts[child] & name) != 0;
    }
  }
  return false;
}

}  // namespace

ChatFormat::ChatFormat(const common_chat_params& params, bool takes_one_call,
                       const std::vector<ChatTool>& tools)
    : name_(params.format),
      generation_prompt_(params.generation_prompt),
      reasoning_start_(params.thinking_start_tag),
      reasoning_ends_(params.thinking_end_tags),
      takes_one_call_(takes_one_call) {
  parser_.load(params.parser);
  sites_ = CallSites(parser_, tools);
  collect_delimiters();
  content_ = kind_of(common_chat_peg_builder::CONTENT);
  reasoning_ = kind_of(common_chat_peg_builder::REASONING);
  arguments_ = kind_of(common_chat_peg_builder::TOOL_ARGS);
  string_argument_ = kind_of(common_chat_peg_builder::TOOL_ARG_STRING_VALUE);
}

void ChatFormat::collect_delimiters() {
  bool has_ids = false;
  for (PegId id = 0; id < parser_.size(); ++id) {
    if (const auto* tag = peg_as<common_peg_tag_parser>(parser_.get(id))) {
      has_ids |= tag->tag == common_chat_peg_builder::TOOL_ID;
    }
    const auto* until = peg_as<common_peg_until_parser>(parser_.get(id));
    if (!until) continue;
    for (const std::string& delimiter : until->delimiters) {
      if (delimiter.empty()) continue;
      delimiters_.push_back(delimiter);
      begins_delimiter_[static_cast<unsigned char>(delimiter.front())] = true;
    }
  }
  std::sort(delimiters_.begin(), delimiters_.end());
  delimiters_.erase(std::unique(delimiters_.begin(), delimiters_.end()), delimiters_.end());
  id_follows_name_ = has_ids && has_id_behind_name(parser_);
}

ChatFormat::Kind ChatFormat::kind_of(const char* tag) const {
  std::vector<Kind> kinds;
  for (PegId id = 0; id < parser_.size(); ++id) {
    const auto* parser = peg_as<common_peg_tag_parser>(parser_.get(id));
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
