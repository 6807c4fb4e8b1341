#pragma once

#include <memory>

#include "memberlist/memberlist.hpp"
#include "support/input.hpp"

namespace memberlist::fuzz {

/// A member that was shut down at once: it still shows itself, takes no command, and has neither
/// threads nor sockets, so that nothing of an input leaves this process.
[[nodiscard]] inline Memberlist quiet_member() {
  Config config = Config::local();
  config.name = "fuzzed";
  config.bind = {IpAddress::v4(127, 0, 0, 1), 0};
  auto list = Memberlist::create(config);
  require(list.has_value(), "a member on loopback can be made");
  list->shutdown();
  return *std::move(list);
}

}  // namespace memberlist::fuzz
