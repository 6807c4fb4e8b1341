#include "crypto/keyring.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "base/limits.hpp"

namespace memberlist::crypto {
namespace {

constexpr std::size_t kMaxKeyBytes = 32;
constexpr std::size_t kMaxEntropyBytes = 256;  // the limit of one call of getentropy

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const EVP_CIPHER* cipher_for(std::size_t key_bytes) noexcept {
  switch (key_bytes) {
    case 16:
      return EVP_aes_128_gcm();
    case 24:
      return EVP_aes_192_gcm();
    case 32:
      return EVP_aes_256_gcm();
    default:
      return nullptr;
  }
}

const unsigned char* raw(BytesView bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(std::span<std::byte> bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

// A failure of OpenSSL here is not caused by the peer (out of memory, or a broken library), and
// continuing would send plaintext: end the process.
void must(int result) noexcept {
  if (result != 1) std::abort();
}

// Nothing: OpenSSL has no memory, or cannot do it.
std::optional<std::string> fingerprint_of(BytesView key) {
  constexpr std::string_view kPrefix = "memberlist key ";
  constexpr std::size_t kShownBytes = 8;
  Bytes text = to_bytes(kPrefix);
  text.reserve(kPrefix.size() + key.size());
  text.insert(text.end(), key.begin(), key.end());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  const int done =
      EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  wipe(text);
  if (done != 1) return std::nullopt;
  std::string shown;
  for (std::size_t i = 0; i < kShownBytes; ++i) {
    fmt::format_to(std::back_inserter(shown), "{:02x}", digest[i]);
  }
  return shown;
}

Error no_such_key(std::string_view fingerprint, std::string_view advice) {
  return {ErrorCode::invalid_argument,
          fmt::format("the key {} is not in the keyring; {}", fingerprint, advice), "keyring"};
}

constexpr std::string_view kAddFirst = "add it first";
constexpr std::string_view kLook = "`keys` lists those that are";

}  // namespace

struct Cipher::State {
  Context encrypt;
  Context decrypt;
  std::array<std::byte, kMaxKeyBytes> key{};
  std::size_t key_bytes = 0;
  std::string fingerprint;
  std::uint64_t sealed = 0;
  std::uint64_t opened = 0;
  int warned = 0;  // level of the last warning about its use

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { wipe(key); }
};

Cipher::Cipher(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Cipher::Cipher(const Cipher& other) {
  auto copy = create(other.key(), other.sealed());
  if (!copy) throw std::bad_alloc();  // what OpenSSL had for the first, it lacks memory for now
  state_ = std::move(copy->state_);
  state_->opened = other.state_->opened;
  state_->warned = other.state_->warned;
}
Cipher& Cipher::operator=(const Cipher& other) {
  if (this != &other) *this = Cipher(other);
  return *this;
}
Cipher::Cipher(Cipher&&) noexcept = default;
Cipher& Cipher::operator=(Cipher&&) noexcept = default;
Cipher::~Cipher() = default;

Result<Cipher> Cipher::create(BytesView key, std::uint64_t sealed_before) {
  const EVP_CIPHER* algorithm = cipher_for(key.size());
  if (algorithm == nullptr) {
    return fail(ErrorCode::crypto,
                fmt::format("a key of {} bytes; must be 16, 24 or 32", key.size()), "keyring");
  }
  auto state = std::make_unique<State>();
  std::ranges::copy(key, state->key.begin());
  state->key_bytes = key.size();
  auto fingerprint = fingerprint_of(key);
  if (!fingerprint) return fail(ErrorCode::system, "OpenSSL has no SHA-256", "keyring");
  state->fingerprint = std::move(*fingerprint);
  state->sealed = sealed_before;
  state->encrypt.reset(EVP_CIPHER_CTX_new());
  state->decrypt.reset(EVP_CIPHER_CTX_new());
  if (!state->encrypt || !state->decrypt ||
      EVP_EncryptInit_ex(state->encrypt.get(), algorithm, nullptr, raw(key), nullptr) != 1 ||
      EVP_DecryptInit_ex(state->decrypt.get(), algorithm, nullptr, raw(key), nullptr) != 1) {
    return fail(ErrorCode::system, "OpenSSL has no AES-GCM", "keyring");
  }
  return Cipher(std::move(state));
}

void Cipher::seal(const Nonce& nonce, BytesView authenticated, BytesView authenticated_more,
                  std::span<std::byte> text, std::span<std::byte, kTagBytes> tag) {
  EVP_CIPHER_CTX* context = state_->encrypt.get();
  ++state_->sealed;
  int written = 0;
  must(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, raw(nonce)));
  for (const BytesView piece : {authenticated, authenticated_more}) {
    if (piece.empty()) continue;
    must(EVP_EncryptUpdate(context, nullptr, &written, raw(piece), static_cast<int>(piece.size())));
  }
  if (!text.empty()) {
    must(EVP_EncryptUpdate(context, raw(text), &written, raw(text), static_cast<int>(text.size())));
  }
  unsigned char nothing[kTagBytes];
  must(EVP_EncryptFinal_ex(context, nothing, &written));
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag.data()));
}

bool Cipher::open(const Nonce& nonce, BytesView authenticated, BytesView authenticated_more,
                  BytesView sealed, std::span<const std::byte, kTagBytes> tag,
                  std::span<std::byte> text) {
  assert(text.size() == sealed.size());
  EVP_CIPHER_CTX* context = state_->decrypt.get();
  int written = 0;
  must(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, raw(nonce)));
  for (const BytesView piece : {authenticated, authenticated_more}) {
    if (piece.empty()) continue;
    must(EVP_DecryptUpdate(context, nullptr, &written, raw(piece), static_cast<int>(piece.size())));
  }
  if (!sealed.empty()) {
    must(EVP_DecryptUpdate(context, raw(text), &written, raw(sealed),
                           static_cast<int>(sealed.size())));
  }
  std::array<std::byte, kTagBytes> expected;  // OpenSSL takes a pointer to mutable bytes
  std::ranges::copy(tag, expected.begin());
  must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, expected.data()));
  unsigned char nothing[kTagBytes];
  if (EVP_DecryptFinal_ex(context, nothing, &written) != 1) return false;
  ++state_->opened;
  return true;
}

