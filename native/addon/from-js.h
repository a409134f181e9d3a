#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "llama/runtime/workers.h"

namespace sluice {

// JavaScript's objects as ours, field by field as src/binding/engine-port.ts declares them.
// TypeScript has checked types and ranges; a missing field throws a TypeError all the same.
double number(const Napi::Object& object, const char* key);
int32_t integer(const Napi::Object& object, const char* key);
std::string string(const Napi::Object& object, const char* key);
Napi::Object object(const Napi::Object& parent, const char* key);
std::vector<int32_t> token_ids(const Napi::Object& object, const char* key);

EngineOptions engine_options(const Napi::Object& object);
WorkerOptions worker_options(const Napi::Object& object);
RequestGroup request_group(const Napi::Object& object);
std::shared_ptr<EmbeddingRequest> embedding_request(const Napi::Object& object);
ChatPrompt chat_prompt(const Napi::Object& object);

}  // namespace sluice
