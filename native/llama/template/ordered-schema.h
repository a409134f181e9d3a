#pragma once

#include <string>
#include <vector>

#include "chat.h"

namespace sluice {

// A tool's JSON schema, in forms that chat templates can print. The grammar of calls is made of the
// schema itself, never of these. Bounded in size, whatever $refs lead to. Only for native/llama: it
// includes llama.cpp's headers.

// The schema with its $refs replaced by what they lead to, and without $defs. A $ref that leads
// back to a schema around it is replaced by that schema's name.
common_json inlined_schema(const common_json& schema);

// The schema in the plainest form: each schema is an object with the name of one type, a
// description (empty where there is none), items for an array, and properties and required for an
// object. What these cannot express (alternatives, conditions) becomes part of a description.
common_json ordered_schema(const common_json& schema);

// Whether further schemas stand under this keyword of a schema.
bool holds_schema(const std::string& keyword);
bool holds_schemas(const std::string& keyword);
bool holds_schemas_by_key(const std::string& keyword);

}  // namespace sluice
