// Streams, in pieces of the fuzzer's choice: the message must be the one that comes of feeding
// everything at once, and what is sealed must yield what it yields in clear. A push/pull whose
// states are known must yield what it yields when they are read.
//
// Input: options (1 byte, see below), a seed of the pieces (2), the stream; or, without kRaw, its
// message in clear, which is then sealed.

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/limits.hpp"
#include "base/random.hpp"
#include "support/input.hpp"
#include "support/known_keys.hpp"
#include "support/message_checks.hpp"
#include "wire/stream.hpp"

namespace memberlist::fuzz {
namespace {

using wire::StreamOpener;

constexpr unsigned kRaw = 0x01;
constexpr unsigned kKeysConfigured = 0x02;
constexpr unsigned kPlaintextAllowed = 0x04;
constexpr unsigned kLabelConfigured = 0x08;
constexpr unsigned kSkipCheck = 0x10;
constexpr unsigned kAnswer = 0x20;  // the answering side sends no label header
constexpr unsigned kVersion1 = 0x40;
constexpr unsigned kCompress = 0x80;

// What became of a stream.
struct Result {
  StreamOpener opener;
  std::optional<wire::WireError> error;
  bool complete = false;
};

Bytes known_state() {
  Bytes plain;
  ByteWriter out(plain);
  wire::encode(out, wire::NodeState{"a", {}, 1, {}, 1, 0, {}});
  return plain;
}

/// One state, which the fuzzer may come upon, or those of a message.
class Known : public wire::KnownStates {
 public:
  Known(std::int64_t members, BytesView plain) : members_(members), plain_(to_bytes(plain)) {
    wire::LzwEncoder lzw;
    wire::append_stream_part(wire::Sealing{}, plain_, part_, lzw);
  }
  std::int64_t members() override { return members_; }
  std::vector<BytesView> parts() override { return {part_}; }
  [[nodiscard]] const Bytes& plain() const { return plain_; }

