// An addon for test/support/reliability/tells-memory.mjs: how much of malloc's memory is in use.
// What it holds for nobody comes and goes, and grows for hours without a leak.
#include <malloc.h>
#include <node_api.h>

namespace {

// Of all arenas, and of what has a mapping of its own: mallinfo2() of glibc.
napi_value bytes_in_use(napi_env env, napi_callback_info) {
  const struct mallinfo2 info = mallinfo2();
  napi_value bytes = nullptr;
  napi_create_double(env, double(info.uordblks + info.hblkhd), &bytes);
  return bytes;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  napi_create_function(env, "bytesInUse", NAPI_AUTO_LENGTH, bytes_in_use, nullptr, &function);
  napi_set_named_property(env, exports, "bytesInUse", function);
  return exports;
}
