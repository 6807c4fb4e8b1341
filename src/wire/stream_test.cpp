#include "wire/stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "support/golden.hpp"

namespace memberlist::wire {
namespace {

using testing::bytes_of;
using testing::from_hex;
using Progress = StreamOpener::Progress;

const Bytes kKey = to_bytes("0123456789abcdef");
const Bytes kAddr = from_hex("0a000001");
const Bytes kVsn = from_hex("010502000000");

crypto::Keyring ring(const std::vector<Bytes>& keys) {
  return crypto::Keyring::create(keys).value();
}

Sealing plain() {
  Sealing how;
  how.compress = false;
  return how;
}

Bytes user(std::string_view text) {
  Bytes bytes;
  ByteWriter out(bytes);
  encode(out, UserHeader{static_cast<std::int64_t>(text.size())});
  out.bytes(as_bytes(text));
  return bytes;
}

Bytes push_pull(std::size_t nodes, std::string_view user_state, std::string_view meta = "m") {
  Bytes bytes;
  ByteWriter out(bytes);
  encode(out, PushPullHeader{static_cast<std::int64_t>(nodes),
                             static_cast<std::int64_t>(user_state.size()), true});
  for (std::size_t i = 0; i < nodes; ++i) {
    encode(out, NodeState{"node", kAddr, 7946, as_bytes(meta), 1, 0, kVsn});
  }
  out.bytes(as_bytes(user_state));
  return bytes;
}

Bytes push_pull_header(std::int64_t nodes, std::int64_t user_state) {
  Bytes bytes;
  ByteWriter out(bytes);
  encode(out, PushPullHeader{nodes, user_state, false});
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

Bytes sealed(const Sealing& how, const Bytes& message, bool with_label_header = false) {
  LzwEncoder lzw;
  return seal_stream(how, to_bytes(message), with_label_header, lzw);
}

// The error of a stream that is fed in one piece.
WireError error_of(const Sealing& how, BytesView stream, bool expect_label = false) {
  StreamOpener opener(how, expect_label);
  const auto progress = opener.feed(stream);
  if (!progress) return progress.error();
  ADD_FAILURE() << "no error";
  return {};
}

bool waits(const Sealing& how, BytesView stream) {
  StreamOpener opener(how, false);
  const auto progress = opener.feed(stream);
  return progress && *progress == Progress::need_more;
}

// --- the whole of it

TEST(Stream, EveryCombinationOfLayersInPiecesOfAnySize) {
  auto keyring = ring({kKey});
  const Bytes message = push_pull(3, "user state");
  for (int bits = 0; bits < 16; ++bits) {
    Sealing how;
    how.compress = (bits & 1) != 0;
    how.label = (bits & 2) != 0 ? "prod" : "";
    how.keyring = (bits & 4) != 0 ? &keyring : nullptr;
    how.encryption_version = (bits & 8) != 0 ? 1 : 0;
    const Bytes stream = sealed(how, message, true);
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{2}, std::size_t{7}, stream.size()}) {
      StreamOpener opener(how, true);
      for (std::size_t at = 0; at < stream.size(); at += piece) {
        const auto part = BytesView(stream).subspan(at, std::min(piece, stream.size() - at));
        const auto progress = opener.feed(part);
        ASSERT_TRUE(progress) << bits << ": " << progress.error().to_string();
        const bool last = at + part.size() == stream.size();
        ASSERT_EQ(*progress, last ? Progress::complete : Progress::need_more) << bits;
      }
      const auto& opened = std::get<PushPullMessage>(opener.message());
      EXPECT_EQ(opened.header.nodes, 3);
      EXPECT_TRUE(opened.header.join);
      EXPECT_EQ(as_text(opened.user_state), "user state");
      ByteReader states(opened.node_states);
      for (int i = 0; i < 3; ++i) EXPECT_EQ(decode<NodeState>(states).value().name, "node");
      EXPECT_EQ(states.remaining(), 0U);
    }
  }
}

TEST(Stream, AckAndErrorAreMessages) {
  Bytes ack;
  ByteWriter ack_out(ack);
  encode(ack_out, Ack{9, {}});
  const Sealing uncompressed = plain();
  StreamOpener acks(uncompressed, false);
  ASSERT_EQ(acks.feed(ack).value(), Progress::complete);
  EXPECT_EQ(std::get<Ack>(acks.message()).seq_no, 9U);

  Bytes error;
  ByteWriter error_out(error);
  encode(error_out, ErrorMessage{"no"});
  const Sealing how;
  StreamOpener errors(how, false);
  ASSERT_EQ(errors.feed(sealed(how, error)).value(), Progress::complete);
  EXPECT_EQ(std::get<ErrorMessage>(errors.message()).error, "no");
}

TEST(Stream, MessagesSurviveAMove) {
  const Sealing how = plain();
  StreamOpener opener(how, false);
  ASSERT_EQ(opener.feed(user("hello")).value(), Progress::complete);
  const StreamOpener moved = std::move(opener);
  EXPECT_EQ(as_text(std::get<StreamUserMessage>(moved.message()).payload), "hello");
}

TEST(Stream, BytesBehindTheMessageAreIgnored) {
  const Sealing how = plain();
  Bytes stream = user("hello");
  stream.push_back(std::byte{0x55});
  StreamOpener opener(how, false);
  ASSERT_EQ(opener.feed(stream).value(), Progress::complete);
  EXPECT_EQ(as_text(std::get<StreamUserMessage>(opener.message()).payload), "hello");
}

TEST(Stream, KnowsWhetherAnythingCame) {
  const Sealing how = plain();
  StreamOpener opener(how, true);
  EXPECT_FALSE(opener.started());
  EXPECT_EQ(opener.feed({}).value(), Progress::need_more);
  EXPECT_FALSE(opener.started());
  EXPECT_EQ(opener.feed(bytes_of("\x08")).value(), Progress::need_more);
  EXPECT_TRUE(opener.started());
  EXPECT_GE(opener.held_bytes(), 1U);
}

TEST(Stream, EmptyUserMessageAndEmptyPushPull) {
  const Sealing how = plain();
  StreamOpener users(how, false);
  ASSERT_EQ(users.feed(user("")).value(), Progress::complete);
  EXPECT_TRUE(std::get<StreamUserMessage>(users.message()).payload.empty());
  StreamOpener states(how, false);
  ASSERT_EQ(states.feed(push_pull(0, "")).value(), Progress::complete);
  EXPECT_EQ(std::get<PushPullMessage>(states.message()).header.nodes, 0);
}

TEST(Stream, TheVersionsOfAPushPullAreKnownWhileTheyAreFew) {
  const auto vsn = [](std::uint8_t current) {
    return Bytes{std::byte{1}, std::byte{5}, std::byte{current},
                 std::byte{0}, std::byte{0}, std::byte{0}};
  };
  VersionsSeen seen;
  EXPECT_TRUE(seen.all()->empty());
  for (int again = 0; again < 2; ++again) {
    for (std::uint8_t current = 1; current <= 4; ++current) seen.add(vsn(current));
    seen.add(BytesView(vsn(5)).first(5));  // too short to be versions
    ASSERT_EQ(seen.all()->size(), 4U);
  }
  for (std::uint8_t current = 1; current <= 4; ++current) {
    EXPECT_TRUE(std::ranges::equal((*seen.all())[current - 1], vsn(current)));
  }
  seen.add(vsn(5));
  EXPECT_FALSE(seen.all());
  seen.add(vsn(1));
  EXPECT_FALSE(seen.all());

  const Sealing how = plain();
  StreamOpener opener(how, false);
  ASSERT_EQ(opener.feed(push_pull(3, "")).value(), Progress::complete);
  const auto all = std::get<PushPullMessage>(opener.message()).versions.all();
  ASSERT_EQ(all->size(), 1U);
  EXPECT_TRUE(std::ranges::equal(all->front(), BytesView(kVsn)));
}

// --- label

TEST(StreamLabel, OnlyTheConfiguredLabelIsTaken) {
  Sealing prod = plain();
  prod.label = "prod";
  const Bytes stream = sealed(prod, user("x"), true);
  StreamOpener opener(prod, true);
  EXPECT_EQ(opener.feed(stream).value(), Progress::complete);
  EXPECT_EQ(error_of(plain(), stream, true).kind, WireErrorKind::label);
  EXPECT_EQ(error_of(prod, user("x"), true).kind, WireErrorKind::label);
  Sealing test = plain();
  test.label = "test";
  EXPECT_EQ(error_of(test, stream, true).kind, WireErrorKind::label);
}

TEST(StreamLabel, TheAnsweringSideSendsNone) {
  Sealing prod = plain();
  prod.label = "prod";
  StreamOpener opener(prod, false);
  EXPECT_EQ(opener.feed(sealed(prod, user("x"), false)).value(), Progress::complete);
  EXPECT_STREQ(error_of(prod, sealed(prod, user("x"), true)).what,
               "message type is not allowed in streams");
}

// parity 70
TEST(StreamLabel, BadHeadersAreErrors) {
  EXPECT_STREQ(error_of(plain(), bytes_of("\xf4\x00\x08"), true).what,
               "label header has an empty label");
  Sealing prod = plain();
  prod.label = "prod";
  StreamOpener opener(prod, true);
  EXPECT_EQ(opener.feed(bytes_of("\xf4\x04pro")).value(), Progress::need_more);
}

TEST(StreamLabel, WithTheCheckSkippedALabelIsADoubleLabel) {
  auto keyring = ring({kKey});
  Sealing how = plain();
  how.label = "prod";
  how.keyring = &keyring;
  how.skip_inbound_label_check = true;
  EXPECT_EQ(error_of(how, sealed(how, user("x"), true), true).kind, WireErrorKind::label);
  StreamOpener opener(how, true);
  EXPECT_EQ(opener.feed(sealed(how, user("x"), false)).value(), Progress::complete);
}

// --- encryption

TEST(StreamEncryption, EncryptedWithoutAKeyIsRefused) {
  auto keyring = ring({kKey});
  Sealing theirs = plain();
  theirs.keyring = &keyring;
  EXPECT_EQ(error_of(plain(), sealed(theirs, user("x"))).kind, WireErrorKind::not_expected);
  EXPECT_EQ(error_of(plain(), bytes_of("\x0a")).kind, WireErrorKind::not_expected)
      << "with the first byte";
}

TEST(StreamEncryption, UnencryptedIsRefusedWhereEncryptionIsVerified) {
  auto keyring = ring({kKey});
  Sealing how = plain();
  how.keyring = &keyring;
  EXPECT_EQ(error_of(how, user("x")).kind, WireErrorKind::not_encrypted);
  how.verify_incoming = false;
  StreamOpener opener(how, false);
  EXPECT_EQ(opener.feed(user("x")).value(), Progress::complete);
}

TEST(StreamEncryption, OtherKeysLabelsAndChangedBytesAreRefused) {
  auto keyring = ring({kKey});
  auto other = ring({to_bytes("fedcba9876543210")});
  Sealing how = plain();
  how.keyring = &keyring;
  how.label = "prod";
  const Bytes stream = sealed(how, user("x"));
  Sealing with_other = how;
  with_other.keyring = &other;
  EXPECT_EQ(error_of(with_other, stream).kind, WireErrorKind::undecryptable);
  Sealing elsewhere = how;
  elsewhere.label = "test";
  EXPECT_EQ(error_of(elsewhere, stream).kind, WireErrorKind::undecryptable);
  for (std::size_t at = 5; at < stream.size(); ++at) {
    Bytes changed = stream;
    changed[at] ^= std::byte{4};
    EXPECT_EQ(error_of(how, changed).kind, WireErrorKind::undecryptable) << at;
  }
}

TEST(StreamEncryption, AnnouncedLengthsAreChecked) {
  auto keyring = ring({kKey});
  Sealing how = plain();
  how.keyring = &keyring;
  EXPECT_EQ(error_of(how, bytes_of("\x0a\xff\xff\xff\xff")).kind, WireErrorKind::limit);
  EXPECT_EQ(error_of(how, bytes_of("\x0a\x01\x40\x00\x01")).kind, WireErrorKind::limit);
  EXPECT_STREQ(error_of(how, bytes_of("\x0a\x00\x00\x00\x1c")).what,
               "encrypted payload is too short");
  StreamOpener opener(how, false);
  EXPECT_EQ(opener.announced_bytes(), 0U);
  EXPECT_EQ(opener.feed(bytes_of("\x0a\x01\x40\x00\x00")).value(), Progress::need_more);
  EXPECT_EQ(opener.announced_bytes(), limits::kStreamPayloadBytes);
  EXPECT_LT(opener.held_bytes(), 100U) << "nothing is allocated for what is only announced";
}

TEST(StreamEncryption, WhatIsInsideMustBeWhole) {
  auto keyring = ring({kKey});
  Sealing how = plain();
  how.keyring = &keyring;
  const Bytes message = push_pull(2, "state");
  for (std::size_t size = 0; size < message.size(); ++size) {
    const Bytes cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(error_of(how, sealed(how, cut)).what, kTruncated) << size;
  }
}

TEST(StreamEncryption, AnEncryptedFrameInAnotherIsRefused) {
  auto keyring = ring({kKey});
  Sealing how = plain();
  how.keyring = &keyring;
  EXPECT_STREQ(error_of(how, sealed(how, sealed(how, user("x")))).what,
               "message type is not allowed in streams");
}

// --- compression

TEST(StreamCompression, IsAppliedEvenWhereItMakesLonger) {
  const Sealing how;
  const Bytes message = user("hello");
  const Bytes stream = sealed(how, message);
  EXPECT_EQ(stream[0], std::byte{9});
  EXPECT_GT(stream.size(), message.size());
}

TEST(StreamCompression, NestedIsRefused) {
  EXPECT_STREQ(error_of(plain(), compressed(compressed(user("x")))).what,
               "compressed message inside a compressed message");
}

TEST(StreamCompression, BadOnesAreRefused) {
  EXPECT_STREQ(error_of(plain(), compressed(user("x"), 1)).what, "unknown compression algorithm");
  EXPECT_STREQ(error_of(plain(), compressed({})).what, "compressed message is empty");
  Bytes garbage;
  ByteWriter out(garbage);
  encode(out, Compressed{0, as_bytes("garbage")});
  EXPECT_EQ(error_of(plain(), garbage).kind, WireErrorKind::malformed);
}

TEST(StreamCompression, WhatIsInsideMustBeWhole) {
  const Bytes message = push_pull(2, "state");
  for (std::size_t size = 1; size < message.size(); ++size) {
    const Bytes cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(error_of(plain(), compressed(cut)).what, kTruncated) << size;
  }
}

// parity 147
TEST(StreamCompression, BombsAreRefused) {
  // Each state is valid, and there are too many.
  Bytes states = push_pull_header(1 << 20, 0);
  // A name, and a field of later versions, of 65,280 bytes.
  Bytes state = from_hex("82a44e616d65a161a178daff00");
  state.resize(state.size() + 0xff00);
  while (states.size() <= limits::kDecompressedStreamBytes) {
    states.insert(states.end(), state.begin(), state.end());
  }
  EXPECT_EQ(error_of(plain(), compressed(states)).kind, WireErrorKind::limit);
}

TEST(StreamCompression, UnpacksNoMoreThanItMay) {
  Bytes inner = user(std::string(limits::kMiB, 'x'));
  const Bytes packed = compressed(inner);
  const Sealing how = plain();
  StreamOpener allowed(how, false);
  allowed.limit_unpacked(inner.size());
  EXPECT_EQ(allowed.feed(packed).value(), Progress::complete);
  EXPECT_EQ(allowed.unpacked_bytes(), inner.size());
  StreamOpener refused(how, false);
  refused.limit_unpacked(inner.size() - 1);
  const auto fed = refused.feed(packed);
  ASSERT_FALSE(fed.has_value());
  EXPECT_EQ(fed.error().kind, WireErrorKind::limit);
  EXPECT_LT(refused.unpacked_bytes(), inner.size());
}

// A table is keyed by name, so a valid state has at most one, which another member may have sent
// it; a million of them, of one byte each, would be a bomb.
TEST(StreamLimits, StatesWithoutANameAreRefusedFromTheSecondOn) {
  for (const int nameless : {1, 2}) {
    Bytes message = push_pull_header(nameless, 0);
    for (int i = 0; i < nameless; ++i) message.push_back(std::byte{0x80});
    for (const Bytes& bytes : {message, compressed(message)}) {
      const Sealing how = plain();
      StreamOpener opener(how, false);
      const auto fed = opener.feed(bytes);
      EXPECT_EQ(fed.has_value(), nameless == 1);
      if (!fed) {
        EXPECT_EQ(fed.error().kind, WireErrorKind::malformed);
      }
    }
  }
}

TEST(StreamParts, AreReadLikeTheWholeMessage) {
  const Bytes message = user(std::string(5000, 'a') + "and the rest of it");
  for (const bool compress : {false, true}) {
    Sealing how = plain();
    how.compress = compress;
    LzwEncoder lzw;
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{3000}}) {
      Bytes first;
      Bytes second;
      append_stream_part(how, BytesView(message).first(cut), first, lzw);
      append_stream_part(how, BytesView(message).subspan(cut), second, lzw);
      const std::array<BytesView, 2> parts{first, second};
      const Bytes sealed = seal_stream_parts(how, parts, false);
      const std::size_t most = stream_payload_bytes(how, first.size() + second.size());
      EXPECT_LE(sealed.size(), most);
      EXPECT_GE(sealed.size() + 4, most) << "but for what the length of `Buf` takes";
      StreamOpener opener(how, false);
      EXPECT_EQ(opener.feed(sealed).value(), Progress::complete);
      const auto& read = std::get<StreamUserMessage>(opener.message());
      EXPECT_EQ(as_text(read.payload), as_text(message).substr(message.size() - 5018));
    }
  }
}

