#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/limits.hpp"
#include "memberlist/address.hpp"
#include "memberlist/time.hpp"
#include "swim/rate_limit.hpp"
#include "swim/work_accounts.hpp"

namespace memberlist::swim {

/// What streams may take of this node: how many come in, in total and from one source, how many
/// bytes of incomplete messages are held, how much work they cause, and how many errors are
/// answered (docs/limits.md). The addresses of one IPv6 network are one source (`source_of`).
class StreamBudget {
 public:
  enum class Verdict : std::uint8_t { admitted, too_many, too_many_from_source };

  /// May one more stream come in from there? If so it counts until `closed`.
  [[nodiscard]] Verdict admit(const IpAddress& source);
  void closed(const IpAddress& source);

  /// May a stream of theirs be one more push/pull? If so it counts until `push_pull_closed`, which
  /// comes before `closed`.
  [[nodiscard]] bool admit_push_pull(const IpAddress& source);
  void push_pull_closed(const IpAddress& source);

  /// A stream with `peer` holds this many more bytes (below 0: fewer).
  void hold(const IpAddress& peer, std::ptrdiff_t bytes);
  [[nodiscard]] bool over() const noexcept;
  /// The source whose streams hold most; none if nothing is held.
  [[nodiscard]] std::optional<IpAddress> heaviest() const;

  /// The limit for the bytes of work of one stream of this peer, of which this many bytes were
  /// received.
  [[nodiscard]] std::size_t work_left(const IpAddress& source, std::size_t received,
                                      TimePoint now) const {
    return received * limits::kWorkPaidByByte + accounts_.left(source, now);
  }
  /// Whether a peer may cause work of about this many bytes. It may if the received bytes pay for
  /// it, or if the source's account is not empty.
  [[nodiscard]] bool may_work(const IpAddress& source, std::size_t received, std::size_t work_bytes,
                              TimePoint now) const {
    return work_bytes <= received * limits::kWorkPaidByByte || accounts_.left(source, now) > 0;
  }
  /// The stream has ended, and has caused this much work.
  void worked(const IpAddress& source, std::size_t received, std::size_t work_bytes, TimePoint now);

  /// May one more error be answered now?
  [[nodiscard]] bool take_error_reply(TimePoint now) { return error_replies_.take(now); }

 private:
  struct Share {
    std::size_t streams = 0;
    std::size_t push_pulls = 0;  // of these
    std::size_t bytes = 0;
  };
  void drop_if_empty(std::map<IpAddress, Share>::iterator share);

  std::map<IpAddress, Share> shares_;
  WorkAccounts accounts_;
  std::size_t streams_ = 0;
  std::size_t bytes_ = 0;
  RateLimit error_replies_{limits::kErrorRepliesPerSecond};
};

/// The first moment at which a stream that is still incomplete has had its time: half of `timeout`
/// for its first byte, as long again for the head of its message, `timeout` for all of it. One
/// that is large and comes at the least rate or faster has more, up to four times `timeout`.
struct StreamPatience {
  TimePoint opened;
  std::optional<TimePoint> first_byte;
  std::size_t received = 0;

  [[nodiscard]] TimePoint end(Duration timeout) const;
};

}  // namespace memberlist::swim
