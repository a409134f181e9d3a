#include "addon/send-buffer.h"

#ifdef _WIN32
#include <winsock2.h>
#else
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#endif

#include <string>

namespace sluice {

Napi::Value set_send_buffer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
#ifdef _WIN32
  throw Napi::Error::New(env, "the send buffer cannot be set on Windows: Node gives no descriptor");
#else
  const int descriptor = info[0].ToNumber().Int32Value();
  const int bytes = info[1].ToNumber().Int32Value();
  if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) == 0) {
    return env.Undefined();
  }
  throw Napi::Error::New(env, "could not set the send buffer of descriptor " +
                                  std::to_string(descriptor) + ": " + std::strerror(errno));
#endif
}

}  // namespace sluice
