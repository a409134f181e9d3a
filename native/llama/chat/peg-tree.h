#pragma once

#include <string>
#include <variant>
#include <vector>

#include "peg-parser.h"

// llama.cpp's parsers of replies, as trees. Only for native/llama.
namespace sluice {

using PegId = common_peg_parser_id;

template <typename T>
const T* peg_as(const common_peg_parser_variant& parser) {
  return std::get_if<T>(&parser);
}

// The parsers that a parser is made of.
std::vector<PegId> peg_children(const common_peg_arena& arena, PegId id);

// Calls `use` with each parser at or below `root`, once; rules may be recursive. Where it returns
// false, the parsers below are left out.
template <typename Use>
void peg_visit(const common_peg_arena& arena, PegId root, const Use& use) {
  std::vector<bool> seen(arena.size(), false);
  std::vector<PegId> open{root};
  while (!open.empty()) {
    const PegId id = open.back();
    open.pop_back();
    if (seen[id]) continue;
    seen[id] = true;
    if (!use(id, arena.get(id))) continue;
    for (PegId child : peg_children(arena, id)) open.push_back(child);
  }
}

}  // namespace sluice
