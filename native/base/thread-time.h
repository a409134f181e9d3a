#pragma once

namespace sluice {

// What thread_cpu_ms() counts in, in milliseconds.
#ifdef _WIN32
constexpr double kThreadCpuStepMs = 15.625;
#else
constexpr double kThreadCpuStepMs = 0;
#endif

// Processor time that the calling thread has had, in milliseconds.
double thread_cpu_ms();

}  // namespace sluice
