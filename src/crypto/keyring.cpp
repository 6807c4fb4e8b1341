#include "crypto/keyring.hpp"

#include <fmt/core.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

namespace memberlist::crypto {
namespace {

constexpr std::size_t kMaxKeyBytes = 32;
constexpr std::size_t kMaxEntropyBytes = 256;  // what getentropy gives at once

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

// A failure of OpenSSL here is none of the peer's doing (memory is out, or the library is broken),
// and to go on would send plaintext: end the process.
void must(int result) noexcept {
  if (result != 1) std::abort();
}

std::unexpected<Error> no_such_key() {
  return fail(ErrorCode::invalid_argument, "the key is not in the keyring; add it first",
              "keyring");
}

}  // namespace

struct Cipher::State {
  Context encrypt;
  Context decrypt;
  std::array<std::byte, kMaxKeyBytes> key{};
  std::size_t key_bytes = 0;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { wipe(key); }
};

Cipher::Cipher(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Cipher::Cipher(Cipher&&) noexcept = default;
Cipher& Cipher::operator=(Cipher&&) noexcept = default;
Cipher::~Cipher() = default;

Result<Cipher> Cipher::create(BytesView key) {
  const EVP_CIPHER* algorithm = cipher_for(key.size());
  if (algorithm == nullptr) {
    return fail(ErrorCode::crypto,
                fmt::format("a key of {} bytes; must be 16, 24 or 32", key.size()), "keyring");
  }
  auto state = std::make_unique<State>();
  std::ranges::copy(key, state->key.begin());
  state->key_bytes = key.size();
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
  return EVP_DecryptFinal_ex(context, nothing, &written) == 1;
}

BytesView Cipher::key() const noexcept { return BytesView(state_->key).first(state_->key_bytes); }

namespace {

// Where a key is in the ring. Keys are compared in constant time: an admin's request to use or
// remove a key must not tell by its duration how much of a guess was right.
std::vector<Cipher>::iterator find(std::vector<Cipher>& ciphers, BytesView key) {
  return std::ranges::find_if(ciphers, [key](const Cipher& cipher) {
    const BytesView other = cipher.key();
    return other.size() == key.size() && CRYPTO_memcmp(other.data(), key.data(), key.size()) == 0;
  });
}

}  // namespace

Result<Keyring> Keyring::create(std::span<const Bytes> keys) {
  Keyring ring;
  for (const Bytes& key : keys) {
    if (auto added = ring.add(key); !added) return std::unexpected(added.error());
  }
  return ring;
}

Result<void> Keyring::add(BytesView key) {
  if (find(ciphers_, key) != ciphers_.end()) return {};
  auto cipher = Cipher::create(key);
  if (!cipher) return std::unexpected(cipher.error());
  ciphers_.push_back(*std::move(cipher));
  return {};
}

Result<void> Keyring::use(BytesView key) {
  const auto found = find(ciphers_, key);
  if (found == ciphers_.end()) return no_such_key();
  std::rotate(ciphers_.begin(), found, found + 1);
  return {};
}

Result<void> Keyring::remove(BytesView key) {
  const auto found = find(ciphers_, key);
  if (found == ciphers_.end()) return {};
  if (found == ciphers_.begin()) {
    return fail(ErrorCode::invalid_argument,
                "the primary key cannot be removed; use another key first", "keyring");
  }
  ciphers_.erase(found);
  return {};
}

void secure_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), kMaxEntropyBytes);
    if (::getentropy(bytes.data(), count) != 0) std::abort();
    bytes = bytes.subspan(count);
  }
}

void wipe(std::span<std::byte> bytes) noexcept { OPENSSL_cleanse(bytes.data(), bytes.size()); }

}  // namespace memberlist::crypto
