#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "memberlist/key.hpp"

namespace memberlist::crypto {

inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kTagBytes = 16;
using Nonce = std::array<std::byte, kNonceBytes>;

/// AES-GCM with one key of 16, 24 or 32 bytes; its cipher contexts are made once and kept.
/// Not thread-safe (the contexts hold state). The destructor wipes the key, here and in the
/// contexts. Counts how often the key is used.
class Cipher {
 public:
  /// `sealed_before`: the initial value of the count of encryptions.
  [[nodiscard]] static Result<Cipher> create(BytesView key, std::uint64_t sealed_before = 0);
  Cipher(const Cipher& other);  ///< the same key and counts, with cipher contexts of its own
  Cipher& operator=(const Cipher& other);
  Cipher(Cipher&&) noexcept;
  Cipher& operator=(Cipher&&) noexcept;
  ~Cipher();

  /// Encrypts `text` in place and writes the tag. The authenticated data comes in two pieces, one
  /// after the other, because a stream's is its frame header and then the label.
  void seal(const Nonce& nonce, BytesView authenticated, BytesView authenticated_more,
            std::span<std::byte> text, std::span<std::byte, kTagBytes> tag);
  /// Decrypts `sealed` into `text` (same length; the two may not overlap). False: the tag does not
  /// match, and the content of `text` must not be used.
  [[nodiscard]] bool open(const Nonce& nonce, BytesView authenticated, BytesView authenticated_more,
                          BytesView sealed, std::span<const std::byte, kTagBytes> tag,
                          std::span<std::byte> text);
  [[nodiscard]] BytesView key() const noexcept;
  [[nodiscard]] const std::string& fingerprint() const noexcept;
  /// Calls of `seal`, and calls of `open` in which the tag matched.
  [[nodiscard]] std::uint64_t sealed() const noexcept;
  [[nodiscard]] std::uint64_t opened() const noexcept;

 private:
  friend class Keyring;
  struct State;
  explicit Cipher(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// Keys in order, the primary first: it encrypts, all decrypt (protocol 2, Encryption). At most
/// `limits::kKeyringKeys`. Errors name a key by its fingerprint. Not thread-safe.
class Keyring {
 public:
  /// The first key is the primary; duplicates are dropped. No keys: an empty ring. Each Cipher
  /// starts with `sealed_before`.
  [[nodiscard]] static Result<Keyring> create(std::span<const Bytes> keys,
                                              std::uint64_t sealed_before = 0);

  [[nodiscard]] bool empty() const noexcept { return ciphers_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return ciphers_.size(); }
  /// Precondition: not empty.
  [[nodiscard]] Cipher& primary() noexcept { return ciphers_.front(); }
  [[nodiscard]] std::span<Cipher> ciphers() noexcept { return ciphers_; }
  /// The public information about the keys, in order.
  [[nodiscard]] std::vector<KeyInfo> list() const;

  /// Adds a key after the others, or as the primary of an empty ring; adding a present key does
  /// nothing.
  [[nodiscard]] Result<void> add(BytesView key);
  /// Makes an installed key the primary.
  [[nodiscard]] Result<void> use(BytesView key);
  [[nodiscard]] Result<void> use(std::string_view fingerprint);
  /// Removes a key; removing the primary is an error, removing an unknown one does nothing.
  [[nodiscard]] Result<void> remove(BytesView key);
  /// The same; an unknown fingerprint is an error, because it may be misspelt.
  [[nodiscard]] Result<void> remove(std::string_view fingerprint);

  /// To be called after each `seal` with the primary, which must exist. All members encrypt with
  /// it, so the total is estimated as this member's count times `senders`. When the total reaches
  /// `limits::kKeySealsWarning`, and each time that it has doubled from there, it is returned,
  /// once.
  [[nodiscard]] std::optional<std::uint64_t> take_use_warning(std::uint64_t senders) noexcept;

 private:
  using Place = std::vector<Cipher>::iterator;

  [[nodiscard]] Place find(BytesView key);
  [[nodiscard]] Place find(std::string_view fingerprint);
  [[nodiscard]] Result<void> remove(Place place);

  std::vector<Cipher> ciphers_;
};

/// Fills bytes from the operating system's secure generator. Aborts the process if there is none,
/// because a predictable nonce would reveal the key stream.
void secure_random(std::span<std::byte> bytes);

}  // namespace memberlist::crypto
