#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "wire/stream.hpp"

namespace memberlist::wire {
namespace {

/// The states of two members, each a part.
class TwoStates : public KnownStates {
 public:
  TwoStates() {
    LzwEncoder lzw;
    for (const char* name : {"a", "b"}) {
      const Bytes plain = state(name);
      plain_.insert(plain_.end(), plain.begin(), plain.end());
      append_stream_part(Sealing{}, plain, parts_.emplace_back(), lzw);
    }
  }
  std::int64_t members() override { return members_; }
  std::vector<BytesView> parts() override {
    ++asked_;
    return {parts_.begin(), parts_.end()};
  }

  static Bytes state(std::string_view name) {
    constexpr std::array<std::byte, 4> kAddress{std::byte{10}, std::byte{0}, std::byte{0},
                                                std::byte{1}};
    constexpr std::array<std::byte, 6> kVsn{std::byte{1}, std::byte{5}, std::byte{2}};
    Bytes plain;
    ByteWriter out(plain);
    encode(out, NodeState{name, kAddress, 7946, {}, 1, 0, kVsn});
    return plain;
  }
  Bytes plain_;
  std::vector<Bytes> parts_;
  std::int64_t members_ = 2;
  int asked_ = 0;
};

/// A push/pull as a node with these parts sends it.
Bytes in_parts(const Sealing& how, PushPullHeader header, std::span<const Bytes> states,
               std::string_view user_state = {}) {
  LzwEncoder lzw;
  header.user_state_len = static_cast<std::int64_t>(user_state.size());
  Bytes plain;
  ByteWriter out(plain);
  encode(out, header);
  Bytes first;
  append_stream_part(how, plain, first, lzw);
  Bytes last;
  if (!user_state.empty()) append_stream_part(how, as_bytes(user_state), last, lzw);
  std::vector<BytesView> parts{first};
  parts.insert(parts.end(), states.begin(), states.end());
  parts.emplace_back(last);
  return seal_stream_parts(how, parts, false);
}

constexpr PushPullHeader kTwo{.nodes = 2, .user_state_len = 0, .join = false};

TEST(StreamKnown, StatesAreRecognizedByTheirBytes) {
  const std::vector<Bytes> keys{to_bytes("0123456789abcdef")};
  auto keyring = crypto::Keyring::create(keys).value();
  TwoStates known;
  for (const bool encrypted : {false, true}) {
    Sealing how;
    if (encrypted) how.keyring = &keyring;
    for (const std::string& user_state : {std::string(), std::string(3000, 'u')}) {
      const Bytes stream = in_parts(how, kTwo, known.parts_, user_state);
      StreamOpener opener(how, false);
      ASSERT_EQ(opener.feed(BytesView(stream).first(7), &known).value(),
                StreamOpener::Progress::need_more);
      ASSERT_EQ(opener.feed(BytesView(stream).subspan(7), &known).value(),
                StreamOpener::Progress::complete);
      const auto& message = std::get<PushPullMessage>(opener.message());
      EXPECT_TRUE(message.is_known);
      EXPECT_EQ(message.header.nodes, 2);
      EXPECT_TRUE(message.node_states.empty());
      EXPECT_EQ(as_text(message.user_state), user_state);
      EXPECT_EQ(opener.first_type(), MessageType::push_pull);
      EXPECT_EQ(opener.unpacked_bytes(), user_state.size());
    }
  }
}

TEST(StreamKnown, NobodyIsRecognizedWhereNothingIsKnown) {
  TwoStates known;
  const Sealing how;
  const Bytes stream = in_parts(how, kTwo, known.parts_);
  StreamOpener unasked(how, false);
  ASSERT_EQ(unasked.feed(stream).value(), StreamOpener::Progress::complete);
  EXPECT_FALSE(std::get<PushPullMessage>(unasked.message()).is_known);
  known.members_ = 0;
  StreamOpener opener(how, false);
  ASSERT_EQ(opener.feed(stream, &known).value(), StreamOpener::Progress::complete);
  EXPECT_FALSE(std::get<PushPullMessage>(opener.message()).is_known);
  EXPECT_EQ(known.asked_, 0);
}

TEST(StreamKnown, WhateverElseComesIsDecoded) {
  TwoStates known;
  const Sealing how;
  const auto other = [&](std::string_view name) {
    LzwEncoder lzw;
    Bytes part;
    append_stream_part(how, TwoStates::state(name), part, lzw);
    return part;
  };
  const std::array changed{known.parts_[0], other("c")};
  const std::array swapped{known.parts_[1], known.parts_[0]};
  const std::array more{known.parts_[0], known.parts_[1], other("c")};
  struct Case {
    const char* what;
    Bytes stream;
    Bytes states;
  };
  const auto states = [](std::initializer_list<const char*> names) {
    Bytes plain;
    for (const char* const name : names) {
      const Bytes state = TwoStates::state(name);
      plain.insert(plain.end(), state.begin(), state.end());
    }
    return plain;
  };
  Bytes whole;
  ByteWriter out(whole);
  encode(out, kTwo);
  out.bytes(known.plain_);
  LzwEncoder lzw;
  const Case cases[] = {
      {"another state", in_parts(how, kTwo, changed), states({"a", "c"})},
      {"another order", in_parts(how, kTwo, swapped), states({"b", "a"})},
      {"one more", in_parts(how, {.nodes = 3}, more), states({"a", "b", "c"})},
      {"one fewer", in_parts(how, {.nodes = 1}, std::span(known.parts_).first(1)), states({"a"})},
      {"a join", in_parts(how, {.nodes = 2, .join = true}, known.parts_), known.plain_},
      {"not in parts", seal_stream(how, whole, false, lzw), known.plain_},
  };
  for (const Case& each : cases) {
    StreamOpener opener(how, false);
    ASSERT_EQ(opener.feed(each.stream, &known).value(), StreamOpener::Progress::complete)
        << each.what;
    const auto& message = std::get<PushPullMessage>(opener.message());
    EXPECT_FALSE(message.is_known) << each.what;
    EXPECT_EQ(to_bytes(message.node_states), each.states) << each.what;
  }
}

// No byte may be changed without the message being refused, or read as what it says then.
TEST(StreamKnown, AnyChangedByteIsSeen) {
  TwoStates known;
  const Sealing how;
  const Bytes good = in_parts(how, kTwo, known.parts_, "user state");
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= std::byte{0x10};
    StreamOpener decoding(how, false);
    StreamOpener comparing(how, false);
    const auto decoded = decoding.feed(bad);
    const auto compared = comparing.feed(bad, &known);
    ASSERT_EQ(decoded.has_value(), compared.has_value()) << at;
    if (!decoded) continue;
    ASSERT_EQ(*decoded, *compared) << at;
    if (*decoded != StreamOpener::Progress::complete) continue;
    const auto* plain = std::get_if<PushPullMessage>(&decoding.message());
    const auto* other = std::get_if<PushPullMessage>(&comparing.message());
    ASSERT_EQ(plain == nullptr, other == nullptr) << at;
    if (plain == nullptr) continue;
    EXPECT_EQ(as_text(plain->user_state), as_text(other->user_state)) << at;
    EXPECT_EQ(as_text(plain->node_states),
              as_text(other->is_known ? BytesView(known.plain_) : other->node_states))
        << at;
  }
}

TEST(StreamKnown, TheUserStateBehindThemUnpacksToNoMoreThanItMay) {
  TwoStates known;
  const Sealing how;
  const std::string user_state(limits::kMiB, 'u');
  const Bytes stream = in_parts(how, kTwo, known.parts_, user_state);
  StreamOpener allowed(how, false);
  allowed.limit_unpacked(user_state.size());
  ASSERT_EQ(allowed.feed(stream, &known).value(), StreamOpener::Progress::complete);
  EXPECT_TRUE(std::get<PushPullMessage>(allowed.message()).is_known);
  StreamOpener refused(how, false);
  refused.limit_unpacked(user_state.size() - 1);
  const auto fed = refused.feed(stream, &known);
  ASSERT_FALSE(fed.has_value());
  EXPECT_EQ(fed.error().kind, WireErrorKind::limit);
}

}  // namespace
}  // namespace memberlist::wire
