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

/// Whether bytes in memory mean what they say: a sanitizer keeps what is freed, and adds its own.
constexpr bool memory_is_exact() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return false;
#else
  return true;
#endif
#else
  return true;
#endif
}

}  // namespace memberlist::hostile
