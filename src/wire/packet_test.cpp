#include "wire/packet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/golden.hpp"
#include "wire/crc32.hpp"

namespace memberlist::wire {
namespace {

using testing::bytes_of;

const Bytes kKey = to_bytes("0123456789abcdef");
const Bytes kOtherKey = to_bytes("fedcba9876543210");

crypto::Keyring ring(const std::vector<Bytes>& keys) {
  return crypto::Keyring::create(keys).value();
}

Sealing plain() {
  Sealing how;
  how.compress = false;
  return how;
}

Bytes seal(const Sealing& how, const std::vector<Bytes>& parts, bool with_crc = false) {
  std::size_t total = 0;
  for (const Bytes& part : parts) total += part.size();
  const std::vector<BytesView> views(parts.begin(), parts.end());
  Bytes out(total + PacketSealer::kMaxOverheadBytes);
  PacketSealer sealer;
  return to_bytes(sealer.seal(how, views, with_crc, out));
}

// What a packet holds: the text of user messages, and what is wrong with the other parts.
struct Opened {
  std::vector<std::string> messages;
  std::vector<std::string> errors;
  std::size_t truncated = 0;
};

WireResult<Opened> open(const Sealing& how, BytesView packet) {
  PacketOpener opener;
  if (auto opened = opener.open(how, packet); !opened) return std::unexpected(opened.error());
  Opened result;
  while (auto message = opener.next_view()) {
    if (*message) {
      result.messages.emplace_back(as_text((*message)->body));
    } else {
      result.errors.emplace_back(message->error().what);
    }
  }
  result.truncated = opener.truncated_parts();
  return result;
}

Bytes user(const std::string& text) { return to_bytes("\x08" + text); }

// Layers by hand, as a peer might nest them.
Bytes compound(const std::vector<Bytes>& parts) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.u8(7);
  out.u8(static_cast<std::uint8_t>(parts.size()));
  for (const Bytes& part : parts) out.u16(static_cast<std::uint16_t>(part.size()));
  for (const Bytes& part : parts) out.bytes(part);
  return bytes;
}
Bytes compressed(const Bytes& inner, std::uint8_t algo = 0) {
  LzwEncoder lzw;
  Bytes packed;
  EXPECT_TRUE(lzw.encode(inner, packed));
  Bytes bytes;
  ByteWriter out(bytes);
  encode(out, Compressed{algo, packed});
  return bytes;
}
Bytes checked(const Bytes& inner) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.u8(12);
  out.u32(crc32(inner));
  out.bytes(inner);
  return bytes;
}

using Texts = std::vector<std::string>;

TEST(Packet, OneMessageGoesPlain) { EXPECT_EQ(seal(plain(), {user("hi")}), user("hi")); }

TEST(Packet, EveryCombinationOfLayersRoundTrips) {
  auto keyring = ring({kKey});
  const std::vector<Bytes> parts = {user(std::string(200, 'a')), user("b"), user("")};
  for (int bits = 0; bits < 32; ++bits) {
    Sealing how;
    how.compress = (bits & 1) != 0;
    how.label = (bits & 2) != 0 ? "prod" : "";
    how.keyring = (bits & 4) != 0 ? &keyring : nullptr;
    how.encryption_version = (bits & 8) != 0 ? 1 : 0;
    const Bytes packet = seal(how, parts, (bits & 16) != 0);
    const auto opened = open(how, packet);
    ASSERT_TRUE(opened) << bits << ": " << opened.error().to_string();
    EXPECT_EQ(opened->messages, (Texts{std::string(200, 'a'), "b", ""})) << bits;
    EXPECT_TRUE(opened->errors.empty());
  }
}

TEST(Packet, MostPartsAndLongestPart) {
  std::vector<Bytes> parts(255, user("x"));
  const auto many = open(plain(), seal(plain(), parts));
  ASSERT_TRUE(many);
  EXPECT_EQ(many->messages.size(), 255U);

  const auto longest = open(plain(), seal(plain(), {user(std::string(65534, 'y')), user("z")}));
  ASSERT_TRUE(longest);
  EXPECT_EQ(longest->messages, (Texts{std::string(65534, 'y'), "z"}));
}

