#include "llama/template/ordered-schema.h"

#include <string>

#include "test/check.h"

using sluice::inlined_schema;
using sluice::ordered_schema;

namespace {

common_json parsed(const std::string& text) { return common_json::parse(text); }

// The names of an object's properties, in their order.
std::string names_of(const common_json& schema) {
  std::string names;
  for (const auto& [name, _] : schema.at("properties").items()) {
    names += (names.empty() ? "" : " ") + name;
  }
  return names;
}

}  // namespace

TEST("inlined schema: what $refs bring in again is bounded in bytes") {
  constexpr size_t kTarget = 64 << 10, kRefs = 40;
  common_json schema = parsed(R"({"type":"object","properties":{},"$defs":{"long":{}}})");
  schema["$defs"]["long"]["type"] = "string";
  schema["$defs"]["long"]["description"] = std::string(kTarget, 'x');
  for (size_t i = 0; i < kRefs; ++i) {
    schema["properties"]["p" + std::to_string(i)] = parsed(R"({"$ref":"#/$defs/long"})");
  }
  const common_json inlined = inlined_schema(schema);
  CHECK(inlined.dump().size() < (size_t(1) << 20) + 2 * kTarget);
  const common_json& properties = inlined.at("properties");
  CHECK_EQ(properties.size(), kRefs);
  CHECK_EQ(properties.at("p0").at("description").get<std::string>().size(), kTarget);
  const common_json& last = properties.at("p" + std::to_string(kRefs - 1));
  CHECK_EQ(last.at("description").get<std::string>(), "(long, as above)");
  CHECK_EQ(last.at("type").get<std::string>(), "string");
}

TEST("ordered schema: what is in allOf, and in allOf in that, is told") {
  const common_json ordered = ordered_schema(parsed(R"({
    "properties": {"a": {"type": "string"}},
    "allOf": [
      {"allOf": [
        {"properties": {"b": {"type": "string"}}},
        {"allOf": [{"properties": {"c": {"type": "string"}}}]}
      ]},
      {"properties": {"d": {"type": "string"}}, "allOf": [{"required": ["c"]}]}
    ]
  })"));
  CHECK_EQ(names_of(ordered), "a d b c");
  CHECK_EQ(ordered.at("required").dump(), R"(["c"])");
  CHECK(!ordered.contains("allOf"));
}

TEST("ordered schema: alternatives of one, in each other, are told") {
  const std::string inner = R"({"type": "object", "properties": {"a": {"type": "string"}}})";
  for (const char* outer : {"anyOf", "oneOf"}) {
    for (const char* within : {"anyOf", "oneOf", "allOf"}) {
      const std::string nested = "{\"" + std::string(within) + "\": [" + inner + "]}";
      const std::string text = "{\"" + std::string(outer) + "\": [{\"type\": \"null\"}, " + nested;
      const common_json ordered = ordered_schema(parsed(text + "]}"));
      CHECK_EQ(names_of(ordered), "a");
    }
  }
}