TEST(StreamCompression, WhatIsNoMessageTakesNoMemory) {
  Bytes zeros(limits::kDecompressedStreamBytes);
  Bytes announced = push_pull_header(1 << 20, 0);
  announced.resize(zeros.size());
  for (const Bytes& inner : {zeros, announced}) {
    const Sealing how = plain();
    StreamOpener opener(how, false);
    const auto fed = opener.feed(compressed(inner));
    ASSERT_FALSE(fed.has_value());
    EXPECT_EQ(fed.error().kind, WireErrorKind::malformed);
    EXPECT_LT(opener.held_bytes(), 128 * limits::kKiB);
  }
}

TEST(StreamCompression, WhatFollowsAMessageIsNotUnpacked) {
  Bytes inner = user("x");
  inner.resize(limits::kDecompressedStreamBytes);
  const Sealing how = plain();
  StreamOpener opener(how, false);
  EXPECT_EQ(opener.feed(compressed(inner)).value(), Progress::complete);
  EXPECT_LT(opener.held_bytes(), 128 * limits::kKiB);
}

TEST(StreamCompression, AnnouncedLengthsAreChecked) {
  // `Buf` of 4 GiB, and one of a byte more than is taken.
  const Bytes head = from_hex("0982a4416c676f00a3427566");
  Bytes huge = head;
  for (const char byte : {'\xdb', '\xff', '\xff', '\xff', '\xff'}) {
    huge.push_back(static_cast<std::byte>(byte));
  }
  EXPECT_EQ(error_of(plain(), huge).kind, WireErrorKind::limit);
  const Bytes fits = from_hex("0982a4416c676f00a3427566db02800000");
  const Sealing how = plain();
  StreamOpener opener(how, false);
  EXPECT_EQ(opener.feed(fits).value(), Progress::need_more);
  EXPECT_LT(opener.held_bytes(), 100U);
}

