#include <iostream>
#include <span>
#include <string>
#include <variant>

#include "memberlist/memberlist.hpp"

namespace ml = memberlist;

// Two members on this machine; the second joins through the first.
int main() {
  ml::Config config = ml::Config::lan();
  config.bind = {ml::IpAddress::v4(127, 0, 0, 1), 0};  // port 0: any that is free

  ml::Handlers handlers;
  handlers.on_events = [](ml::Memberlist&, std::span<const ml::Event> batch) {
    for (const ml::Event& event : batch) {
      const auto* change = std::get_if<ml::MemberEvent>(&event);
      if (change == nullptr) continue;
      const std::string what(to_string(change->kind));
      std::cout << "event: " + what + ' ' + change->member.name() + '\n';
    }
  };

  config.name = "first";
  auto first = ml::Memberlist::create(config, handlers);
  config.name = "second";
  auto second = ml::Memberlist::create(config);
  if (!first || !second) {
    std::cerr << (first ? second : first).error().message << '\n';
    return 1;
  }

  const auto joined = second->join({first->local_address().to_string()});
  if (!joined) {
    std::cerr << joined.error().message << '\n';
    return 1;
  }
  for (const ml::Member& member : second->members()) {
    const std::string status(to_string(member.status));
    std::cout << member.name() + " at " + member.address().to_string() + " is " + status + '\n';
  }
  return second->leave() ? 0 : 1;
}
