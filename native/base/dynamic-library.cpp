#include "base/dynamic-library.h"

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

#include <system_error>
#include <vector>
#else
#include <dlfcn.h>
#endif

namespace sluice {

#ifdef _WIN32

DynamicLibrary::DynamicLibrary(const std::filesystem::path& path) {
  // Not the current folder, where LoadLibrary would look for what this library needs.
  const DWORD places = LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR;
  handle_ = LoadLibraryExW(path.c_str(), nullptr, places);
  if (!handle_) error_ = std::system_category().message(int(GetLastError()));
}

DynamicLibrary::~DynamicLibrary() {
  if (handle_) FreeLibrary(HMODULE(handle_));
}

void* DynamicLibrary::symbol(const char* name) const {
  return reinterpret_cast<void*>(GetProcAddress(HMODULE(handle_), name));
}

std::filesystem::path file_of(const void* address) {
  const DWORD flags =
      GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
  HMODULE module = nullptr;
  if (!GetModuleHandleExW(flags, LPCWSTR(address), &module)) return {};
  std::vector<wchar_t> path(32768);  // the longest there is
  const DWORD length = GetModuleFileNameW(module, path.data(), DWORD(path.size()));
  return std::wstring(path.data(), length);
}

#else

DynamicLibrary::DynamicLibrary(const std::filesystem::path& path)
    : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_) return;
  const char* why = dlerror();
  error_ = why ? why : "it could not be opened";
}

DynamicLibrary::~DynamicLibrary() {
  if (handle_) dlclose(handle_);
}

void* DynamicLibrary::symbol(const char* name) const { return dlsym(handle_, name); }

std::filesystem::path file_of(const void* address) {
  Dl_info info{};
  return dladdr(address, &info) && info.dli_fname ? info.dli_fname : "";
}

#endif

}  // namespace sluice