// --- messages

// parity 68
TEST(StreamLimits, CountsOfPushPull) {
  const auto error = [](std::int64_t nodes, std::int64_t user_state) {
    return error_of(plain(), push_pull_header(nodes, user_state));
  };
  EXPECT_STREQ(error(-1, 0).what, "push/pull has a negative number of members");
  EXPECT_EQ(error((1 << 20) + 1, 0).kind, WireErrorKind::limit);
  EXPECT_EQ(error(std::numeric_limits<std::int64_t>::max(), 0).kind, WireErrorKind::limit);
  EXPECT_STREQ(error(0, -1).what, "user state has a negative length");
  EXPECT_STREQ(error(0, std::numeric_limits<std::int64_t>::min()).what,
               "user state has a negative length");
  EXPECT_EQ(error(0, (20 << 20) + 1).kind, WireErrorKind::limit);
  EXPECT_TRUE(waits(plain(), push_pull_header(1 << 20, 20 << 20)));
}

// parity 69
TEST(StreamLimits, LengthOfUserMessage) {
  const auto header = [](std::int64_t size) {
    Bytes bytes;
    ByteWriter out(bytes);
    encode(out, UserHeader{size});
    return bytes;
  };
  EXPECT_STREQ(error_of(plain(), header(-1)).what, "user message has a negative length");
  EXPECT_EQ(error_of(plain(), header((20 << 20) + 1)).kind, WireErrorKind::limit);
  EXPECT_TRUE(waits(plain(), header(20 << 20)));
}

