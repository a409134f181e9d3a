// Makes of the shipped addon's own objects another one that finds GPUs on every machine, for
// test/e2e/engine/load/devices.test.ts: devices whose memory is the system's, which no code of
// llama.cpp or ours can tell, and whose calls the CPU computes. The addon itself has no switch for
// it.
//
// SLUICE_TEST_DEVICES says which, with commas between: BACKEND:KIND:MIB or BACKEND:KIND:MIB:FAULT,
// for example CUDA:gpu:300,CUDA:gpu:100:start,Vulkan:integrated:500. What is allocated on one is
// taken off what it says is free. Faults: `start` (it cannot be started), `lies` (it says eight
// times the memory that it has), `silent` (it throws when it is asked for its memory),
// `untouchable` (starting it, or asking for its memory, ends the process).
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../ggml/src/ggml-backend-impl.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"

namespace {

struct MadeUpDevice {
  std::string name, description;
  enum ggml_backend_dev_type type;
  size_t bytes, used = 0;
  bool starts = true, is_untouchable = false, is_silent = false;
  size_t lie = 1;
  ggml_backend_device device{};
  ggml_backend_buffer_type buffers{};
};

struct MadeUpBackend {
  std::string name;
  std::vector<std::unique_ptr<MadeUpDevice>> devices;
  ggml_backend_reg registry{};
};

MadeUpDevice& of(ggml_backend_dev_t device) { return *static_cast<MadeUpDevice*>(device->context); }
MadeUpDevice& of(ggml_backend_buffer_type_t type) {
  return *static_cast<MadeUpDevice*>(type->context);
}

ggml_backend_dev_t cpu() { return ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU); }

// ---- buffers ------------------------------------------------------------------------------------

void (*free_cpu_buffer)(ggml_backend_buffer_t) = nullptr;

void free_buffer(ggml_backend_buffer_t buffer) {
  of(buffer->buft).used -= buffer->size;
  free_cpu_buffer(buffer);
}

ggml_backend_buffer_t alloc_buffer(ggml_backend_buffer_type_t type, size_t size) {
  MadeUpDevice& device = of(type);
  if (device.used + size > device.bytes) return nullptr;
  ggml_backend_buffer_t buffer =
      ggml_backend_buft_alloc_buffer(ggml_backend_cpu_buffer_type(), size);
  if (!buffer) return nullptr;
  free_cpu_buffer = buffer->iface.free_buffer;
  buffer->iface.free_buffer = free_buffer;
  buffer->iface.cpy_tensor = nullptr;  // by way of get_tensor, as between devices
  buffer->buft = type;
  device.used += buffer->size;
  return buffer;
}

ggml_backend_buffer_type_i buffer_type() {
  ggml_backend_buffer_type_i type{};
  type.get_name = [](ggml_backend_buffer_type_t one) { return of(one).name.c_str(); };
  type.alloc_buffer = alloc_buffer;
  type.get_alignment = [](ggml_backend_buffer_type_t) -> size_t { return 64; };
  return type;
}

// ---- computing ----------------------------------------------------------------------------------

