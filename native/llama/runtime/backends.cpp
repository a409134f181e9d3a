#include "llama/runtime/backends.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/dynamic-library.h"
#include "ggml-backend.h"
#include "memory/placement.h"

#ifdef GGML_BACKEND_DL
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>

#include "base/fault.h"
#include "llama/runtime/runtime.h"
#include "llama/runtime/shared/backends-mutex.h"
#endif

namespace sluice {
namespace {

namespace fs = std::filesystem;

#ifdef GGML_BACKEND_DL
const char kAbsent[] = "its package is not installed";
#else
const char kAbsent[] = "this build is without it";
#endif

// Those that a build for this system may have.
#ifdef __APPLE__
const std::vector<std::string> kFurther = {"metal"};
#else
const std::vector<std::string> kFurther = {"cuda", "vulkan"};
#endif

fs::path own_file() { return file_of(reinterpret_cast<const void*>(&load_backends)); }

std::string reason_of(ggml_backend_reg_t registry) {
  const bool has_devices =
      ggml_backend_reg_dev_count(registry) > 0 || registry_name(registry) == kWorkerBackend;
  return has_devices ? "" : "it finds no device here";
}

#ifdef _WIN32
const std::string kPrefix = "ggml-", kSuffix = ".dll";
#else
const std::string kPrefix = "libggml-", kSuffix = ".so";
#endif

// libggml-NAME.so or libggml-NAME-VARIANT.so.
bool parse_name(const fs::path& path, BackendFile& file) {
  const std::string text = path.filename().u8string();
  const size_t affixes = kPrefix.size() + kSuffix.size();
  if (text.size() <= affixes || text.compare(0, kPrefix.size(), kPrefix) != 0) return false;
  if (text.compare(text.size() - kSuffix.size(), kSuffix.size(), kSuffix) != 0) return false;
  const std::string middle = text.substr(kPrefix.size(), text.size() - affixes);
  const size_t dash = middle.find('-');
  file.name = middle.substr(0, dash);
  if (dash != std::string::npos) file.variant = middle.substr(dash + 1);
  file.path = path.u8string();
  return true;
}

// The backends that are there already. A registry is a variable of the library that it is for.
std::vector<BackendFile> registered_backends() {
  const fs::path own = own_file();
  std::vector<BackendFile> files;
  for (size_t i = 0; i < ggml_backend_reg_count(); ++i) {
    ggml_backend_reg_t registry = ggml_backend_reg_get(i);
    BackendFile file;
    file.name = registry_name(registry);
    const fs::path library = file_of(registry);
    if (library != own) file.path = library.u8string();
    parse_name(library, file);
    file.loaded = true;
    file.reason = reason_of(registry);
    files.push_back(std::move(file));
  }
  return files;
}

#ifdef GGML_BACKEND_DL

// A device counts for the first backend that shows it, so the better ones come first.
const std::vector<std::string> kOrder = {"cuda", "hip", "metal", "vulkan", "sycl", "opencl"};

struct Found {
  BackendFile file;
  fs::path path;
  int score = 0;
};

std::vector<Found> find_files(const fs::path& folder) {
  std::vector<Found> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    Found one;
    one.path = entry->path();
    if (parse_name(one.path, one.file)) found.push_back(std::move(one));
  }
  return found;
}

size_t rank(const Found& found) {
  return size_t(std::find(kOrder.begin(), kOrder.end(), found.file.name) - kOrder.begin());
}

// How well a backend suits this processor: 0 not at all, and then `reason` says so.
int score_of(const DynamicLibrary& library, BackendFile& file) {
  if (!library) {
    file.reason = library.error();
    return 0;
  }
  const auto score = reinterpret_cast<int (*)()>(library.symbol("ggml_backend_score"));
  const int value = score ? score() : 1;
  if (value == 0) file.reason = "this processor has not all that it needs";
  return value;
}

void load(Found& found) {
  const ErrorLogScope log;
  std::string why;
  try {
    if (ggml_backend_reg_t registry = ggml_backend_load(found.file.path.c_str())) {
      found.file.loaded = true;
      found.file.reason = reason_of(registry);
      return;
    }
    why = log.text();
  } catch (const std::exception& error) {  // of a driver: the others are loaded all the same
    why = error.what();
  }
  found.file.reason = why.empty() ? "it could not be started" : why;
}

void load_others(std::vector<Found>& files) {
  std::stable_sort(files.begin(), files.end(),
                   [](const Found& a, const Found& b) { return rank(a) < rank(b); });
  std::vector<std::string> loaded;
  for (Found& found : files) {
    if (std::count(loaded.begin(), loaded.end(), found.file.name) > 0) {
      found.file.reason = "another file of this backend is loaded";
      continue;
    }
    // Kept open until ggml has opened it too, so that ggml gets the same file.
    const DynamicLibrary library(found.path);
    if (score_of(library, found.file) == 0) continue;
    load(found);
    if (found.file.loaded) loaded.push_back(found.file.name);
  }
}

void load_best(std::vector<Found>& variants) {
  for (Found& found : variants) found.score = score_of(DynamicLibrary(found.path), found.file);
  std::stable_sort(variants.begin(), variants.end(),
                   [](const Found& a, const Found& b) { return a.score > b.score; });
  bool done = false;
  for (Found& found : variants) {
    if (found.score == 0) continue;
    if (done) {
      found.file.reason = "a better one is loaded";
    } else {
      load(found);
      done = found.file.loaded;
    }
  }
}

void require_cpu(const fs::path& folder, const std::vector<Found>& variants) {
  if (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU)) return;
  std::string text = "no CPU backend could be loaded from " + folder.u8string();
  if (variants.empty()) text += ": there is no file " + kPrefix + "cpu-*" + kSuffix;
  for (const Found& found : variants) text += "; " + found.file.path + ": " + found.file.reason;
  throw FaultError(FaultCode::engine_failed, text);
}

