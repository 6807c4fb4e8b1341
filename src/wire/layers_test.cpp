#include "wire/layers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/golden.hpp"

namespace memberlist::wire {
namespace {

using testing::bytes_of;

Sealing labelled(std::string_view label) {
  Sealing how;
  how.label = label;
  return how;
}

// parity 13-16: the header on packets and streams
TEST(LabelHeader, NoLabelWritesNothing) {
  std::byte room[1];
  EXPECT_EQ(put_label(room, ""), room);
  EXPECT_EQ(label_header_bytes(bytes_of("\x08x")).value(), 0U);
  EXPECT_EQ(label_header_bytes({}).value(), 0U);
}

TEST(LabelHeader, RoundTripOfEveryLength) {
  for (std::size_t size = 1; size <= 255; ++size) {
    const std::string label(size, 'l');
    Bytes bytes(label_overhead(label));
    EXPECT_EQ(put_label(bytes.data(), label), bytes.data() + bytes.size());
    EXPECT_EQ(label_header_bytes(bytes).value(), bytes.size());
    EXPECT_EQ(as_text(BytesView(bytes).subspan(kLabelHeadBytes)), label);
    bytes.push_back(std::byte{8});
    EXPECT_EQ(label_header_bytes(bytes).value(), bytes.size() - 1);
  }
}

TEST(LabelHeader, CutOffAnywhereIsTruncated) {
  const Bytes whole = bytes_of("\xf4\x04prod");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto header = label_header_bytes(BytesView(whole).first(size));
    ASSERT_FALSE(header) << size;
    EXPECT_EQ(header.error().what, kLabelTruncated);
    EXPECT_EQ(header.error().offset, size);
  }
}

TEST(LabelHeader, AnnouncingAnEmptyLabelIsAnError) {
  const auto header = label_header_bytes(bytes_of("\xf4\x00rest"));
  ASSERT_FALSE(header);
  EXPECT_STREQ(header.error().what, "label header has an empty label");
}

// parity 17
TEST(LabelHeader, Overhead) {
  EXPECT_EQ(label_overhead(""), 0U);
  EXPECT_EQ(label_overhead("a"), 3U);
  EXPECT_EQ(label_overhead(std::string(255, 'a')), 257U);
}

TEST(LabelCheck, OnlyTheConfiguredLabelIsTaken) {
  EXPECT_TRUE(check_label(labelled(""), ""));
  EXPECT_TRUE(check_label(labelled("prod"), "prod"));
  for (const auto& [ours, theirs] : std::vector<std::pair<std::string, std::string>>{
           {"prod", ""}, {"prod", "test"}, {"", "prod"}, {"prod", "produce"}, {"prod", "Prod"}}) {
    const auto checked = check_label(labelled(ours), theirs);
    ASSERT_FALSE(checked) << ours << " " << theirs;
    EXPECT_EQ(checked.error().kind, WireErrorKind::label);
  }
}

TEST(LabelCheck, WithTheCheckSkippedALabelIsADoubleLabel) {
  Sealing how = labelled("prod");
  how.skip_inbound_label_check = true;
  EXPECT_TRUE(check_label(how, ""));
  const auto checked = check_label(how, "prod");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().kind, WireErrorKind::label);
}

class Encryption : public ::testing::TestWithParam<std::uint8_t> {
 protected:
  Encryption() {
    how_.keyring = &ring_;
    how_.encryption_version = GetParam();
  }

  Bytes sealed(BytesView plain, std::string_view authenticated = "") {
    Bytes payload(encrypted_payload_bytes(GetParam(), plain.size()));
    std::ranges::copy(plain, payload.begin() + kPayloadHeadBytes);
    seal_payload(how_, as_bytes(authenticated), {}, payload, plain.size());
    return payload;
  }
  WireResult<BytesView> opened(BytesView payload, std::string_view authenticated = "") {
    return open_payload(ring_, as_bytes(authenticated), {}, payload, scratch_);
  }

  crypto::Keyring ring_ =
      crypto::Keyring::create(std::vector<Bytes>{to_bytes("0123456789abcdef")}).value();
  Sealing how_;
  Bytes scratch_;
};

// parity 77-79
TEST_P(Encryption, RoundTripOfEveryLength) {
  for (std::size_t size = 0; size <= 130; ++size) {
    const Bytes plain(size, std::byte{0x10});  // which looks like padding
    const Bytes payload = sealed(plain, "label");
    EXPECT_LE(payload.size(), size + encryption_overhead(GetParam()));
    const auto back = opened(payload, "label");
    ASSERT_TRUE(back) << back.error().to_string();
    EXPECT_EQ(to_bytes(*back), plain);
  }
}

