#pragma once

namespace sluice {

// Processor time that the calling thread has had, in milliseconds. Windows counts in steps of 16.
double thread_cpu_ms();

}  // namespace sluice
