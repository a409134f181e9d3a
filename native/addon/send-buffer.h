#pragma once

#include <napi.h>

namespace sluice {

// setSendBuffer(fd, bytes): SO_SNDBUF of a socket; what a listening one accepts inherits it. Node
// has no call for it, and hides up to 4 MB of unread reply in the kernel without it.
Napi::Value set_send_buffer(const Napi::CallbackInfo& info);

}  // namespace sluice
