#pragma once

#include <napi.h>

#include <vector>

#include "addon/token-outbox.h"
#include "engine/request/ledger.h"

namespace sluice {

// Our values as JavaScript's objects, field by field as src/binding/engine-port.ts declares them.
Napi::Array to_js(Napi::Env env, const std::vector<TokenOutbox::Event>& events);
Napi::Object to_js(Napi::Env env, const Stats& stats, const std::vector<SlotView>& slots);
Napi::Object to_js(Napi::Env env, const Device& device);

}  // namespace sluice
