// A member of a cluster. Usage: first_program [PORT [HOST:PORT to join through]...]
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "memberlist/memberlist.hpp"

int main(int argc, char** argv) {
  memberlist::Config config = memberlist::Config::lan();
  if (argc > 1) config.bind.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  config.name = "node-" + std::to_string(config.bind.port);

  memberlist::Handlers handlers;
  handlers.on_event = [](const memberlist::Event& event) {
    if (const auto* change = std::get_if<memberlist::MemberEvent>(&event)) {
      std::cout << to_string(change->kind) << ": " << change->member.name() << std::endl;
    }
  };

  auto list = memberlist::Memberlist::create(config, handlers);
  if (!list) {
    std::cerr << list.error().message << '\n';
    return 1;
  }
  if (argc > 2) {
    const auto joined = list->join(std::vector<std::string>(argv + 2, argv + argc));
    if (!joined) std::cerr << joined.error().message << '\n';
  }
  for (const memberlist::Member& member : *list->members()) {
    std::cout << member.name() << ' ' << member.address().to_string() << ' '
              << to_string(member.status) << std::endl;
  }

  std::cout << "Press Enter to leave." << std::endl;
  std::cin.get();
  return list->leave() ? 0 : 1;
}
