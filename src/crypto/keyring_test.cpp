#include "crypto/keyring.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"

namespace memberlist::crypto {
namespace {

const Bytes kA = to_bytes("aaaaaaaaaaaaaaaa");
const Bytes kB = to_bytes("bbbbbbbbbbbbbbbbbbbbbbbb");
const Bytes kC = to_bytes("cccccccccccccccccccccccccccccccc");

Keyring ring(const std::vector<Bytes>& keys) { return Keyring::create(keys).value(); }

std::vector<Bytes> keys_of(Keyring& keyring) {
  std::vector<Bytes> keys;
  for (const Cipher& cipher : keyring.ciphers()) keys.push_back(to_bytes(cipher.key()));
  return keys;
}

struct Sealed {
  Bytes text;
  std::array<std::byte, kTagBytes> tag{};
};

Sealed seal(Cipher& cipher, std::string_view plain, std::string_view authenticated = {}) {
  Sealed sealed{to_bytes(plain), {}};
  cipher.seal(Nonce{}, as_bytes(authenticated), {}, sealed.text, sealed.tag);
  return sealed;
}

Sealed seal(const Bytes& key, std::string_view plain) {
  Cipher cipher = Cipher::create(key).value();
  return seal(cipher, plain);
}

bool opens(Cipher& cipher, const Sealed& sealed, std::string_view plain,
           std::string_view authenticated = {}, std::string_view more = {}) {
  Bytes text(sealed.text.size());
  return cipher.open(Nonce{}, as_bytes(authenticated), as_bytes(more), sealed.text, sealed.tag,
                     text) &&
         as_text(text) == plain;
}

TEST(Keyring, EmptyRingHasNoKeys) {
  Keyring keyring = ring({});
  EXPECT_TRUE(keyring.empty());
  EXPECT_EQ(keyring.size(), 0U);
  EXPECT_TRUE(keyring.ciphers().empty());
}

TEST(Keyring, PrimaryOnly) {
  Keyring keyring = ring({kA});
  EXPECT_EQ(keyring.size(), 1U);
  EXPECT_EQ(keys_of(keyring), std::vector<Bytes>{kA});
}

TEST(Keyring, FirstKeyIsThePrimary) {
  Keyring keyring = ring({kB, kA, kC});
  EXPECT_EQ(to_bytes(keyring.primary().key()), kB);
}

TEST(Keyring, CreateDropsDoubles) {
  Keyring keyring = ring({kA, kB, kA, kB});
  EXPECT_EQ(keys_of(keyring), (std::vector<Bytes>{kA, kB}));
}

TEST(Keyring, AddingTwiceIsOneKey) {
  Keyring keyring = ring({kA});
  ASSERT_TRUE(keyring.add(kB));
  ASSERT_TRUE(keyring.add(kB));
  ASSERT_TRUE(keyring.add(kA));
  EXPECT_EQ(keys_of(keyring), (std::vector<Bytes>{kA, kB}));
}

TEST(Keyring, FirstKeyAddedToAnEmptyRingIsThePrimary) {
  Keyring keyring = ring({});
  ASSERT_TRUE(keyring.add(kC));
  EXPECT_EQ(to_bytes(keyring.primary().key()), kC);
}

TEST(Keyring, UsePutsTheKeyFirstAndKeepsTheOthersInOrder) {
  Keyring keyring = ring({kA, kB, kC});
  ASSERT_TRUE(keyring.use(kC));
  EXPECT_EQ(keys_of(keyring), (std::vector<Bytes>{kC, kA, kB}));
  ASSERT_TRUE(keyring.use(kC));
  EXPECT_EQ(keys_of(keyring), (std::vector<Bytes>{kC, kA, kB}));
  // Moved keys still encrypt and decrypt.
  EXPECT_TRUE(opens(keyring.ciphers()[0], seal(kC, "x"), "x"));
}

TEST(Keyring, UsingAnUnknownKeyIsAnError) {
  Keyring keyring = ring({kA});
  const auto used = keyring.use(kB);
  ASSERT_FALSE(used);
  EXPECT_EQ(used.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(keys_of(keyring), std::vector<Bytes>{kA});
}

TEST(Keyring, RemovingThePrimaryIsAnError) {
  Keyring keyring = ring({kA, kB});
  const auto removed = keyring.remove(kA);
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(keys_of(keyring), (std::vector<Bytes>{kA, kB}));
}

TEST(Keyring, RemovesOthersAndIgnoresUnknownOnes) {
  Keyring keyring = ring({kA, kB});
  EXPECT_TRUE(keyring.remove(kC));
  EXPECT_TRUE(keyring.remove(kB));
  EXPECT_EQ(keys_of(keyring), std::vector<Bytes>{kA});
}

TEST(Keyring, RefusesKeysOfOtherLengths) {
  for (std::size_t size = 0; size <= 64; ++size) {
    const bool fit = size == 16 || size == 24 || size == 32;
    const Bytes key(size, std::byte{7});
    const auto created = Keyring::create(std::vector<Bytes>{key});
    EXPECT_EQ(created.has_value(), fit) << size;
    Keyring keyring = ring({kA});
    const auto added = keyring.add(key);
    EXPECT_EQ(added.has_value(), fit) << size;
    if (!added) {
      EXPECT_EQ(added.error().code, ErrorCode::crypto);
      EXPECT_NE(added.error().message.find(std::to_string(size)), std::string::npos);
    }
  }
}

TEST(Keyring, AnyInstalledKeyDecryptsAndNoOtherDoes) {
  Keyring keyring = ring({kA, kB});
  const auto opened = [&](const Bytes& key) {
    const Sealed sealed = seal(key, "secret");
    return std::ranges::any_of(keyring.ciphers(),
                               [&](Cipher& cipher) { return opens(cipher, sealed, "secret"); });
  };
  EXPECT_TRUE(opened(kA));
  EXPECT_TRUE(opened(kB));
  EXPECT_FALSE(opened(kC));
}

// A context that a packet has used, or that has refused one, opens and seals the next.
TEST(Cipher, KeepsItsContextsFromPacketToPacket) {
  Cipher cipher = *Cipher::create(kA);
  Sealed good = seal(cipher, "good");
  Sealed bad = good;
  bad.tag[0] ^= std::byte{1};
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(opens(cipher, good, "good"));
    EXPECT_FALSE(opens(cipher, bad, "good"));
    EXPECT_EQ(seal(cipher, "good").text, good.text);
  }
}

TEST(Cipher, SealsAndOpensNothing) {
  Cipher cipher = *Cipher::create(kC);
  EXPECT_TRUE(opens(cipher, seal(cipher, ""), ""));
  EXPECT_FALSE(opens(cipher, seal(cipher, "", "label"), ""));
}

TEST(Cipher, AuthenticatedDataInTwoPiecesIsTheirConcatenation) {
  Cipher cipher = *Cipher::create(kB);
  const Sealed sealed = seal(cipher, "text", "headlabel");
  EXPECT_TRUE(opens(cipher, sealed, "text", "headlabel"));
  EXPECT_TRUE(opens(cipher, sealed, "text", "head", "label"));
  EXPECT_TRUE(opens(cipher, sealed, "text", "", "headlabel"));
  EXPECT_FALSE(opens(cipher, sealed, "text", "label", "head"));
  EXPECT_FALSE(opens(cipher, sealed, "text", "head"));
}

TEST(Cipher, EveryChangedByteIsRefused) {
  Cipher cipher = *Cipher::create(kA);
  const Sealed sealed = seal(cipher, "some secret text", "label");
  for (std::size_t i = 0; i < sealed.text.size(); ++i) {
    Sealed changed = sealed;
    changed.text[i] ^= std::byte{0x80};
    EXPECT_FALSE(opens(cipher, changed, "some secret text", "label")) << i;
  }
  for (std::size_t i = 0; i < kTagBytes; ++i) {
    Sealed changed = sealed;
    changed.tag[i] ^= std::byte{1};
    EXPECT_FALSE(opens(cipher, changed, "some secret text", "label")) << i;
  }
}

TEST(SecureRandom, FillsAllBytesAndDiffersEachTime) {
  std::vector<std::byte> a(1000);
  std::vector<std::byte> b(1000);
  secure_random(a);
  secure_random(b);
  EXPECT_NE(a, b);
  // Were the tail left as it was, it would be zeros: the odds against that by chance are 2^-800.
  EXPECT_TRUE(std::ranges::any_of(a.begin() + 900, a.end(),
                                  [](std::byte byte) { return byte != std::byte{0}; }));
  secure_random({});
}

// --- fingerprints -------------------------------------------------------------------------------

TEST(Fingerprint, IsTheHashThatTheDocumentationSays) {
  // printf 'memberlist key aaaaaaaaaaaaaaaa' | sha256sum | cut -c 1-16
  EXPECT_EQ(key_fingerprint(kA), "05b8d0d54541ff35");
  EXPECT_NE(key_fingerprint(kA), key_fingerprint(kB));
}

TEST(Keyring, ListShowsFingerprintsAndUseButNoKey) {
  Keyring keyring = ring({kA, kC});
  const Sealed sealed = seal(keyring.primary(), "secret");
  seal(keyring.primary(), "another");
  EXPECT_FALSE(opens(keyring.ciphers()[1], sealed, "secret"));
  EXPECT_TRUE(opens(keyring.ciphers()[0], sealed, "secret"));
  ASSERT_TRUE(keyring.use(kC));
  const std::vector<KeyInfo> keys = keyring.list();
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0].fingerprint, key_fingerprint(kC));
  EXPECT_EQ(keys[0].key_bytes, 32U);
  EXPECT_TRUE(keys[0].primary);
  EXPECT_EQ(keys[0].encrypted, 0U);
  EXPECT_EQ(keys[0].decrypted, 0U) << "a refused packet is not counted";
  EXPECT_EQ(keys[1].fingerprint, key_fingerprint(kA));
  EXPECT_EQ(keys[1].key_bytes, 16U);
  EXPECT_FALSE(keys[1].primary);
  EXPECT_EQ(keys[1].encrypted, 2U);
  EXPECT_EQ(keys[1].decrypted, 1U);
  EXPECT_TRUE(ring({}).list().empty());
}

