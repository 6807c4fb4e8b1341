#pragma once

namespace memberlist::testing {

/// Whether a sanitizer watches: everything is slower, by a factor of ten and more where it is
/// ThreadSanitizer, and memory means little, as what is freed is kept for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace memberlist::testing
