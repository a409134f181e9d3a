#pragma once

#include <string>
#include <vector>

#include "chat.h"

namespace sluice {

// A tool's JSON schema, brought into forms that chat templates can print. What calls are held to
// is never one of these but the schema itself. Bounded in size, whatever $refs lead to. Only for
// native/llama: it includes llama.cpp's headers.

// The same, with what its $refs lead to in their places, and $defs left out. One that leads back
// to where it stands is named once more and not gone into.
common_json inlined_schema(const common_json& schema);

// The same in the plainest words that there are: each schema an object with one type by its name,
// a description (empty where there is none), items where it is an array, properties and required
// where it is an object. What these do not say (alternatives, conditions) is part of a description.
common_json ordered_schema(const common_json& schema);

// Where in a schema further schemas stand, by keyword.
bool holds_schema(const std::string& keyword);
bool holds_schemas(const std::string& keyword);
bool holds_schemas_by_key(const std::string& keyword);

}  // namespace sluice