 private:
  std::int64_t members_;
  Bytes plain_;
  Bytes part_;
};

Result feed(const wire::Sealing& how, bool expect_label, BytesView bytes, std::uint16_t seed,
            bool in_pieces, wire::KnownStates* known = nullptr) {
  Result result{.opener = StreamOpener(how, expect_label), .error = {}, .complete = false};
  Random random(seed);
  const std::size_t most = std::size_t{1} << (seed % 12);
  for (std::size_t given = 0; given < bytes.size();) {
    std::size_t size = bytes.size() - given;
    if (in_pieces) size = std::min(size, std::size_t{1 + random.below(most)});
    // A copy, so that a view into bytes that the caller has long freed is seen.
    const Bytes piece = to_bytes(bytes.subspan(given, size));
    given += size;
    const auto progress = result.opener.feed(piece, known);
    if (!progress) {
      require(!std::string_view(progress.error().what).empty(), "an error says what is wrong");
      result.error = progress.error();
      return result;
    }
    require(result.opener.started(), "a stream that got bytes has started");
    if (*progress == StreamOpener::Progress::complete) {
      result.complete = true;
      return result;
    }
    require(result.opener.held_bytes() <= given, "no more is held than has come");
  }
  return result;
}

// The node states that a push/pull holds are as many as it says, and whole.
void check(const wire::PushPullMessage& message) {
  ByteReader in(message.node_states);
  for (std::int64_t i = 0; i < message.header.nodes; ++i) {
    require(wire::decode<wire::NodeState>(in).has_value(), "every node state can be decoded");
  }
  require(in.remaining() == 0, "behind the last node state there is nothing");
  require(std::cmp_equal(message.header.user_state_len, message.user_state.size()),
          "the user state is as long as announced");
}
template <class Message>
void check(const Message&) {}

bool same(const wire::PushPullMessage& a, const wire::PushPullMessage& b) {
  return equal(a.header, b.header) && std::ranges::equal(a.node_states, b.node_states) &&
         std::ranges::equal(a.user_state, b.user_state);
}
bool same(const wire::StreamUserMessage& a, const wire::StreamUserMessage& b) {
  return std::ranges::equal(a.payload, b.payload);
}
template <class Message>
bool same(const Message& a, const Message& b) {
  return equal(a, b);
}

bool same_message(const Result& a, const Result& b) {
  const wire::StreamMessage& left = a.opener.message();
  const wire::StreamMessage& right = b.opener.message();
  if (left.index() != right.index()) return false;
  return std::visit(
      [&right](const auto& message) {
        using Message = std::decay_t<decltype(message)>;
        return same(message, std::get<Message>(right));
      },
      left);
}

// A fault may be told earlier or in other words when the bytes come in pieces (what is not whole is
// only looked through for its end), but nothing is taken that would be refused otherwise.
void check_pieces(const Result& at_once, const Result& pieces) {
  require(at_once.complete == pieces.complete, "a stream is whole in whatever pieces it comes");
  if (at_once.complete) {
    require(same_message(at_once, pieces), "the message is the same in whatever pieces it comes");
  } else if (!at_once.error) {
    require(!pieces.error, "pieces make no error of what is only not whole yet");
  }
}

// What is known is not read, and nothing else is different.
void check_known(const Result& read, const Result& compared, const Known& known) {
  require(read.complete == compared.complete, "what is known changes nothing of what is taken");
  if (!read.complete) return;
  const auto* states = std::get_if<wire::PushPullMessage>(&compared.opener.message());
  if (states == nullptr || !states->is_known) {
    require(same_message(read, compared), "what is not known is read");
    return;
  }
  const auto& plain = std::get<wire::PushPullMessage>(read.opener.message());
  require(equal(plain.header, states->header), "the header is the same");
  require(std::ranges::equal(plain.user_state, states->user_state), "the user state is the same");
  require(std::ranges::equal(plain.node_states, known.plain()), "known states are the known ones");
}

// A push/pull as a node with the same states sends it.
void check_own_states(const wire::PushPullMessage& message) {
  if (message.header.join || message.header.nodes == 0) return;
  const wire::Sealing how;
  wire::LzwEncoder lzw;
  Known known(message.header.nodes, message.node_states);
  Bytes plain;
  ByteWriter out(plain);
  wire::encode(out, message.header);
  Bytes header;
  wire::append_stream_part(how, plain, header, lzw);
  Bytes user_state;
  if (!message.user_state.empty()) {
    wire::append_stream_part(how, message.user_state, user_state, lzw);
  }
  const std::array<BytesView, 3> parts{header, known.parts()[0], user_state};
  const Bytes sealed = wire::seal_stream_parts(how, parts, false);
  const Result read = feed(how, false, sealed, 0, false);
  const Result compared = feed(how, false, sealed, 0, false, &known);
  check_known(read, compared, known);
  const auto* states = std::get_if<wire::PushPullMessage>(&compared.opener.message());
  require(states != nullptr && states->is_known, "one's own states are recognized");
}
template <class Message>
void check_own_states(const Message&) {}

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  static crypto::Keyring keys = fuzz::known_keys();
  static wire::LzwEncoder lzw;
  fuzz::Input input(data, size);
  const unsigned options = input.u8();
  const std::uint16_t seed = input.u16();
  const auto has = [options](unsigned option) { return (options & option) != 0; };
  const bool answer = has(fuzz::kAnswer);
  wire::Sealing how;
  if (has(fuzz::kLabelConfigured)) how.label = fuzz::kLabel;
  if (has(fuzz::kKeysConfigured)) how.keyring = &keys;
  how.encryption_version = has(fuzz::kVersion1) ? 1 : 0;
  how.compress = has(fuzz::kCompress);
  how.verify_incoming = !has(fuzz::kPlaintextAllowed);
  how.skip_inbound_label_check = has(fuzz::kSkipCheck);
  const bool with_header = !answer && !has(fuzz::kSkipCheck);
  const Bytes bytes = has(fuzz::kRaw)
                          ? to_bytes(input.rest())
                          : wire::seal_stream(how, to_bytes(input.rest()), with_header, lzw);
  const fuzz::Result at_once = fuzz::feed(how, !answer, bytes, seed, false);
  const fuzz::Result pieces = fuzz::feed(how, !answer, bytes, seed, true);
  fuzz::check_pieces(at_once, pieces);
  static fuzz::Known one(1, fuzz::known_state());
  fuzz::check_known(at_once, fuzz::feed(how, !answer, bytes, seed, true, &one), one);
  if (at_once.complete) {
    std::visit(
        [](const auto& message) {
          fuzz::check(message);
          fuzz::check_own_states(message);
        },
        at_once.opener.message());
  }
  if (has(fuzz::kRaw)) return 0;

  // A compressed message would be compressed twice, which is not allowed.
  const BytesView plain = input.rest();
  const bool packed =
      !plain.empty() &&
      plain[0] == std::byte{static_cast<std::uint8_t>(wire::MessageType::compressed)};
  if (packed && how.compress) return 0;
  const wire::Sealing nothing;
  const fuzz::Result clear = fuzz::feed(nothing, false, plain, seed, false);
  fuzz::require(clear.complete == at_once.complete, "sealing changes nothing of what is taken");
  if (clear.complete) {
    fuzz::require(fuzz::same_message(clear, at_once), "sealing changes nothing of the message");
  }
  return 0;
}
