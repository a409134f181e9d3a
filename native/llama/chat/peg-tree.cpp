#include "llama/chat/peg-tree.h"

namespace sluice {

std::vector<PegId> peg_children(const common_peg_arena& arena, PegId id) {
  const common_peg_parser_variant& parser = arena.get(id);
  if (const auto* p = peg_as<common_peg_sequence_parser>(parser)) return p->children;
  if (const auto* p = peg_as<common_peg_choice_parser>(parser)) return p->children;
  if (const auto* p = peg_as<common_peg_repetition_parser>(parser)) return {p->child};
  if (const auto* p = peg_as<common_peg_schema_parser>(parser)) return {p->child};
  if (const auto* p = peg_as<common_peg_rule_parser>(parser)) return {p->child};
  if (const auto* p = peg_as<common_peg_atomic_parser>(parser)) return {p->child};
  if (const auto* p = peg_as<common_peg_tag_parser>(parser)) return {p->child};
  if (const auto* p = peg_as<common_peg_gbnf_parser>(parser)) return {p->child};
  if (const auto* p = peg_as<common_peg_ac_parser>(parser)) return {p->child};
  if (const auto* p = peg_as<common_peg_ref_parser>(parser)) return {arena.get_rule(p->name)};
  return {};  // lookaheads read no text
}

}  // namespace sluice