std::vector<BackendFile> load_files(const std::vector<std::string>& folders) {
  const std::lock_guard<std::mutex> lock(sluice_backends_mutex());
  const fs::path own = own_file().parent_path();
  std::vector<Found> variants, others;
  if (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU)) return registered_backends();
  const bool is_again = ggml_backend_reg_count() > 0;  // an earlier try found no CPU backend
  for (Found& found : find_files(own)) {
    (found.file.name == "cpu" ? variants : others).push_back(std::move(found));
  }
  for (const std::string& folder : folders) {
    for (Found& found : find_files(fs::u8path(folder))) {
      if (found.file.name != "cpu") others.push_back(std::move(found));
    }
  }
  if (!is_again) load_others(others);  // before the CPU, which takes what no other does
  load_best(variants);
  require_cpu(own, variants);
  if (is_again) return registered_backends();
  std::vector<BackendFile> files;
  for (const auto* list : {&others, &variants}) {
    for (const Found& found : *list) files.push_back(found.file);
  }
  return files;
}

#else

std::vector<BackendFile> load_files(const std::vector<std::string>&) {
  return registered_backends();
}

#endif  // GGML_BACKEND_DL

}  // namespace

std::vector<BackendFile> load_backends(const std::vector<std::string>& folders) {
  std::vector<BackendFile> files = load_files(folders);
  for (const std::string& name : kFurther) {
    const bool is_here = std::any_of(files.begin(), files.end(),
                                     [&](const BackendFile& one) { return one.name == name; });
    if (!is_here) files.push_back({name, "", "", false, kAbsent});
  }
  return files;
}

std::string registry_name(ggml_backend_reg_t registry) {
  std::string name = ggml_backend_reg_name(registry);
  for (char& letter : name) letter = char(std::tolower(static_cast<unsigned char>(letter)));
  return name == "mtl" ? "metal" : name;
}

}  // namespace sluice
