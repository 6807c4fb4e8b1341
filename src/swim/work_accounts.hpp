#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "memberlist/address.hpp"
#include "memberlist/time.hpp"

namespace memberlist::swim {

/// The owner of an IPv6 address usually controls the 2^64 addresses of its network, so these are
/// one source; an IPv4 address is a source by itself.
[[nodiscard]] IpAddress source_of(const IpAddress& ip);

/// What each source has made this node do beyond what its own bytes have paid for, in bytes
/// (limits::kSourceWorkBytes at once, limits::kSourceWorkBytesPerSecond for good). An account that
/// is paid back takes no memory. `now` must not go backwards.
class WorkAccounts {
 public:
  /// How much more a source may cost now.
  [[nodiscard]] std::size_t left(const IpAddress& ip, TimePoint now) const;
  /// The source has caused this much work. It may be more than was left, which then takes longer to
  /// pay back.
  void charge(const IpAddress& ip, std::size_t bytes, TimePoint now);
  [[nodiscard]] std::size_t size() const noexcept { return paid_back_.size(); }

 private:
  void make_room(TimePoint now);

  std::map<IpAddress, TimePoint> paid_back_;             // when all is paid back
  std::set<std::pair<TimePoint, IpAddress>> by_moment_;  // the same
};

}  // namespace memberlist::swim
