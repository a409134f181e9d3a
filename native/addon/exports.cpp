// The export list: the contract with src/binding/native.ts, and nothing else.
#include <napi.h>

#include "addon/datagram.h"
#include "addon/engine-wrap.h"
#include "addon/file-lock-export.h"
#include "addon/socket-options.h"
#include "addon/to-js.h"
#include "addon/worker-export.h"
#include "llama/runtime/devices.h"
#include "llama/runtime/runtime.h"
#include "llama/runtime/workers.h"

namespace sluice {
namespace {

Napi::Value devices(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env());
  const char* backend = info[0].ToBoolean() ? "" : "cpu";
  for (const Device& device : find_devices(Look::started, backend)) {
    list.Set(list.Length(), to_js(info.Env(), device));
  }
  return list;
}

Napi::Value features(const Napi::CallbackInfo& info) {
  Napi::Object object = Napi::Object::New(info.Env());
  for (const auto& [name, value] : cpu_features()) object.Set(name, value);
  return object;
}

// Rejects, in JavaScript, an addon whose backends are missing: before it is used for anything.
void load_backends_from(const Napi::CallbackInfo& info) {
  std::vector<std::string> folders;
  const Napi::Array given = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < given.Length(); ++i) {
    folders.push_back(given.Get(i).As<Napi::String>());
  }
  start_runtime(folders);
}

Napi::Value backends(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env());
  for (const BackendFile& file : runtime_backends()) {
    Napi::Object entry = Napi::Object::New(info.Env());
    entry.Set("name", file.name);
    entry.Set("path", file.path);
    entry.Set("loaded", file.loaded);
    entry.Set("reason", file.reason);
    if (!file.variant.empty()) entry.Set("variant", file.variant);
    list.Set(list.Length(), entry);
  }
  return list;
}

}  // namespace

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("llamaCppVersion", runtime_version());
  exports.Set("rpcVersion", rpc_version());
  exports.Set("loadBackends", Napi::Function::New(env, load_backends_from, "loadBackends"));
  exports.Set("backends", Napi::Function::New(env, backends, "backends"));
  exports.Set("devices", Napi::Function::New(env, devices, "devices"));
  exports.Set("cpuFeatures", Napi::Function::New(env, features, "cpuFeatures"));
  exports.Set("Engine", EngineWrap::define(env));
  exports.Set("setSendBuffer", Napi::Function::New(env, set_send_buffer, "setSendBuffer"));
  exports.Set("setUserTimeout", Napi::Function::New(env, set_user_timeout, "setUserTimeout"));
  exports.Set("sendDatagram", Napi::Function::New(env, send_datagram, "sendDatagram"));
  exports.Set("lockFile", Napi::Function::New(env, lock_file, "lockFile"));
  exports.Set("serveDevices", Napi::Function::New(env, serve_devices_from, "serveDevices"));
  return exports;
}

}  // namespace sluice

static Napi::Object init_module(Napi::Env env, Napi::Object exports) {
  return sluice::init(env, exports);
}

NODE_API_MODULE(sluice, init_module)