// parity 146; compression only of what is long enough, and if that is smaller
TEST(Packet, CompressesOnlyIfThatIsSmaller) {
  Sealing how;
  for (std::size_t size = 0; size < 200; ++size) {
    // Of the letters that all differ compression saves nothing, of those that repeat much.
    const std::size_t different = size < 100 ? 0 : 2 * (size - 100);
    std::string text(size, 'u');
    for (std::size_t i = 0; i < std::min(size, different); ++i) {
      text[i] = static_cast<char>(128 + i % 128);
    }
    const Bytes message = user(text);
    const Bytes packet = seal(how, {message});
    const bool is_worth_it = compressed(message).size() < message.size();
    EXPECT_EQ(packet[0] == std::byte{9}, message.size() >= 128 && is_worth_it) << size;
    EXPECT_EQ(packet.size() < message.size(), packet[0] == std::byte{9}) << size;
    EXPECT_EQ(open(how, packet)->messages, Texts{text});
  }
}

TEST(Packet, SealerAndOpenerAreUsedAgainAndAgain) {
  auto keyring = ring({kKey});
  Sealing how;
  how.keyring = &keyring;
  PacketSealer sealer;
  PacketOpener opener;
  Bytes out(70'000);
  for (const std::size_t size : {10U, 1300U, 5U, 60'000U, 0U, 400U}) {
    const Bytes message = user(std::string(size, 'q'));
    const BytesView part = message;
    ASSERT_TRUE(opener.open(how, sealer.seal(how, {&part, 1}, true, out)));
    const auto next = opener.next_view();
    ASSERT_TRUE(next && *next);
    EXPECT_EQ((*next)->body.size(), size);
    EXPECT_FALSE(opener.next_view());
  }
}

// A packet left half read does not show in the next.
TEST(Packet, OpenForgetsThePacketBefore) {
  PacketOpener opener;
  const Bytes before = compound({user("a"), user("b")});
  ASSERT_TRUE(opener.open(plain(), before));
  ASSERT_TRUE(opener.next_view());
  const Bytes after = user("c");
  ASSERT_TRUE(opener.open(plain(), after));
  const auto next = opener.next_view();
  ASSERT_TRUE(next && *next);
  EXPECT_EQ(as_text((*next)->body), "c");
  EXPECT_FALSE(opener.next_view());
}

// --- what is wrong with the whole packet

// parity 65
TEST(Packet, EmptyIsAnError) {
  const auto opened = open(plain(), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().to_string(), "packet is empty at byte 0");
  Sealing how = plain();
  how.label = "prod";
  const auto bare = open(how, bytes_of("\xf4\x04prod"));
  ASSERT_FALSE(bare);
  EXPECT_EQ(bare.error().to_string(), "packet is empty at byte 6");
}

// parity 13-16
TEST(PacketLabel, OnlyTheConfiguredLabelIsTaken) {
  Sealing prod = plain();
  prod.label = "prod";
  const Bytes labelled = seal(prod, {user("x")});
  EXPECT_TRUE(open(prod, labelled));
  EXPECT_EQ(open(plain(), labelled).error().kind, WireErrorKind::label);
  EXPECT_EQ(open(prod, user("x")).error().kind, WireErrorKind::label);
  Sealing test = plain();
  test.label = "test";
  EXPECT_EQ(open(test, labelled).error().kind, WireErrorKind::label);
}

TEST(PacketLabel, LongestLabel) {
  const std::string label(255, 'l');
  Sealing how = plain();
  how.label = label;
  const Bytes packet = seal(how, {user("x")});
  EXPECT_EQ(packet.size(), 257U + 2);
  EXPECT_EQ(open(how, packet)->messages, Texts{"x"});
}

TEST(PacketLabel, BadHeadersAreErrors) {
  EXPECT_FALSE(open(plain(), bytes_of("\xf4")));
  EXPECT_FALSE(open(plain(), bytes_of("\xf4\x00\x08x")));
  EXPECT_FALSE(open(plain(), bytes_of("\xf4\x05prod")));
}

TEST(PacketLabel, SkippedCheckUsesTheConfiguredLabelAsAuthenticatedData) {
  auto keyring = ring({kKey});
  Sealing how = plain();
  how.keyring = &keyring;
  how.label = "prod";
  const Bytes packet = seal(how, {user("x")});
  how.skip_inbound_label_check = true;
  EXPECT_EQ(open(how, packet).error().kind, WireErrorKind::label) << "double label";
  const auto stripped = open(how, BytesView(packet).subspan(6));
  ASSERT_TRUE(stripped) << stripped.error().to_string();
  EXPECT_EQ(stripped->messages, Texts{"x"});
}

TEST(PacketEncryption, UnencryptedIsRefusedWhereEncryptionIsVerified) {
  auto keyring = ring({kKey});
  Sealing how = plain();
  how.keyring = &keyring;
  const auto opened = open(how, user("a message in clear"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, WireErrorKind::not_encrypted);
  // A ping's type byte looks like an encryption version.
  EXPECT_FALSE(open(how, bytes_of("\x00\x80 and what makes it long enough to be tried")));
  EXPECT_FALSE(open(how, bytes_of("\x00")));
}

TEST(PacketEncryption, MismatchedKeysAreRefused) {
  auto ours = ring({kKey});
  auto theirs = ring({kOtherKey});
  Sealing how = plain();
  how.keyring = &theirs;
  const Bytes packet = seal(how, {user("x")});
  how.keyring = &ours;
  const auto opened = open(how, packet);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, WireErrorKind::undecryptable);
}

TEST(PacketEncryption, EveryInstalledKeyOpens) {
  auto theirs = ring({kOtherKey});
  auto ours = ring({kKey, kOtherKey});
  Sealing how = plain();
  how.keyring = &theirs;
  const Bytes packet = seal(how, {user("x")});
  how.keyring = &ours;
  EXPECT_EQ(open(how, packet)->messages, Texts{"x"});
}

TEST(PacketEncryption, WithoutVerificationPlaintextIsTaken) {
  auto keyring = ring({kKey});
  Sealing how = plain();
  how.keyring = &keyring;
  how.verify_incoming = false;
  EXPECT_EQ(open(how, user("in clear"))->messages, Texts{"in clear"});
  EXPECT_EQ(open(how, user(std::string(100, 'c')))->messages, Texts{std::string(100, 'c')});
  EXPECT_EQ(open(how, seal(how, {user("sealed")}))->messages, Texts{"sealed"});
}

TEST(PacketEncryption, WithoutVerifyOutgoingPacketsGoInClear) {
  auto keyring = ring({kKey});
  Sealing how = plain();
  how.keyring = &keyring;
  how.verify_outgoing = false;
  EXPECT_EQ(seal(how, {user("x")}), user("x"));
}

TEST(PacketEncryption, WithoutKeysPacketsAreTakenAsPlaintext) {
  auto none = ring({});
  Sealing how = plain();
  how.keyring = &none;
  EXPECT_EQ(seal(how, {user("x")}), user("x"));
  EXPECT_EQ(open(how, user("x"))->messages, Texts{"x"});
}

// --- what is wrong with a part

// parity 67, 145
TEST(PacketParts, EachBadPartIsToldOfAndTheOthersAreHandled) {
  const auto opened = open(plain(), compound({user("a"),
                                              {},
                                              bytes_of("\x63zz"),
                                              bytes_of("\x06"),
                                              bytes_of("\x0a"),
                                              bytes_of("\x0d"),
                                              bytes_of("\xf4\x01x"),
                                              user("b")}));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->messages, (Texts{"a", "b"}));
  EXPECT_EQ(
      opened->errors,
      (Texts{"message is empty", "unknown message type", "message type is not allowed in packets",
             "message type is not allowed in packets", "message type is not allowed in packets",
             "label header inside a packet"}));
}

TEST(PacketParts, EveryTypeByteAloneIsSurvived) {
  for (unsigned type = 0; type < 256; ++type) {
    const Bytes packet = {static_cast<std::byte>(type)};
    (void)open(plain(), packet);
    (void)open(plain(), compound({packet, packet}));
  }
}

// parity 142-145
TEST(PacketCompound, CutOffAnywhereHandlesTheWholePartsAndCountsTheOthers) {
  const Bytes whole = compound({user("one"), user("two"), user("three")});
  const std::size_t head = 2 + 3 * 2;
  for (std::size_t size = 1; size <= whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto opened = open(plain(), cut);
    ASSERT_TRUE(opened);
    if (size < head) {
      EXPECT_EQ(opened->errors.size(), 1U) << size;
      EXPECT_EQ(opened->truncated, size < 2 ? 0U : 3U);
      continue;
    }
    const std::size_t parts = size >= head + 14 ? 3U : size >= head + 8 ? 2U : size >= head + 4;
    EXPECT_EQ(opened->messages.size(), parts) << size;
    EXPECT_EQ(opened->truncated, 3 - parts) << size;
    EXPECT_TRUE(opened->errors.empty());
  }
}

TEST(PacketCompound, WithoutPartsIsNothing) {
  const auto opened = open(plain(), bytes_of("\x07\x00"));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->messages.empty());
  EXPECT_TRUE(opened->errors.empty());
}

