#pragma once

#ifdef _WIN32
#include <windows.h>
#else
#include <ctime>
#endif

namespace sluice {

// Milliseconds that the calling thread has computed so far; 0 where the system does not tell.
inline double thread_cpu_ms() {
#ifdef _WIN32
  FILETIME created, ended, kernel, user;
  if (!GetThreadTimes(GetCurrentThread(), &created, &ended, &kernel, &user)) return 0;
  const auto ms_of = [](const FILETIME& time) {
    return (double(time.dwHighDateTime) * 4294967296.0 + double(time.dwLowDateTime)) / 1e4;
  };
  return ms_of(kernel) + ms_of(user);
#else
  timespec time;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return 0;
  return double(time.tv_sec) * 1e3 + double(time.tv_nsec) / 1e6;
#endif
}

}  // namespace sluice
