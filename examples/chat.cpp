// A chat among the members of a cluster: all others see what one member types. Start it in three
// terminals:
//
//   chat ann 127.0.0.1:7946
//   chat ben 127.0.0.1:7947 127.0.0.1:7946     joins through ann
//   chat cat 127.0.0.1:7948 127.0.0.1:7946
//
// A line is sent to all members, /who lists the members, and the end of the input (Ctrl-D) leaves.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <iostream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "memberlist/memberlist.hpp"

namespace ml = memberlist;

namespace {

void print(const std::string& line) { std::cout << line + '\n' << std::flush; }

// A broadcast may arrive more than once, so each line has a number in front, and lines that were
// seen recently are not shown again.
class SeenLately {
 public:
  bool add(std::string_view id) {
    if (std::ranges::find(ids_, id) != ids_.end()) return false;
    ids_.emplace_back(id);
    if (ids_.size() > kRemembered) ids_.pop_front();
    return true;
  }

 private:
  static constexpr std::size_t kRemembered = 1000;
  std::deque<std::string> ids_;
};

std::string new_id() {
  std::random_device random;
  return std::to_string((std::uint64_t{random()} << 32) | random());
}

// on_events gets events in order, in batches, on a separate thread.
class Screen {
 public:
  void show(std::span<const ml::Event> batch) {
    for (const ml::Event& event : batch) {
      if (const auto* change = std::get_if<ml::MemberEvent>(&event)) show(*change);
      if (const auto* message = std::get_if<ml::UserMessage>(&event)) show(*message);
    }
  }

 private:
  static void show(const ml::MemberEvent& change) {
    if (change.self) return;  // who sits here knows
    if (change.kind == ml::MemberEventKind::join) print("* " + change.member.name() + " joined");
    if (change.kind != ml::MemberEventKind::leave) return;
    const bool said_goodbye = change.member.status == ml::MemberStatus::left;
    print("* " + change.member.name() + (said_goodbye ? " left" : " is lost"));
  }

  void show(const ml::UserMessage& message) {
    const std::string_view text = ml::as_text(message.payload);
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || !seen_.add(text.substr(0, space))) return;
    print(std::string(text.substr(space + 1)));
  }

  SeenLately seen_;
};

int fail(const ml::Error& error) {
  std::cerr << error.message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::cerr << "usage: chat NAME ADDRESS:PORT [ADDRESS:PORT of somebody to join]\n";
    return 2;
  }
  const auto bind = ml::Address::parse(argv[2], 7946);
  if (!bind) return fail(bind.error());
  ml::Config config = ml::Config::local();  // timings for members on one machine
  config.name = argv[1];
  config.bind = *bind;

  ml::Handlers handlers;
  handlers.on_events = [screen = Screen()](ml::Memberlist&,
                                           std::span<const ml::Event> batch) mutable {
    screen.show(batch);
  };
  auto list = ml::Memberlist::create(config, std::move(handlers));
  if (!list) return fail(list.error());
  print("* " + config.name + " at " + list->local_address().to_string());
  if (argc == 4) {
    if (const auto joined = list->join({argv[3]}); !joined) return fail(joined.error());
  }

  for (std::string line; std::getline(std::cin, line);) {
    if (line == "/who") {
      for (const ml::Member& member : list->members()) {
        print(member.name() + " is " + std::string(to_string(member.status)));
      }
      continue;
    }
    const std::string message = new_id() + ' ' + config.name + ": " + line;
    const auto sent = list->broadcast(ml::as_bytes(message));
    if (!sent) std::cerr << sent.error().message << '\n';  // e.g. too long for a packet
  }
  const auto left = list->leave();
  return left ? 0 : fail(left.error());
}
