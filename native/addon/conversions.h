#pragma once

#include <napi.h>

#include <memory>

#include "addon/token-outbox.h"
#include "engine/engine.h"
#include "engine/request/ledger.h"
#include "engine/request/request.h"

namespace sluice {

// Between JavaScript's objects and ours, field by field as src/binding/native.ts declares them.
// TypeScript has checked types and ranges; a missing field throws a TypeError all the same.
EngineOptions engine_options(const Napi::Object& object);
RequestGroup choices(const Napi::Object& object);
std::shared_ptr<EmbeddingRequest> embedding_request(const Napi::Object& object);
std::vector<int32_t> token_ids(const Napi::Int32Array& array);
ChatPrompt chat_prompt(const Napi::Object& object);

Napi::Array to_js(Napi::Env env, const std::vector<TokenOutbox::Event>& events);
Napi::Object to_js(Napi::Env env, const Stats& stats);
Napi::Object to_js(Napi::Env env, const Device& device);

}  // namespace sluice