TEST_P(Encryption, NoncesAreFreshWithoutASourceOfThem) {
  EXPECT_NE(sealed(as_bytes("same")), sealed(as_bytes("same")));
}

TEST_P(Encryption, OtherAuthenticatedDataIsRefused) {
  const Bytes payload = sealed(as_bytes("text"), "label");
  EXPECT_FALSE(opened(payload, ""));
  EXPECT_FALSE(opened(payload, "other"));
  EXPECT_TRUE(opened(payload, "label"));
}

TEST_P(Encryption, EveryChangedByteIsRefused) {
  const Bytes payload = sealed(as_bytes("text"));
  for (std::size_t at = 0; at < payload.size(); ++at) {
    Bytes changed = payload;
    changed[at] ^= std::byte{2};
    const auto back = opened(changed);
    ASSERT_FALSE(back) << at;
    EXPECT_EQ(back.error().kind, WireErrorKind::undecryptable);
  }
}

TEST_P(Encryption, CutOffAnywhereIsRefused) {
  const Bytes payload = sealed(as_bytes("text"));
  for (std::size_t size = 0; size < payload.size(); ++size) {
    const Bytes cut(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(opened(cut)) << size;
  }
}

TEST_P(Encryption, EveryKeyOfTheRingIsTried) {
  const Bytes payload = sealed(as_bytes("text"));
  const Bytes other = to_bytes("ffffffffffffffff");
  ASSERT_TRUE(ring_.add(other));
  ASSERT_TRUE(ring_.use(other));
  EXPECT_TRUE(opened(payload));
  ASSERT_TRUE(ring_.remove(to_bytes("0123456789abcdef")));
  EXPECT_FALSE(opened(payload));
}

INSTANTIATE_TEST_SUITE_P(Versions, Encryption, ::testing::Values(0, 1));

TEST(Padding, RemovesOneToSixteenBytes) {
  for (std::size_t count = 1; count <= 16; ++count) {
    Bytes padded(32, std::byte{0x77});
    std::fill(padded.end() - static_cast<std::ptrdiff_t>(count), padded.end(),
              static_cast<std::byte>(count));
    const auto plain = remove_padding(padded);
    ASSERT_TRUE(plain) << count;
    EXPECT_EQ(plain->size(), 32 - count);
  }
}

// Of all 256 last bytes only those that the bytes before them bear out are taken.
TEST(Padding, EveryBadLastByteIsRefused) {
  for (unsigned last = 0; last < 256; ++last) {
    Bytes padded(32);
    padded.back() = static_cast<std::byte>(last);
    const auto plain = remove_padding(padded);
    EXPECT_EQ(plain.has_value(), last == 1) << last;
    if (!plain) {
      EXPECT_STREQ(plain.error().what, "bad padding");
    }
  }
  for (unsigned last = 0; last < 256; ++last) {
    const Bytes padded(16, static_cast<std::byte>(last));
    EXPECT_EQ(remove_padding(padded).has_value(), last >= 1 && last <= 16) << last;
  }
}

TEST(Padding, OnlyWholeBlocks) {
  for (const std::size_t size : {0U, 1U, 15U, 17U}) {
    EXPECT_FALSE(remove_padding(Bytes(size, std::byte{1}))) << size;
  }
}

// A sender with the key can send any padding; it must be an error, not a crash.
TEST(Padding, BadPaddingUnderAGoodTagIsAnError) {
  auto ring = crypto::Keyring::create(std::vector<Bytes>{to_bytes("0123456789abcdef")}).value();
  for (unsigned last = 0; last < 256; ++last) {
    Bytes payload(kMinEncryptedPayloadBytes + 16);
    payload[kPayloadHeadBytes + 15] = static_cast<std::byte>(last);
    ring.primary().seal(crypto::Nonce{}, {}, {}, std::span(payload).subspan(kPayloadHeadBytes, 16),
                        std::span(payload).last<crypto::kTagBytes>());
    Bytes scratch;
    const auto plain = open_payload(ring, {}, {}, payload, scratch);
    EXPECT_EQ(plain.has_value(), last == 1) << last;
    if (!plain) {
      EXPECT_EQ(plain.error().kind, WireErrorKind::malformed);
    }
  }
}

}  // namespace
}  // namespace memberlist::wire