ggml_guid_t guid() {
  static ggml_guid own = {0x5c, 0x1a, 0x1c, 0xe0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  return &own;
}

void touch(const MadeUpDevice& device) {
  if (device.is_untouchable) std::abort();
}

ggml_backend_t start(ggml_backend_dev_t device, const char*) {
  touch(of(device));
  if (!of(device).starts) return nullptr;
  ggml_backend_i calls{};
  calls.get_name = [](ggml_backend_t one) { return of(one->device).name.c_str(); };
  calls.free = [](ggml_backend_t one) {
    ggml_backend_free(static_cast<ggml_backend_t>(one->context));
    delete one;
  };
  calls.graph_compute = [](ggml_backend_t one, ggml_cgraph* graph) {
    return ggml_backend_graph_compute(static_cast<ggml_backend_t>(one->context), graph);
  };
  ggml_backend_t computes = ggml_backend_dev_init(cpu(), nullptr);
  ggml_backend_cpu_set_n_threads(computes, 1);  // ggml's spin at barriers where cores are few
  return new ggml_backend{guid(), calls, device, computes};
}

void memory(ggml_backend_dev_t device, size_t* free, size_t* total) {
  const MadeUpDevice& own = of(device);
  touch(own);
  if (own.is_silent) throw std::runtime_error("the driver was lost");
  *total = own.lie * own.bytes;
  *free = *total - own.used;
}

void properties(ggml_backend_dev_t device, ggml_backend_dev_props* props) {
  const MadeUpDevice& own = of(device);
  *props = {own.name.c_str(), own.description.c_str(), 0, 0, own.type, nullptr, {}};
  memory(device, &props->memory_free, &props->memory_total);
}

ggml_backend_device_i device_calls() {
  ggml_backend_device_i calls{};
  calls.get_name = [](ggml_backend_dev_t one) { return of(one).name.c_str(); };
  calls.get_description = [](ggml_backend_dev_t one) { return of(one).description.c_str(); };
  calls.get_memory = memory;
  calls.get_type = [](ggml_backend_dev_t one) { return of(one).type; };
  calls.get_props = properties;
  calls.init_backend = start;
  calls.get_buffer_type = [](ggml_backend_dev_t one) { return &of(one).buffers; };
  calls.supports_op = [](ggml_backend_dev_t, const ggml_tensor* op) {
    return ggml_backend_dev_supports_op(cpu(), op);
  };
  // Its own, as a GPU: what is elsewhere is copied.
  calls.supports_buft = [](ggml_backend_dev_t one, ggml_backend_buffer_type_t type) {
    return type == &of(one).buffers;
  };
  return calls;
}

// ---- the registry -------------------------------------------------------------------------------

ggml_backend_reg_i registry_calls() {
  const auto own = [](ggml_backend_reg_t one) -> MadeUpBackend& {
    return *static_cast<MadeUpBackend*>(one->context);
  };
  static const auto of_registry = own;
  ggml_backend_reg_i calls{};
  calls.get_name = [](ggml_backend_reg_t one) { return of_registry(one).name.c_str(); };
  calls.get_device_count = [](ggml_backend_reg_t one) { return of_registry(one).devices.size(); };
  calls.get_device = [](ggml_backend_reg_t one, size_t at) {
    return &of_registry(one).devices[at]->device;
  };
  calls.get_proc_address = [](ggml_backend_reg_t, const char*) -> void* { return nullptr; };
  return calls;
}

void add_device(MadeUpBackend& backend, const std::string& kind, size_t mib,
                const std::string& fault) {
  auto device = std::make_unique<MadeUpDevice>();
  device->name = backend.name + std::to_string(backend.devices.size());
  device->description = "Made-up device";
  device->type =
      kind == "integrated" ? GGML_BACKEND_DEVICE_TYPE_IGPU : GGML_BACKEND_DEVICE_TYPE_GPU;
  device->bytes = mib << 20;
  device->starts = fault != "start";
  device->is_untouchable = fault == "untouchable";
  device->is_silent = fault == "silent";
  device->lie = fault == "lies" ? 8 : 1;
  device->device = {device_calls(), &backend.registry, device.get()};
  device->buffers = {buffer_type(), &device->device, device.get()};
  backend.devices.push_back(std::move(device));
}

// As long as the process: engine threads may outlive static destruction.
std::vector<std::unique_ptr<MadeUpBackend>>& backends() {
  static auto* all = new std::vector<std::unique_ptr<MadeUpBackend>>();
  return *all;
}

MadeUpBackend& backend_named(const std::string& name) {
  for (const auto& one : backends()) {
    if (one->name == name) return *one;
  }
  backends().push_back(std::make_unique<MadeUpBackend>());
  MadeUpBackend& backend = *backends().back();
  backend.name = name;
  backend.registry = {GGML_BACKEND_API_VERSION, registry_calls(), &backend};
  return backend;
}

bool register_all() {
  const char* text = std::getenv("SLUICE_TEST_DEVICES");
  std::istringstream list(text ? text : "");
  for (std::string entry; std::getline(list, entry, ',');) {
    std::istringstream parts(entry);
    std::string name, kind, mib, fault;
    std::getline(parts, name, ':');
    std::getline(parts, kind, ':');
    std::getline(parts, mib, ':');
    std::getline(parts, fault, ':');
    add_device(backend_named(name), kind, std::strtoul(mib.c_str(), nullptr, 10), fault);
  }
  for (const auto& one : backends()) ggml_backend_register(&one->registry);
  return true;
}

const bool is_registered = register_all();

}  // namespace
