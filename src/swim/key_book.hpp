#pragma once

#include <optional>

#include "memberlist/key.hpp"
#include "wire/packet.hpp"

namespace memberlist::swim {

/// A copy of what the engine has of keys and of the switches for encryption. Only commands change
/// these, so a copy that gets the same commands knows their outcome before the engine does.
struct KeyBook {
  wire::Keyring keyring;
  GossipVerify verify;

  void set_verify(std::optional<bool> incoming, std::optional<bool> outgoing) noexcept {
    verify.incoming = incoming.value_or(verify.incoming);
    verify.outgoing = outgoing.value_or(verify.outgoing);
  }
};

}  // namespace memberlist::swim
