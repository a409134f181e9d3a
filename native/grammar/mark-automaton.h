#pragma once

#include <string>
#include <vector>

namespace sluice {

// GBNF rules of text up to the first of some marks, none of them empty: without it, or with it. The
// first is called `name`, the others begin with that.
std::string mark_rules(const std::string& name, const std::vector<std::string>& marks,
                       bool with_mark);

}  // namespace sluice
