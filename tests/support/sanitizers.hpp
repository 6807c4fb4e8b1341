#pragma once

namespace memberlist::testing {

/// Whether a sanitizer is active: everything is slower, ten times or more with ThreadSanitizer, and
/// memory figures mean little, because freed memory is kept for some time.
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
