#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

namespace memberlist::wire {

/// Which kind of fault, for the counters.
enum class WireErrorKind : std::uint8_t {
  malformed,      ///< cannot be understood
  limit,          ///< over a limit of ours
  label,          ///< another label than ours, or none, or one too many
  undecryptable,  ///< no key fits
  not_encrypted,  ///< plain where encryption is required
  not_expected,   ///< encrypted where no key is configured
};

/// What was wrong with received bytes, and at which byte (of the layer being read). Made without
/// allocation: `what` is a literal.
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
