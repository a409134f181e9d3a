#include "addon/socket-options.h"

#ifdef _WIN32
#include <winsock2.h>
#else
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#endif

#include <string>

namespace sluice {
namespace {

#ifndef _WIN32
// Of the descriptor and the number that a function was called with.
Napi::Value set_option(const Napi::CallbackInfo& info, int level, int option, const char* name) {
  const int descriptor = info[0].ToNumber().Int32Value();
  const int value = info[1].ToNumber().Int32Value();
  if (setsockopt(descriptor, level, option, &value, sizeof(value)) == 0) {
    return info.Env().Undefined();
  }
  throw Napi::Error::New(info.Env(), std::string("could not set the ") + name + " of descriptor " +
                                         std::to_string(descriptor) + ": " + std::strerror(errno));
}
#endif

}  // namespace

Napi::Value set_send_buffer(const Napi::CallbackInfo& info) {
#ifdef _WIN32
  throw Napi::Error::New(info.Env(),
                         "the send buffer cannot be set on Windows: Node gives no descriptor");
#else
  return set_option(info, SOL_SOCKET, SO_SNDBUF, "send buffer");
#endif
}

Napi::Value set_user_timeout(const Napi::CallbackInfo& info) {
#ifdef TCP_USER_TIMEOUT
  return set_option(info, IPPROTO_TCP, TCP_USER_TIMEOUT, "user timeout");
#else
  throw Napi::Error::New(info.Env(), "this system has no user timeout of connections");
#endif
}

}  // namespace sluice
