#include "base/thread-time.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <ctime>
#endif

namespace sluice {

#ifdef _WIN32

double thread_cpu_ms() {
  FILETIME created, ended, kernel, user;
  if (!GetThreadTimes(GetCurrentThread(), &created, &ended, &kernel, &user)) return 0;
  const auto ms = [](const FILETIME& time) {  // from units of 100 ns
    return (double(time.dwHighDateTime) * 4294967296.0 + double(time.dwLowDateTime)) / 1e4;
  };
  return ms(kernel) + ms(user);
}

#else

double thread_cpu_ms() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) * 1e3 + double(time.tv_nsec) / 1e6;
}

#endif

}  // namespace sluice
