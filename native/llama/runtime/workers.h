#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memory/placement.h"

namespace sluice {

// Devices of other machines, by ggml's RPC backend: both ends. Each starts the runtime.

// The protocol that is spoken: "7.0.0". Workers of another first number, or of a newer second one,
// cannot be used.
std::string rpc_version();

// Adds the devices of workers ("10.0.0.2:50052", an address and no name) to those that
// find_devices() has, for as long as the process. One that was added before is left as it is. For
// the one engine of an isolated process: from one thread, after each worker was asked whether it is
// there, since ggml aborts where it is not. That is thrown here, but on Windows it ends the process
// (see AssertScope). Throws FaultError(worker_unavailable).
void add_workers(const std::vector<std::string>& endpoints);

struct WorkerOptions {
  std::string host;  // an address of this machine, of IPv4
  int32_t port = 0;
  std::string cache_dir;  // folder for weights that came, so that they need not come again
  int32_t threads = 1;    // where the processor computes
  GpuUse gpu = GpuUse::automatic;
};

// Serves this machine's GPUs, or its processor where it has none, to one client after the other.
// Returns for a failure alone: what a client says may end the process (an assertion), and nothing
// stops it but the process's end. Throws FaultError(gpu_unavailable, worker_unavailable).
void serve_devices(const WorkerOptions& options);

}  // namespace sluice
