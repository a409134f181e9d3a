#pragma once

#include <napi.h>

namespace sluice {

// Options of sockets that Node has no call for.

// setSendBuffer(fd, bytes): SO_SNDBUF of a socket; what a listening one accepts inherits it. Node
// hides up to 4 MB of unread reply in the kernel without it.
Napi::Value set_send_buffer(const Napi::CallbackInfo& info);

// setUserTimeout(fd, ms): TCP_USER_TIMEOUT of a socket. Without it Linux goes on for a quarter of
// an hour to send to a peer that has vanished.
Napi::Value set_user_timeout(const Napi::CallbackInfo& info);

}  // namespace sluice
