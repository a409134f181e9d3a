// The export list: the contract with src/binding/native.ts, and nothing else.
#include <napi.h>

#include "addon/engine-wrap.h"
#include "addon/send-buffer.h"
#include "llama/runtime.h"

namespace sluice {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("llamaCppVersion", runtime_version());
  exports.Set("devices", runtime_devices());
  exports.Set("Engine", EngineWrap::define(env));
  exports.Set("setSendBuffer", Napi::Function::New(env, set_send_buffer, "setSendBuffer"));
  return exports;
}

}  // namespace sluice

static Napi::Object init_module(Napi::Env env, Napi::Object exports) {
  return sluice::init(env, exports);
}

NODE_API_MODULE(sluice, init_module)
