#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

namespace memberlist::wire {

/// The kind of error, for the counters.
enum class WireErrorKind : std::uint8_t {
  malformed,      ///< cannot be understood
  limit,          ///< exceeds a limit
  label,          ///< a wrong, missing or unexpected label
  undecryptable,  ///< no key decrypts it
  not_encrypted,  ///< plaintext, but encryption is required
  not_expected,   ///< encrypted, but no key is configured
};

/// Why received bytes were rejected, and at which byte of the current layer. Does not allocate:
/// `what` is a literal.
struct WireError {
  WireErrorKind kind = WireErrorKind::malformed;
  const char* what = "";
  std::size_t offset = 0;

  /// `what` and the offset in one line.
  [[nodiscard]] std::string to_string() const {
    return std::string(what) + " at byte " + std::to_string(offset);
  }
};

/// `what` of a message that ends too early. An array, so that its address is the same wherever it
/// is compared.
inline constexpr char kTruncated[] = "message is cut off";

template <class T>
using WireResult = std::expected<T, WireError>;

}  // namespace memberlist::wire
