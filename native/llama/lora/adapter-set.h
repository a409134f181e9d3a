#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace sluice {

// One of the engine's LoRA adapters, by its place in EngineOptions::adapters, and how strongly it
// is applied.
struct AdapterScale {
  int32_t adapter;
  float scale;
  bool operator==(const AdapterScale& other) const {
    return adapter == other.adapter && scale == other.scale;
  }
};

// The adapters that a request is computed with: ascending, each once, none with a scale of 0. Equal
// sets compute the same states. A value; made by adapter_set().
using AdapterSet = std::vector<AdapterScale>;

// Of several scales for one adapter, the last counts.
inline AdapterSet adapter_set(const std::vector<AdapterScale>& given) {
  AdapterSet set;
  for (const AdapterScale& one : given) {
    const auto at = std::find_if(set.begin(), set.end(), [&](const AdapterScale& other) {
      return other.adapter >= one.adapter;
    });
    if (at != set.end() && at->adapter == one.adapter) {
      at->scale = one.scale;
    } else {
      set.insert(at, one);
    }
  }
  const auto is_off = [](const AdapterScale& one) { return one.scale == 0; };
  set.erase(std::remove_if(set.begin(), set.end(), is_off), set.end());
  return set;
}

// The salt of states that were computed with these adapters: those of one salt and one set share
// it, and no others. `keys` says what each adapter is. The set comes last and has no line break, so
// no tenant's salt can stand for it.
inline std::string salt_of(const std::string& tenant, const AdapterSet& set,
                           const std::vector<std::string>& keys) {
  std::string salt = tenant + '\n';
  for (const auto& [adapter, scale] : set) {
    char exact[40];
    std::snprintf(exact, sizeof(exact), "*%a,", double(scale));
    salt += keys[size_t(adapter)] + exact;
  }
  return salt;
}

}  // namespace sluice