TEST(Keyring, IsChangedByFingerprintToo) {
  Keyring keyring = ring({kA, kB, kC});
  ASSERT_TRUE(keyring.use(std::string_view(key_fingerprint(kC))));
  EXPECT_EQ(keys_of(keyring), (std::vector<Bytes>{kC, kA, kB}));
  EXPECT_FALSE(keyring.remove(std::string_view(key_fingerprint(kC)))) << "the primary";
  ASSERT_TRUE(keyring.remove(std::string_view(key_fingerprint(kA))));
  EXPECT_EQ(keys_of(keyring), (std::vector<Bytes>{kC, kB}));
  for (const std::string& unknown : {key_fingerprint(kA), std::string("misspelt"), std::string()}) {
    for (const auto& result :
         {keyring.use(std::string_view(unknown)), keyring.remove(std::string_view(unknown))}) {
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
      EXPECT_NE(result.error().message.find(unknown), std::string::npos);
    }
  }
  EXPECT_EQ(keys_of(keyring), (std::vector<Bytes>{kC, kB}));
}

TEST(Keyring, ErrorsNameTheKeyByItsFingerprint) {
  Keyring keyring = ring({kA, kB});
  EXPECT_NE(keyring.use(kC).error().message.find(key_fingerprint(kC)), std::string::npos);
  EXPECT_NE(keyring.remove(kA).error().message.find(key_fingerprint(kA)), std::string::npos);
}