TEST(StreamLimits, AnnouncedCountsHoldNothing) {
  const Sealing how = plain();
  StreamOpener opener(how, false);
  ASSERT_EQ(opener.feed(push_pull_header(1 << 20, 20 << 20)).value(), Progress::need_more);
  EXPECT_LT(opener.held_bytes(), 100U);
}

TEST(StreamLimits, OneBodyIsLimited) {
  const std::string large(limits::kStreamBodyBytes, 'm');
  EXPECT_EQ(error_of(plain(), push_pull(1, "", large)).kind, WireErrorKind::limit);
  // As soon as it is announced, with a field that is not even known.
  const Bytes unknown = from_hex("0081a178db00020000");
  EXPECT_EQ(error_of(plain(), unknown).kind, WireErrorKind::limit);
}

TEST(StreamLimits, TheWholeMessageIsLimited) {
  const std::string meta(60'000, 'm');
  EXPECT_EQ(error_of(plain(), push_pull(720, "", meta)).kind, WireErrorKind::limit);
}

TEST(StreamMessages, OtherTypesAreRefusedWithTheFirstByte) {
  for (unsigned type = 0; type < 256; ++type) {
    const bool known =
        type == 0 || type == 2 || type == 6 || type == 8 || type == 9 || type == 10 || type == 13;
    if (known) continue;
    const Bytes stream = {static_cast<std::byte>(type)};
    EXPECT_STREQ(error_of(plain(), stream).what, "message type is not allowed in streams") << type;
  }
}

TEST(StreamMessages, BadNodeStatesAreRefused) {
  Bytes stream = push_pull_header(1, 0);
  stream.push_back(std::byte{0x90});
  const WireError error = error_of(plain(), stream);
  EXPECT_STREQ(error.what, "message body is not a map");
  EXPECT_EQ(error.offset, stream.size() - 1);
}

// A body of many small unknown fields, one byte at a time. No time is measured: were the body read
// again for each byte, this would run into the test's time limit.
TEST(StreamMessages, OneByteAtATimeIsLinear) {
  Bytes stream = from_hex("06de4000");  // 16,384 fields
  for (int i = 0; i < 0x4000 - 1; ++i) {
    for (const unsigned byte : {0xa1U, 0x78U, 0xc0U}) {
      stream.push_back(static_cast<std::byte>(byte));
    }
  }
  const Bytes last = from_hex("a54e6f64657300");
  stream.insert(stream.end(), last.begin(), last.end());
  const Sealing how = plain();
  for (int round = 0; round < 20; ++round) {
    StreamOpener opener(how, false);
    Progress progress = Progress::need_more;
    for (const std::byte byte : stream) progress = opener.feed({&byte, 1}).value();
    EXPECT_EQ(progress, Progress::complete);
  }
}

TEST(StreamMessages, AnyChangedByteIsSurvived) {
  const Bytes stream = push_pull(2, "state");
  for (std::size_t at = 0; at < stream.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      Bytes changed = stream;
      changed[at] = static_cast<std::byte>(value);
      const Sealing how = plain();
      StreamOpener opener(how, false);
      (void)opener.feed(changed);
    }
  }
}

}  // namespace
}  // namespace memberlist::wire
