// The export list: the contract with src/binding/native.ts, and nothing else.
#include <napi.h>

#include "addon/conversions.h"
#include "addon/engine-wrap.h"
#include "addon/send-buffer.h"
#include "llama/devices.h"
#include "llama/runtime.h"

namespace sluice {
namespace {

Napi::Value backends(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env());
  for (const Backend& backend : find_backends()) {
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("name", backend.name);
    object.Set("path", backend.path);
    object.Set("loaded", backend.is_loaded);
    object.Set("reason", backend.reason);
    list.Set(list.Length(), object);
  }
  return list;
}

Napi::Value devices(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env());
  for (const Device& device : find_devices(Look::started)) {
    list.Set(list.Length(), to_js(info.Env(), device));
  }
  return list;
}

Napi::Value features(const Napi::CallbackInfo& info) {
  Napi::Object object = Napi::Object::New(info.Env());
  for (const auto& [name, value] : cpu_features()) object.Set(name, value);
  return object;
}

}  // namespace

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("llamaCppVersion", runtime_version());
  exports.Set("backends", Napi::Function::New(env, backends, "backends"));
  exports.Set("devices", Napi::Function::New(env, devices, "devices"));
  exports.Set("cpuFeatures", Napi::Function::New(env, features, "cpuFeatures"));
  exports.Set("Engine", EngineWrap::define(env));
  exports.Set("setSendBuffer", Napi::Function::New(env, set_send_buffer, "setSendBuffer"));
  return exports;
}

}  // namespace sluice

static Napi::Object init_module(Napi::Env env, Napi::Object exports) {
  return sluice::init(env, exports);
}

NODE_API_MODULE(sluice, init_module)
