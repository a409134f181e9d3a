#include "llama/model-store.h"

#include <cstdio>
#include <filesystem>

#include "base/fault.h"
#include "base/shared-values.h"
#include "disk/file-digest.h"

namespace sluice {
namespace {

// Leaked on purpose: engine threads may outlive static destruction at process exit.
SharedValues<Model>& models() {
  static auto* models = new SharedValues<Model>();
  return *models;
}

}  // namespace

std::string file_key(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path file = fs::canonical(fs::u8path(path), error);
  if (error) return path;
  const FileStamp stamp = stamp_of(file.u8string());
  return stamp.path + '\n' + std::to_string(stamp.size) + '\n' + std::to_string(stamp.time);
}

std::string placement_key(const ModelParams& params) {
  std::string key = std::to_string(params.gpu_layers);
  if (params.has_heads) key += " with heads";
  for (const std::string& device : params.devices) key += '\n' + device;
  for (const float share : params.tensor_split) {
    char exact[32];
    std::snprintf(exact, sizeof(exact), "\n%a", double(share));
    key += exact;
  }
  return key;
}

std::string model_key(const std::string& path, const ModelParams& params) {
  return file_key(path) + '\n' + placement_key(params);
}

std::shared_ptr<const Model> shared_model(const std::string& path, const ModelParams& params,
                                          const Model::Progress& progress) {
  bool is_there = true;
  const auto load = [&] {
    is_there = false;
    return Model::load(path, params, progress);
  };
  const auto wait = [&] {
    // Another engine loads this file; the caller may still give up waiting for it.
    if (!progress(0.0f)) {
      throw FaultError(FaultCode::cancelled, "loading " + path + " was abandoned");
    }
  };
  std::shared_ptr<const Model> model = models().get(model_key(path, params), load, wait);
  if (is_there) progress(1.0f);
  return model;
}

}  // namespace sluice
