#pragma once

#include <optional>
#include <string_view>

#include "base/limits.hpp"
#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/journal.hpp"
#include "swim/local_node.hpp"
#include "swim/packets.hpp"
#include "swim/rate_limit.hpp"

namespace memberlist::swim {

/// What a Teller remembers.
struct TellerState {
  RateLimit strangers_{limits::kAnswersToStrangersPerSecond};
};

/// What a Teller reads and changes.
struct TellerUses {
  const Clock& clock_;
  const LocalNode& node_;
  ClusterView& cluster_;
  Journal& journal_;
  PacketSender& packets_;
};

/// Informs nodes that contact this one, but are suspect, dead, left or forgotten here, or known
/// with an older incarnation or at another address (protocol 6, 'Told at once'). One message goes
/// to the address that the contact came from or claims, so that the member can refute at once
/// instead of after the next push/pull.
class Teller : TellerState, TellerUses {
 public:
  explicit Teller(const TellerUses& uses) : TellerUses(uses) {}
  Teller(const Teller& other, const TellerUses& uses) : TellerState(other), TellerUses(uses) {}

  /// A ping came from `from` to `asked`; its sender calls itself `name` and says that it is reached
  /// at `claimed`. An empty name, or no address, is one that the ping did not give.
  void on_contact(std::string_view name, std::optional<Address> claimed, const Address& from,
                  const IpAddress& asked);
  /// Tells `to` what the table holds about a member.
  void tell(MemberIndex about, const Address& to, const IpAddress& asked = {});
  /// Tells `accuser`, to which this node sends no gossip, that it is here. It may have been told
  /// something else just now, so it counts as a stranger, of whom a limited number is answered.
  void answer(const Address& accuser);
  /// Tells `to` what is remembered about a member that was forgotten.
  void tell(const Tombstone& buried, const Address& to, const IpAddress& asked = {});

 private:
  [[nodiscard]] bool may_tell(const Address& to);
  void say(MemberIndex about, const Address& to, const IpAddress& asked);
  template <class Message>
  void send(const Address& to, const Message& message, const IpAddress& asked);

  Bytes encoded_;
};

}  // namespace memberlist::swim
