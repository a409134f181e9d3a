#include "llama/runtime/workers.h"

#include <set>

#include "base/fault.h"
#include "ggml-backend.h"
#include "ggml-rpc.h"
#include "llama/runtime/assert-scope.h"
#include "llama/runtime/devices.h"
#include "llama/runtime/runtime.h"

namespace sluice {
namespace {

FaultError unavailable(const std::string& why) {
  return FaultError(FaultCode::worker_unavailable, why);
}

// By its name: in a package the backend is a file of its own.
template <class Function>
Function* rpc_function(const char* name) {
  start_runtime();
  ggml_backend_reg_t registry = ggml_backend_reg_by_name("RPC");
  void* function = registry ? ggml_backend_reg_get_proc_address(registry, name) : nullptr;
  if (!function) throw unavailable("this build is without ggml's RPC backend");
  return reinterpret_cast<Function*>(function);
}

std::vector<ggml_backend_dev_t> served_devices(GpuUse gpu) {
  PlacementRequest all;
  all.gpu = gpu;
  all.split_mode = SplitMode::layer;
  const Look look = gpu == GpuUse::off ? Look::names : Look::started;
  const std::vector<Device> found = find_devices(look, backend_name(gpu));
  const DeviceChoice choice = choose_devices(found, all);
  std::vector<ggml_backend_dev_t> devices;
  for (size_t at : choice.sets.empty() ? DeviceSet() : choice.sets.front()) {
    devices.push_back(ggml_backend_dev_by_name(found[at].name.c_str()));
  }
  if (devices.empty()) devices.push_back(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU));
  return devices;
}

}  // namespace

std::string rpc_version() {
  return std::to_string(RPC_PROTO_MAJOR_VERSION) + '.' + std::to_string(RPC_PROTO_MINOR_VERSION) +
         '.' + std::to_string(RPC_PROTO_PATCH_VERSION);
}

void add_workers(const std::vector<std::string>& endpoints) {
  static std::set<ggml_backend_reg_t> registered;  // by the one engine of an isolated process
  const auto add =
      rpc_function<decltype(ggml_backend_rpc_add_server)>("ggml_backend_rpc_add_server");
  for (const std::string& endpoint : endpoints) {
    const AssertScope asserts;
    ggml_backend_reg_t worker = nullptr;
    try {
      worker = add(endpoint.c_str());
    } catch (const AssertionError& error) {
      throw unavailable("the worker " + endpoint + " cannot be used: " + error.what());
    }
    if (!worker) throw unavailable("the worker " + endpoint + " has no devices");
    if (registered.insert(worker).second) ggml_backend_register(worker);
  }
}

void serve_devices(const WorkerOptions& options) {
  const auto serve =
      rpc_function<decltype(ggml_backend_rpc_start_server)>("ggml_backend_rpc_start_server");
  std::vector<ggml_backend_dev_t> devices = served_devices(options.gpu);
  const std::string endpoint = options.host + ':' + std::to_string(options.port);
  const char* cache_dir = options.cache_dir.empty() ? nullptr : options.cache_dir.c_str();
  serve(endpoint.c_str(), cache_dir, size_t(options.threads), devices.size(), devices.data());
  throw unavailable("no client can be served at " + endpoint + "; llama.cpp says why");
}

}  // namespace sluice
