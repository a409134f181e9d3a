#include "llama/lora/adapter-set.h"

#include <string>
#include <vector>

#include "test/check.h"

using sluice::adapter_set;
using sluice::AdapterSet;
using sluice::salt_of;

TEST("adapter sets: the same adapters in another order are the same set") {
  CHECK(adapter_set({{1, 0.5f}, {0, 1}}) == adapter_set({{0, 1}, {1, 0.5f}}));
  CHECK(!(adapter_set({{0, 1}}) == adapter_set({{0, 0.5f}})));
  CHECK(!(adapter_set({{0, 1}}) == adapter_set({{1, 1}})));
}

TEST("adapter sets: a scale of 0 is no adapter, and the last scale of one counts") {
  CHECK(adapter_set({{0, 0}, {2, -0.0f}}).empty());
  CHECK(adapter_set({{0, 1}, {1, 2}, {0, 0}}) == AdapterSet({{1, 2}}));
  CHECK(adapter_set({{3, 1}, {3, 0.25f}}) == AdapterSet({{3, 0.25f}}));
}

TEST("adapter sets: each set has a salt of its own, which no tenant's salt can be") {
  const std::vector<std::string> keys = {"a", "b"};
  const std::string plain = salt_of("tenant", {}, keys);
  const std::string with_a = salt_of("tenant", {{0, 1}}, keys);
  CHECK(plain != with_a);
  CHECK(with_a != salt_of("tenant", {{1, 1}}, keys));
  CHECK(with_a != salt_of("tenant", {{0, 0.9999999f}}, keys));
  CHECK(with_a != salt_of("other", {{0, 1}}, keys));
  CHECK(salt_of(with_a, {}, keys) != with_a);
  CHECK(salt_of("", {{0, 1}, {1, 2}}, keys) != salt_of("", {{0, 2}, {1, 1}}, keys));
}