TEST(Keyring, HoldsAsManyKeysAsItsLimit) {
  std::vector<Bytes> keys;
  for (std::size_t i = 0; i <= limits::kKeyringKeys; ++i) {
    keys.emplace_back(16, static_cast<std::byte>(i));
  }
  EXPECT_FALSE(Keyring::create(keys));
  const Bytes last = keys.back();
  keys.pop_back();
  Keyring keyring = ring(keys);
  EXPECT_EQ(keyring.size(), limits::kKeyringKeys);
  EXPECT_TRUE(keyring.add(keys.back())) << "it is there already";
  const auto added = keyring.add(last);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(added.error().message.find(std::to_string(limits::kKeyringKeys)), std::string::npos);
  EXPECT_EQ(keyring.size(), limits::kKeyringKeys);
  ASSERT_TRUE(keyring.remove(keys.back()));
  EXPECT_TRUE(keyring.add(last));
}

// --- how often a key was used -------------------------------------------------------------------

TEST(KeyUse, WarnsNearTheLimitThenAtItThenWheneverItHasDoubled) {
  Keyring keyring = Keyring::create(std::vector<Bytes>{kA}, limits::kKeySealsWarning - 2).value();
  seal(keyring.primary(), "x");
  EXPECT_FALSE(keyring.take_use_warning(1));
  seal(keyring.primary(), "x");
  EXPECT_EQ(keyring.take_use_warning(1), limits::kKeySealsWarning);
  EXPECT_FALSE(keyring.take_use_warning(1)) << "once";
  seal(keyring.primary(), "x");
  EXPECT_FALSE(keyring.take_use_warning(1));

  Keyring at_limit = Keyring::create(std::vector<Bytes>{kA}, limits::kKeySeals - 1).value();
  EXPECT_EQ(at_limit.take_use_warning(1), limits::kKeySeals - 1);
  seal(at_limit.primary(), "x");
  EXPECT_EQ(at_limit.take_use_warning(1), limits::kKeySeals);
  EXPECT_FALSE(at_limit.take_use_warning(1));
  EXPECT_EQ(at_limit.take_use_warning(2), 2 * limits::kKeySeals);
}

