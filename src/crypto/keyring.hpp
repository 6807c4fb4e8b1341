#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"

namespace memberlist::crypto {

inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kTagBytes = 16;
using Nonce = std::array<std::byte, kNonceBytes>;

/// AES-GCM with one key of 16, 24 or 32 bytes; its cipher contexts are made once and kept.
/// Not thread-safe (the contexts hold state). The key is wiped when it is dropped.
class Cipher {
 public:
  [[nodiscard]] static Result<Cipher> create(BytesView key);
  Cipher(Cipher&&) noexcept;
  Cipher& operator=(Cipher&&) noexcept;
  ~Cipher();

  /// Encrypts `text` in place and writes the tag. The authenticated data comes in two pieces, one
  /// after the other, since a stream's is its frame header and then the label.
  void seal(const Nonce& nonce, BytesView authenticated, BytesView authenticated_more,
            std::span<std::byte> text, std::span<std::byte, kTagBytes> tag);
  /// Decrypts `sealed` into `text` (same length; the two may not overlap). False: the tag does not
  /// fit, and what `text` holds must not be used.
  [[nodiscard]] bool open(const Nonce& nonce, BytesView authenticated, BytesView authenticated_more,
                          BytesView sealed, std::span<const std::byte, kTagBytes> tag,
                          std::span<std::byte> text);
  [[nodiscard]] BytesView key() const noexcept;

 private:
  struct State;
  explicit Cipher(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// Keys in order, the primary first: it encrypts, all decrypt (protocol 2, Encryption).
class Keyring {
 public:
  /// The first key is the primary; doubles are dropped. No keys: an empty ring.
  [[nodiscard]] static Result<Keyring> create(std::span<const Bytes> keys);

  [[nodiscard]] bool empty() const noexcept { return ciphers_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return ciphers_.size(); }
  /// Precondition: not empty.
  [[nodiscard]] Cipher& primary() noexcept { return ciphers_.front(); }
  [[nodiscard]] std::span<Cipher> ciphers() noexcept { return ciphers_; }

  /// Adds a key behind the others; adding one that is there does nothing.
  [[nodiscard]] Result<void> add(BytesView key);
  /// Makes an installed key the primary.
  [[nodiscard]] Result<void> use(BytesView key);
  /// Removes a key; removing the primary is an error, removing an unknown one does nothing.
  [[nodiscard]] Result<void> remove(BytesView key);

 private:
  std::vector<Cipher> ciphers_;
};

/// Fills bytes from the operating system's secure generator. Aborts the process if there is none,
/// since a predictable nonce would reveal the key stream.
void secure_random(std::span<std::byte> bytes);

/// Overwrites bytes in a way that the compiler keeps.
void wipe(std::span<std::byte> bytes) noexcept;

}  // namespace memberlist::crypto
