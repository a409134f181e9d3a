#include "addon/datagram.h"

#ifndef _WIN32
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#endif

#include <string>

namespace sluice {

Napi::Value send_datagram(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
#ifdef _WIN32
  throw Napi::Error::New(env, "there are no Unix datagram sockets on Windows");
#else
  const std::string path = info[0].ToString();
  const std::string text = info[1].ToString();
  const auto fail = [&](const std::string& why) {
    return Napi::Error::New(env, "could not send to the socket " + path + ": " + why);
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) throw fail("no path of a socket");
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';
  const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + path.size());
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (descriptor < 0) throw fail(std::strerror(errno));
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  // Whoever reads it may be slow, and nothing here may wait for that.
  const ssize_t sent = sendto(descriptor, text.data(), text.size(), MSG_DONTWAIT, to, length);
  const int error = errno;
  close(descriptor);
  if (sent < 0) throw fail(std::strerror(error));
  return env.Undefined();
#endif
}

}  // namespace sluice
