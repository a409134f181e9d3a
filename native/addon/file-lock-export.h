#pragma once

#include <napi.h>

namespace sluice {

// lockFile(path): takes a file's lock (FileLock), and returns the function that gives it back; null
// where another holds it. Node has no call for a lock that ends with its process.
Napi::Value lock_file(const Napi::CallbackInfo& info);

}  // namespace sluice
