#include "llama/template/shown-tools.h"

#include <ctime>
#include <string>
#include <vector>

#include "llama/template/ordered-schema.h"
#include "test/check.h"

using sluice::ChatTool;
using sluice::ShownTool;
using sluice::ShownTools;

namespace {

// A template that prints names and descriptions of tools and nothing of their arguments.
std::string without_arguments(const std::vector<ShownTool>& tools) {
  std::string text;
  for (const ShownTool& tool : tools) text += tool.name + ": " + tool.description + "\n";
  return text;
}

}  // namespace

TEST("shown tools: finding which of many arguments are lost is not quadratic") {
  constexpr size_t kArguments = 500;
  common_json schema = common_json::parse(R"({"type":"object","properties":{}})");
  for (size_t i = 0; i < kArguments; ++i) {
    common_json argument = common_json::parse(R"({"type":"string","description":"what it is"})");
    argument["pattern"] = std::string(1024, 'z');  // what marks begin with
    schema["properties"]["argument_" + std::to_string(i)] = argument;
  }
  ChatTool tool;
  tool.name = "do_it";
  tool.description = "Does it.";
  tool.parameters = schema.dump();
  const std::clock_t begin = std::clock();
  const std::vector<ShownTool> shown = ShownTools().of({tool}, without_arguments);
  const double seconds = double(std::clock() - begin) / CLOCKS_PER_SEC;
  CHECK_EQ(shown.size(), size_t(1));
  CHECK_EQ(shown.front().name, "do_it");
  // 3 to 4 s with the square, under 0.1 s without.
  CHECK(seconds < 1);
}
