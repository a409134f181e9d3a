#include "llama/model-store.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>

#include "llama/fault.h"

namespace sluice {
namespace {

// One per file. Its mutex is held while the file loads.
struct Slot {
  std::timed_mutex loading;
  std::weak_ptr<const Model> model;
};

// Leaked on purpose: engine threads may outlive static destruction at process exit.
std::mutex& slots_mutex() {
  static auto* mutex = new std::mutex();
  return *mutex;
}

std::shared_ptr<Slot> slot_for(const std::string& key) {
  static auto* slots = new std::map<std::string, std::shared_ptr<Slot>>();
  std::lock_guard<std::mutex> lock(slots_mutex());
  for (auto it = slots->begin(); it != slots->end();) {
    const bool unused = it->second.use_count() == 1 && it->second->model.expired();
    it = unused ? slots->erase(it) : std::next(it);
  }
  std::shared_ptr<Slot>& slot = (*slots)[key];
  if (!slot) slot = std::make_shared<Slot>();
  return slot;
}

// Everything that changes what is loaded.
std::string key_of(const ModelParams& params) {
  std::string key = std::to_string(params.gpu_layers);
  for (const std::string& device : params.devices) key += '\n' + device;
  for (const float share : params.tensor_split) {
    char exact[32];
    std::snprintf(exact, sizeof(exact), "\n%a", double(share));
    key += exact;
  }
  return key;
}

std::string key_of(const std::string& path, const ModelParams& params) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path file = fs::canonical(fs::u8path(path), error);
  if (error) return path;
  const auto size = fs::file_size(file, error);
  const auto time = fs::last_write_time(file, error).time_since_epoch().count();
  return file.u8string() + '\n' + std::to_string(size) + '\n' + std::to_string(time) + '\n' +
         key_of(params);
}

}  // namespace

std::shared_ptr<const Model> shared_model(const std::string& path, const ModelParams& params,
                                          const Model::Progress& progress) {
  const std::shared_ptr<Slot> slot = slot_for(key_of(path, params));
  std::unique_lock<std::timed_mutex> lock(slot->loading, std::defer_lock);
  while (!lock.try_lock_for(std::chrono::milliseconds(20))) {
    // Somebody else loads this file; the caller may still give up waiting for it.
    if (!progress(0.0f)) {
      throw FaultError(FaultCode::cancelled, "loading " + path + " was abandoned");
    }
  }
  std::shared_ptr<const Model> model = slot->model.lock();
  if (model) {
    progress(1.0f);
    return model;
  }
  model = Model::load(path, params, progress);
  slot->model = model;
  return model;
}

}  // namespace sluice
