#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "memberlist/stream.hpp"
#include "swim/content_digest.hpp"
#include "wire/stream.hpp"

namespace memberlist::swim {

/// Detects whether a join has reached the node that sent it: by its own address, by that of
/// all interfaces, by a name, through NAT or a virtual address. No address shows that; the bytes
/// do.
///
/// A join request that comes in and equals one that this node has sent, whose answer is still out,
/// is this node's own, or that of a node with the same name and address, since the sender's state
/// comes first. It is answered with an error message that holds this node's mark, a random number.
/// If that comes back as the answer to an exchange of this node, the exchange was with itself.
/// Another mark is that of the other node.
///
/// Whoever repeats a request of ours to us learns the mark, and can end with it the exchange that
/// it answers itself, which it could refuse as well; no other.
class SelfRecognition {
 public:
  enum class Verdict : std::uint8_t {
    other,      ///< an ordinary error of another node
    self,       ///< this node's own answer
    same_name,  ///< that of another node, which has this node's name and address
  };

  /// This join request was sent.
  void sent(StreamId exchange, const ContentDigest& request);
  /// Its exchange is over; harmless if there is none.
  void over(StreamId exchange);
  /// Whether a join request equals one whose answer is still out.
  [[nodiscard]] bool is_under_way(const wire::PushPullMessage& request) const;
  /// The error text to answer it with. `random` gives the mark when it is first needed.
  [[nodiscard]] std::string answer(Random& random);
  /// What the error text says that came as the answer of an exchange.
  [[nodiscard]] Verdict judge(StreamId exchange, std::string_view error) const;

 private:
  struct Request {
    StreamId exchange{};
    ContentDigest digest;
  };

  std::vector<Request> requests_;  // one for each exchange of a join that is under way
  std::optional<std::uint64_t> mark_;
};

}  // namespace memberlist::swim