TEST(KeyUse, CountsAllWhoEncryptWithTheKey) {
  Keyring keyring = Keyring::create(std::vector<Bytes>{kA}, (std::uint64_t{1} << 21) - 1).value();
  EXPECT_FALSE(keyring.take_use_warning(1024));
  EXPECT_FALSE(keyring.take_use_warning(1)) << "not by this node alone";
  EXPECT_FALSE(keyring.take_use_warning(0));
  seal(keyring.primary(), "x");
  EXPECT_EQ(keyring.take_use_warning(1024), limits::kKeySealsWarning);
  // Nothing overflows.
  EXPECT_EQ(keyring.take_use_warning(~std::uint64_t{0}), ~std::uint64_t{0});
}

TEST(KeyUse, IsThatOfThePrimary) {
  Keyring keyring = Keyring::create(std::vector<Bytes>{kA}, limits::kKeySeals).value();
  ASSERT_TRUE(keyring.add(kB));
  ASSERT_TRUE(keyring.use(kB));
  EXPECT_FALSE(keyring.take_use_warning(1));
  ASSERT_TRUE(keyring.use(kA));
  EXPECT_EQ(keyring.take_use_warning(1), limits::kKeySeals);
}

TEST(Wipe, OverwritesWithZeros) {
  Bytes secret = to_bytes("secret");
  wipe(secret);
  EXPECT_EQ(secret, Bytes(6));
}

TEST(Wipe, RemovesKeysToo) {
  std::vector<Bytes> keys{kA, kB};
  wipe(keys);
  EXPECT_TRUE(keys.empty());
  wipe(keys);
}

}  // namespace
}  // namespace memberlist::crypto
