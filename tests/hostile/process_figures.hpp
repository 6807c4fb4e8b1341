#pragma once

#include <sys/types.h>

#include <cstddef>

namespace memberlist::hostile {

/// What the system says of a process, from /proc. Throws std::runtime_error if it has ended.
struct ProcessFigures {
  std::size_t resident_bytes = 0;
  std::size_t peak_resident_bytes = 0;  ///< since its start, or since `forget_peak`
  std::size_t descriptors = 0;

  static ProcessFigures of(pid_t pid);
};

/// From now on the peak is counted anew.
void forget_peak(pid_t pid);

}  // namespace memberlist::hostile