TEST(PacketCompound, BytesBehindThePartsAreIgnored) {
  Bytes packet = compound({user("a")});
  packet.push_back(std::byte{0x55});
  EXPECT_EQ(open(plain(), packet)->messages, Texts{"a"});
}

// parity 64
TEST(PacketChecksum, BadOnesAreRefused) {
  const Bytes packet = seal(plain(), {user("some text")}, true);
  EXPECT_EQ(open(plain(), packet)->messages, Texts{"some text"});
  for (std::size_t at = 1; at < packet.size(); ++at) {
    Bytes changed = packet;
    changed[at] ^= std::byte{0x20};
    EXPECT_EQ(open(plain(), changed)->errors, Texts{"bad checksum"}) << at;
  }
  for (std::size_t size = 1; size < 5; ++size) {
    EXPECT_EQ(open(plain(), BytesView(packet).first(size))->errors, Texts{"checksum is cut off"});
  }
  EXPECT_EQ(open(plain(), checked({}))->errors, Texts{"message is empty"});
}

TEST(PacketCompression, BadOnesAreRefused) {
  const Bytes packet = compressed(user("text"));
  for (std::size_t size = 1; size < packet.size(); ++size) {
    EXPECT_EQ(open(plain(), BytesView(packet).first(size))->errors, Texts{kTruncated});
  }
  EXPECT_EQ(open(plain(), compressed(user("text"), 1))->errors,
            Texts{"unknown compression algorithm"});
  EXPECT_EQ(open(plain(), compressed({}))->errors, Texts{"message is empty"});
  Bytes garbage;
  ByteWriter out(garbage);
  encode(out, Compressed{0, as_bytes("garbage")});
  EXPECT_EQ(open(plain(), garbage)->errors.size(), 1U);
}

