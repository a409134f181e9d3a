#pragma once

#include <napi.h>

namespace sluice {

// serveDevices(options): serves this machine's devices (serve_devices), on a thread of Node's pool
// that nothing takes back before the process ends. Returns a promise that only rejects.
Napi::Value serve_devices_from(const Napi::CallbackInfo& info);

}  // namespace sluice
