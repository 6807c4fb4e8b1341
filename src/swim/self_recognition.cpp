#include "swim/self_recognition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/byte_writer.hpp"
#include "wire/messages.hpp"

namespace memberlist::swim {
namespace {

// Go members log this text as it is.
constexpr std::string_view kAnswer = "this join was sent by the node that it has reached; mark ";
constexpr std::size_t kMarkDigits = 16;

std::optional<std::uint64_t> mark_in(std::string_view error) {
  if (!error.starts_with(kAnswer)) return std::nullopt;
  error.remove_prefix(kAnswer.size());
  std::uint64_t mark = 0;
  const auto [end, problem] = std::from_chars(error.data(), error.data() + error.size(), mark, 16);
  const bool whole =
      problem == std::errc{} && end == error.data() + error.size() && error.size() == kMarkDigits;
  return whole ? std::optional(mark) : std::nullopt;
}

}  // namespace

void SelfRecognition::sent(StreamId exchange, const ContentDigest& request) {
  requests_.push_back({exchange, request});
}

void SelfRecognition::over(StreamId exchange) {
  std::erase_if(requests_, [exchange](const Request& sent) { return sent.exchange == exchange; });
}

bool SelfRecognition::is_under_way(const wire::PushPullMessage& request) const {
  if (requests_.empty()) return false;
  Bytes header;
  ByteWriter out(header);
  wire::encode(out, request.header);
  ContentDigest digest(header);
  digest.append(request.node_states);
  digest.append(request.user_state);
  return std::ranges::find(requests_, digest, &Request::digest) != requests_.end();
}

std::string SelfRecognition::answer(Random& random) {
  if (!mark_) mark_ = random.next();
  return fmt::format("{}{:016x}", kAnswer, *mark_);
}

SelfRecognition::Verdict SelfRecognition::judge(StreamId exchange, std::string_view error) const {
  const std::optional<std::uint64_t> mark = mark_in(error);
  const auto sent = std::ranges::find(requests_, exchange, &Request::exchange);
  if (!mark || sent == requests_.end()) return Verdict::other;
  if (mark == mark_) return Verdict::self;
  return Verdict::same_name;
}

}  // namespace memberlist::swim
