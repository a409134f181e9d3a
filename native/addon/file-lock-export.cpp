#include "addon/file-lock-export.h"

#include <memory>
#include <system_error>

#include "base/file-lock.h"

namespace sluice {

Napi::Value lock_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    std::shared_ptr<FileLock> lock = FileLock::try_take(info[0].ToString().Utf8Value());
    if (!lock) return env.Null();
    const auto release = [lock](const Napi::CallbackInfo&) mutable { lock.reset(); };
    return Napi::Function::New(env, release, "release");
  } catch (const std::system_error& error) {
    throw Napi::Error::New(env, error.what());
  }
}

}  // namespace sluice
