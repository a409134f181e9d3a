#pragma once

#include <string>

namespace sluice {

// What tells a file from any other, by all that is in it: 0.2 ms for each MiB. Empty where it
// cannot be read.
std::string whole_file(const std::string& path);
// The same for files that are too large to read whole: by the size, the beginning, samples from all
// over it, and the time of its last change. It reads at most 8 MiB.
std::string dated_file(const std::string& path);

}  // namespace sluice
