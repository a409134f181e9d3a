#pragma once

#include <napi.h>

namespace sluice {

// sendDatagram(path, text): one datagram to a Unix socket, as systemd is told of a service. A path
// that begins with @ is of Linux's abstract names. Node has no such sockets.
Napi::Value send_datagram(const Napi::CallbackInfo& info);

}  // namespace sluice