// parity 147
TEST(PacketCompression, BombsAreRefused) {
  const Bytes fits = user(std::string(limits::kDecompressedPacketBytes - 1, 'x'));
  EXPECT_EQ(open(plain(), compressed(fits))->messages.size(), 1U);
  const Bytes bomb = user(std::string(limits::kDecompressedPacketBytes, 'x'));
  EXPECT_EQ(open(plain(), compressed(bomb))->errors,
            Texts{"packet decompresses to more than 65,535 bytes"});
  // The limit is one for the whole packet.
  const Bytes half = compressed(user(std::string(40'000, 'x')));
  const auto both = open(plain(), compound({half, half, user("after")}));
  EXPECT_EQ(both->messages.size(), 2U);
  EXPECT_EQ(both->messages.back(), "after");
  EXPECT_EQ(both->errors, Texts{"packet decompresses to more than 65,535 bytes"});
}

TEST(PacketOpener, ViewsStayValidWhereAPartNeedsMoreRoomThanThoseBefore) {
  const std::string large(40'000, 'x');
  const Bytes packet =
      compound({compressed(user("first")), compressed(user(large)), compressed(user("last"))});
  const Bytes small = compressed(user("small"));
  PacketOpener opener;
  for (int repeated = 0; repeated < 200; ++repeated) {
    ASSERT_TRUE(opener.open(plain(), repeated < 100 ? packet : small));
    std::vector<std::string_view> seen;
    while (const auto message = opener.next_view()) {
      ASSERT_TRUE(*message) << message->error().what;
      seen.push_back(as_text((*message)->body));
    }
    if (repeated < 100) {
      EXPECT_EQ(seen, (std::vector<std::string_view>{"first", large, "last"}));
    } else {
      EXPECT_EQ(seen, std::vector<std::string_view>{"small"}) << "with less room after a while";
    }
  }
}

TEST(PacketCompression, ViewsOfSeveralPartsStayValid) {
  const Bytes packet = compound({compressed(user("first")), compressed(user("second"))});
  PacketOpener opener;
  ASSERT_TRUE(opener.open(plain(), packet));
  const auto first = opener.next_view();
  const auto second = opener.next_view();
  ASSERT_TRUE(first && *first && second && *second);
  EXPECT_EQ(as_text((*first)->body), "first");
  EXPECT_EQ(as_text((*second)->body), "second");
}

TEST(PacketNesting, LayersInAnyOrder) {
  const Bytes inner = compound({user("a"), checked(user("b"))});
  const auto opened =
      open(plain(), checked(compressed(compound({inner, user("c"), compressed(user("d"))}))));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->messages, (Texts{"a", "c", "d"}));
  EXPECT_EQ(opened->errors, Texts{"packet has more than 4 nested layers"})
      << "checksum in the fifth place";
}

TEST(PacketNesting, IsLimitedForEachKind) {
  for (const auto wrap :
       std::vector<Bytes (*)(const Bytes&)>{[](const Bytes& inner) { return compound({inner}); },
                                            [](const Bytes& inner) { return compressed(inner); },
                                            [](const Bytes& inner) { return checked(inner); }}) {
    Bytes packet = user("deep");
    for (std::size_t depth = 1; depth <= limits::kPacketNesting + 3; ++depth) {
      packet = wrap(packet);
      const auto opened = open(plain(), packet);
      if (depth <= limits::kPacketNesting) {
        EXPECT_EQ(opened->messages, Texts{"deep"}) << depth;
      } else {
        EXPECT_EQ(opened->errors, Texts{"packet has more than 4 nested layers"}) << depth;
      }
    }
  }
}

TEST(PacketNesting, NumberOfMessagesIsLimited) {
  const Bytes many = compound(std::vector<Bytes>(255, user("")));
  const auto opened = open(plain(), compound({many, many, many, many, many, many}));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->errors, Texts{"packet has more than 1,024 messages"});
  EXPECT_LE(opened->messages.size(), limits::kPacketMessages);
  EXPECT_GE(opened->messages.size(), limits::kPacketMessages - 7);
}

TEST(Packet, AnyChangedByteIsSurvived) {
  const Bytes packet = checked(compound({compressed(user("text text text")), user("b")}));
  const Bytes bare(packet.begin() + 5, packet.end());  // without the checksum that would catch it
  for (std::size_t at = 0; at < bare.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      Bytes changed = bare;
      changed[at] = static_cast<std::byte>(value);
      (void)open(plain(), changed);
    }
  }
}

}  // namespace
}  // namespace memberlist::wire
