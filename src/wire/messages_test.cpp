#include "wire/messages.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/golden.hpp"

namespace memberlist::wire {
namespace {

using testing::from_hex;
using testing::to_hex;

template <class Message>
Bytes encoded(const Message& message) {
  Bytes bytes;
  ByteWriter out(bytes);
  encode(out, message);
  return bytes;
}

// The body of a message: behind the type byte, if it has one.
template <class Message>
Bytes body(const Message& message) {
  Bytes bytes = encoded(message);
  if (Schema<Message>::kType) bytes.erase(bytes.begin());
  return bytes;
}

// hex of a key or value of text under 32 bytes
std::string str(const std::string& text) {
  Bytes bytes = to_bytes(text);
  bytes.insert(bytes.begin(), static_cast<std::byte>(0xa0U | text.size()));
  return to_hex(bytes);
}

template <class Message>
WireResult<Message> decode_hex(const std::string& hex) {
  static std::vector<Bytes> kept;  // what the views look at
  kept.push_back(from_hex(hex));
  ByteReader in(kept.back());
  return decode<Message>(in);
}

const Bytes kAddr = from_hex("0a000001");
const Bytes kVsn = from_hex("010502000000");
const Bytes kMeta = to_bytes("meta data");

Alive alive() {
  return {
      .incarnation = 70'000, .node = "n1", .addr = kAddr, .port = 7946, .meta = kMeta, .vsn = kVsn};
}

template <class Message>
void expect_each_cut_is_truncated(const Message& message) {
  const Bytes whole = body(message);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // Of its own length, so that a sanitizer sees a read behind it.
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    ByteReader in(cut);
    const auto decoded = decode<Message>(in);
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().kind, WireErrorKind::malformed);
    EXPECT_EQ(decoded.error().what, kTruncated) << decoded.error().to_string();
    EXPECT_LE(decoded.error().offset, size);
    EXPECT_EQ(in.position(), 0U) << "the reader stays where it was";
  }
}

TEST(MessageDecode, CutOffAtEveryByteIsTruncated) {
  const std::string name(40, 'n');
  expect_each_cut_is_truncated(Ping{1, name, kAddr, 7946, "src"});
  expect_each_cut_is_truncated(IndirectPing{1, kAddr, 7946, name, true, kAddr, 7946, "src"});
  expect_each_cut_is_truncated(Ack{70'000, kMeta});
  expect_each_cut_is_truncated(Nack{300});
  expect_each_cut_is_truncated(ErrorMessage{name});
  expect_each_cut_is_truncated(Suspect{1, name, "b"});
  expect_each_cut_is_truncated(alive());
  expect_each_cut_is_truncated(Dead{1, name, "b"});
  expect_each_cut_is_truncated(PushPullHeader{200, 70'000, true});
  expect_each_cut_is_truncated(UserHeader{70'000});
  expect_each_cut_is_truncated(NodeState{name, kAddr, 7946, kMeta, 1, 2, kVsn});
  expect_each_cut_is_truncated(Compressed{0, kMeta});
}

TEST(MessageDecode, LeavesWhatFollowsTheBody) {
  Bytes bytes = body(Nack{5});
  const std::size_t size = bytes.size();
  bytes.push_back(std::byte{0x99});
  ByteReader in(bytes);
  ASSERT_TRUE(decode<Nack>(in));
  EXPECT_EQ(in.position(), size);
  EXPECT_EQ(in.remaining(), 1U);
}

TEST(MessageDecode, FieldsInAnyOrder) {
  const auto suspect = decode_hex<Suspect>("83" + str("Node") + str("a") + str("From") + str("b") +
                                           str("Incarnation") + "07");
  ASSERT_TRUE(suspect) << suspect.error().to_string();
  EXPECT_EQ(suspect->node, "a");
  EXPECT_EQ(suspect->from, "b");
  EXPECT_EQ(suspect->incarnation, 7U);
}

TEST(MessageDecode, MissingFieldsAreZero) {
  const auto empty = decode_hex<Alive>("80");
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->incarnation, 0U);
  EXPECT_TRUE(empty->node.empty());
  EXPECT_EQ(empty->addr.data(), nullptr);
  EXPECT_EQ(empty->port, 0);
  EXPECT_EQ(empty->vsn.data(), nullptr);
  // protocol 4: v0.1 sends its leave without `From`
  const auto dead = decode_hex<Dead>("82" + str("Incarnation") + "03" + str("Node") + str("a"));
  ASSERT_TRUE(dead);
  EXPECT_EQ(dead->node, "a");
  EXPECT_TRUE(dead->from.empty());
}

TEST(MessageDecode, UnknownFieldsOfAnyTypeAreSkipped) {
  for (const char* value : {"05", "ff", "c0", "c3", "cb3ff0000000000000", "d903616263",
                            "c403616263", "93010203", "82a16101a162930102c0",
                            "d801ffffffffffffffffffffffffffffffff", "c70301616263", "90", "80"}) {
    for (const bool first : {true, false}) {
      const std::string unknown = str("Later") + value;
      const std::string known = str("SeqNo") + "09";
      const auto nack = decode_hex<Nack>("82" + (first ? unknown + known : known + unknown));
      ASSERT_TRUE(nack) << value << " " << nack.error().to_string();
      EXPECT_EQ(nack->seq_no, 9U);
    }
  }
}

TEST(MessageDecode, NamesAreOfExactCase) {
  const auto nack = decode_hex<Nack>("81" + str("seqno") + "09");
  ASSERT_TRUE(nack);
  EXPECT_EQ(nack->seq_no, 0U);
  const auto longer = decode_hex<Nack>("81" + str("SeqNo2") + "09");
  ASSERT_TRUE(longer);
  EXPECT_EQ(longer->seq_no, 0U);
}

TEST(MessageDecode, NamesInEveryStringFamily) {
  for (const char* head : {"a5", "d905", "da0005", "db00000005", "c405", "c50005", "c600000005"}) {
    const auto nack = decode_hex<Nack>("81" + std::string(head) + to_hex(to_bytes("SeqNo")) + "09");
    ASSERT_TRUE(nack);
    EXPECT_EQ(nack->seq_no, 9U) << head;
  }
}

TEST(MessageDecode, KeysThatAreNoStringsAreSkippedWithTheirValues) {
  const auto nack = decode_hex<Nack>(
      "83"
      "05"
      "a161" +
      std::string("c0") + "01" + str("SeqNo") + "09");
  ASSERT_TRUE(nack) << nack.error().to_string();
  EXPECT_EQ(nack->seq_no, 9U);
}

TEST(MessageDecode, MapsInEveryWidth) {
  for (const char* head : {"81", "de0001", "df00000001"}) {
    const auto nack = decode_hex<Nack>(head + str("SeqNo") + "09");
    ASSERT_TRUE(nack);
    EXPECT_EQ(nack->seq_no, 9U) << head;
  }
}

TEST(MessageDecode, TheLastOfTwoEqualFieldsCounts) {
  const auto nack = decode_hex<Nack>("82" + str("SeqNo") + "01" + str("SeqNo") + "02");
  ASSERT_TRUE(nack);
  EXPECT_EQ(nack->seq_no, 2U);
}

TEST(MessageDecode, AbsentAndEmptyByteArraysStayDistinct) {
  const auto absent = decode_hex<Alive>("82" + str("Meta") + "c0" + str("Vsn") + "c0");
  ASSERT_TRUE(absent);
  EXPECT_EQ(absent->meta.data(), nullptr);
  EXPECT_EQ(absent->vsn.data(), nullptr);
  const auto empty = decode_hex<NodeState>("82" + str("Meta") + "a0" + str("Vsn") + "a0");
  ASSERT_TRUE(empty);
  EXPECT_NE(empty->meta.data(), nullptr);
  EXPECT_TRUE(empty->meta.empty());
  EXPECT_NE(empty->vsn.data(), nullptr);

  Alive message = alive();
  message.meta = {};
  EXPECT_NE(to_hex(encoded(message)).find(str("Meta") + "c0"), std::string::npos);
  message.meta = BytesView(kMeta).first(0);
  EXPECT_NE(to_hex(encoded(message)).find(str("Meta") + "a0"), std::string::npos);
}

TEST(MessageDecode, WrongTypesSayWhatAndWhere) {
  const auto number = decode_hex<Nack>("81" + str("SeqNo") + str("x"));
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().to_string(), "field is not an integer at byte 7");
  const auto text = decode_hex<Ack>("82" + str("SeqNo") + "01" + str("Payload") + "01");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().to_string(), "field is not a string or byte array at byte 16");
  const auto flag = decode_hex<PushPullHeader>("81" + str("Join") + "01");
  ASSERT_FALSE(flag);
  EXPECT_EQ(flag.error().to_string(), "field is not a boolean at byte 6");
  const auto map = decode_hex<Ping>("90");
  ASSERT_FALSE(map);
  EXPECT_EQ(map.error().to_string(), "message body is not a map at byte 0");
  const auto port = decode_hex<Alive>("81" + str("Port") + "ce00010000");
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().to_string(), "integer is too large for the field at byte 6");
}

TEST(MessageDecode, OffsetsCountFromTheReadersFirstByte) {
  const Bytes bytes = from_hex("ffff81" + str("SeqNo") + "c2");
  ByteReader in(bytes);
  (void)in.u16();
  const auto nack = decode<Nack>(in);
  ASSERT_FALSE(nack);
  EXPECT_EQ(nack.error().offset, 9U);
  EXPECT_EQ(in.position(), 2U);
}

TEST(MessageDecode, NegativeCountsAreReadAsSuch) {
  const auto header =
      decode_hex<PushPullHeader>("82" + str("Nodes") + "ff" + str("UserStateLen") + "d080");
  ASSERT_TRUE(header);
  EXPECT_EQ(header->nodes, -1);
  EXPECT_EQ(header->user_state_len, -128);
}

TEST(MessageDecode, NestingOfUnknownFieldsIsLimited) {
  std::string hex = "81" + str("Later");
  for (int i = 0; i < 1000; ++i) hex += "91";
  const auto nack = decode_hex<Nack>(hex + "c0");
  ASSERT_FALSE(nack);
  EXPECT_EQ(nack.error().kind, WireErrorKind::limit);
}

// Each byte of a good message in turn is each of the 256.
TEST(MessageDecode, AnyChangedByteIsSurvived) {
  const Bytes good = body(alive());
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      Bytes changed = good;
      changed[at] = static_cast<std::byte>(value);
      ByteReader in(changed);
      const auto message = decode<Alive>(in);
      EXPECT_TRUE(message ? in.position() <= changed.size() : in.position() == 0);
    }
  }
}

// The example of schema.hpp.
TEST(MessageEncode, WritesTheTypeByteAndTheFieldsInTheirOrder) {
  EXPECT_EQ(to_hex(encoded(Suspect{.incarnation = 7, .node = "a", .from = "b"})),
            "0383" + str("From") + str("b") + str("Incarnation") + "07" + str("Node") + str("a"));
  EXPECT_EQ(str("From") + str("b"), "a446726f6da162");
}

TEST(MessageEncode, DropsAMessageThatDoesNotFitAsAWhole) {
  const Bytes whole = encoded(alive());
  for (std::size_t room = 0; room < whole.size(); ++room) {
    Bytes small(room);
    ByteWriter out{std::span(small)};
    encode(out, alive());
    EXPECT_TRUE(out.overflowed());
    EXPECT_EQ(out.size(), 0U);
  }
  Bytes enough(whole.size());
  ByteWriter out{std::span(enough)};
  encode(out, alive());
  EXPECT_FALSE(out.overflowed());
  EXPECT_EQ(enough, whole);
}

TEST(MessageEncode, LeavesEmptySourceFieldsOut) {
  Ping ping;
  ping.seq_no = 1;
  ping.node = "b";
  const Bytes bytes = encoded(ping);
  EXPECT_EQ(to_hex(bytes), "0082" + str("Node") + str("b") + str("SeqNo") + "01");
}

TEST(WireErrorText, SaysWhatAndWhere) {
  EXPECT_EQ((WireError{WireErrorKind::malformed, "bad checksum", 7}).to_string(),
            "bad checksum at byte 7");
}

}  // namespace
}  // namespace memberlist::wire