BytesView Cipher::key() const noexcept { return BytesView(state_->key).first(state_->key_bytes); }
const std::string& Cipher::fingerprint() const noexcept { return state_->fingerprint; }
std::uint64_t Cipher::sealed() const noexcept { return state_->sealed; }
std::uint64_t Cipher::opened() const noexcept { return state_->opened; }

// --- Keyring ------------------------------------------------------------------------------------

// Keys are compared in constant time: the duration of an admin's request to use or remove a key
// must not reveal how much of a guess was right.
Keyring::Place Keyring::find(BytesView key) {
  return std::ranges::find_if(ciphers_, [key](const Cipher& cipher) {
    const BytesView other = cipher.key();
    return other.size() == key.size() && CRYPTO_memcmp(other.data(), key.data(), key.size()) == 0;
  });
}

Keyring::Place Keyring::find(std::string_view fingerprint) {
  return std::ranges::find(ciphers_, fingerprint, &Cipher::fingerprint);
}

Result<Keyring> Keyring::create(std::span<const Bytes> keys, std::uint64_t sealed_before) {
  Keyring ring;
  for (const Bytes& key : keys) {
    if (auto added = ring.add(key); !added) return std::unexpected(added.error());
    ring.ciphers_.back().state_->sealed = sealed_before;
  }
  return ring;
}

std::vector<KeyInfo> Keyring::list() const {
  std::vector<KeyInfo> keys;
  keys.reserve(ciphers_.size());
  for (const Cipher& cipher : ciphers_) {
    keys.push_back({.fingerprint = cipher.fingerprint(),
                    .key_bytes = cipher.key().size(),
                    .primary = keys.empty(),
                    .encrypted = cipher.sealed(),
                    .decrypted = cipher.opened()});
  }
  return keys;
}

Result<void> Keyring::add(BytesView key) {
  if (find(key) != ciphers_.end()) return {};
  auto cipher = Cipher::create(key);
  if (!cipher) return std::unexpected(cipher.error());
  if (ciphers_.size() >= limits::kKeyringKeys) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the key {} is one too many: a keyring holds at most {} keys; remove "
                            "one first",
                            cipher->fingerprint(), limits::kKeyringKeys),
                "keyring");
  }
  ciphers_.push_back(*std::move(cipher));
  return {};
}

Result<void> Keyring::use(BytesView key) {
  const Place found = find(key);
  if (found == ciphers_.end()) return std::unexpected(no_such_key(key_fingerprint(key), kAddFirst));
  std::rotate(ciphers_.begin(), found, found + 1);
  return {};
}

Result<void> Keyring::use(std::string_view fingerprint) {
  const Place found = find(fingerprint);
  if (found == ciphers_.end()) return std::unexpected(no_such_key(fingerprint, kAddFirst));
  std::rotate(ciphers_.begin(), found, found + 1);
  return {};
}

Result<void> Keyring::remove(BytesView key) {
  const Place found = find(key);
  if (found == ciphers_.end()) return {};
  return remove(found);
}

Result<void> Keyring::remove(std::string_view fingerprint) {
  const Place found = find(fingerprint);
  if (found == ciphers_.end()) return std::unexpected(no_such_key(fingerprint, kLook));
  return remove(found);
}

Result<void> Keyring::remove(Place place) {
  if (place == ciphers_.begin()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the key {} is the primary, which cannot be removed; use another key "
                            "first",
                            place->fingerprint()),
                "keyring");
  }
  ciphers_.erase(place);
  return {};
}

std::optional<std::uint64_t> Keyring::take_use_warning(std::uint64_t senders) noexcept {
  Cipher::State& state = *primary().state_;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t by_all =
      senders > 0 && state.sealed > kMost / senders ? kMost : state.sealed * senders;
  const auto level = static_cast<int>(std::bit_width(by_all / limits::kKeySealsWarning));
  if (level <= state.warned) return std::nullopt;
  state.warned = level;
  return by_all;
}

// --- what the ring needs ------------------------------------------------------------------------

void secure_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), kMaxEntropyBytes);
    if (::getentropy(bytes.data(), count) != 0) std::abort();
    bytes = bytes.subspan(count);
  }
}

}  // namespace memberlist::crypto

namespace memberlist {

std::string key_fingerprint(BytesView key) {
  auto fingerprint = crypto::fingerprint_of(key);
  if (!fingerprint) throw std::bad_alloc();
  return *std::move(fingerprint);
}

void wipe(std::span<std::byte> bytes) noexcept { OPENSSL_cleanse(bytes.data(), bytes.size()); }

void wipe(std::vector<Bytes>& keys) noexcept {
  for (Bytes& key : keys) wipe(std::span(key));
  keys.clear();
}

}  // namespace memberlist
