// Feature flags without a server: a flag that is changed on one member soon changes on all.
//
// Changes go out as broadcasts. These may arrive twice, in another order, or, if packets are lost,
// not at all. So each flag carries a version, and the newest wins. What a broadcast missed, and
// what a member that joins later cannot have heard, comes with the push/pulls, in which each side
// sends all of its flags.

#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

#include "await.hpp"
#include "memberlist/memberlist.hpp"

namespace ml = memberlist;

namespace {

// `7 dark-mode=25`: on for 25 % of the users since version 7. It comes from others, so it may be
// anything.
struct Flag {
  std::uint64_t version = 0;
  std::string name;
  unsigned percent = 0;

  [[nodiscard]] std::string to_text() const {
    return std::to_string(version) + ' ' + name + '=' + std::to_string(percent);
  }
  static std::optional<Flag> parse(const std::string& text) {
    std::istringstream in(text);
    Flag flag;
    if (!(in >> flag.version) || in.get() != ' ' || !std::getline(in, flag.name, '=')) return {};
    const bool valid = flag.version > 0 && !flag.name.empty() && in >> flag.percent;
    return valid && flag.percent <= 100 ? std::optional(flag) : std::nullopt;
  }
};

// The flags of one member. The handler's thread changes them, and others ask; as a Policy it is
// asked in the middle of a push/pull. No lock of the library is held then, so it may take its own;
// it must be quick, and commands fail there.
class Flags final : public ml::Policy {
 public:
  // Whether the flag is on for this user. An unknown flag is off.
  [[nodiscard]] bool is_on(const std::string& name, unsigned user) const {
    const std::lock_guard lock(mutex_);
    const auto found = flags_.find(name);
    return found != flags_.end() && user % 100 < found->second.percent;
  }

  // A broadcast with a name replaces one of that name that is still queued: a flag that changes
  // often does not fill the queue with its past.
  ml::Result<void> set(ml::Memberlist& list, const std::string& name, unsigned percent) {
    const std::lock_guard lock(mutex_);
    Flag& flag = flags_[name];
    flag = {flag.version + 1, name, percent};
    return list.broadcast(ml::as_bytes(flag.to_text()), name);
  }

  void on_events(const ml::Memberlist& list, std::span<const ml::Event> batch) {
    std::map<std::string, std::string> changed;  // each once, however often it is in the batch
    for (const ml::Event& event : batch) {
      if (const auto* message = std::get_if<ml::UserMessage>(&event)) {
        take(ml::as_text(message->payload), message->from, changed);
      } else if (const auto* merged = std::get_if<ml::StateMerged>(&event)) {
        take(ml::as_text(merged->state), merged->from, changed);
      }
    }
    for (const auto& [name, change] : changed) {
      std::cout << list.config().name + " hears " + change + '\n';
    }
  }

  // All flags, one a line.
  ml::Bytes local_state(bool /*join*/) override {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [name, flag] : flags_) text += flag.to_text() + '\n';
    return ml::to_bytes(text);
  }

 private:
  void take(std::string_view text, const std::string& from,
            std::map<std::string, std::string>& changed) {
    const std::lock_guard lock(mutex_);
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
      const std::optional<Flag> flag = Flag::parse(line);
      if (!flag) continue;
      // The newer one wins; of two that were made at the same time, everywhere the same one.
      Flag& ours = flags_[flag->name];
      if (std::tie(flag->version, flag->percent) <= std::tie(ours.version, ours.percent)) continue;
      ours = *flag;
      changed[flag->name] = flag->to_text() + " from " + (from.empty() ? "another member" : from);
    }
  }

  mutable std::mutex mutex_;
  std::map<std::string, Flag> flags_;
};

struct Node {
  std::shared_ptr<Flags> flags = std::make_shared<Flags>();
  std::unique_ptr<ml::Memberlist> list;

  explicit Node(const std::string& name) {
    ml::Config config = ml::Config::local();  // timings for members on one machine
    config.name = name;
    config.bind = {ml::IpAddress::v4(127, 0, 0, 1), 0};
    ml::Handlers handlers;
    handlers.policy = flags;
    handlers.on_events = [flags = flags](ml::Memberlist& own, std::span<const ml::Event> batch) {
      flags->on_events(own, batch);
    };
    auto created = ml::Memberlist::create(std::move(config), std::move(handlers));
    if (created) list = std::make_unique<ml::Memberlist>(std::move(*created));
  }
};

}  // namespace

int main() {
  Node a("a");
  Node b("b");
  Node c("c");
  Node late("late");
  if (!a.list || !b.list || !c.list || !late.list) return 1;
  const std::string seed = a.list->local_address().to_string();
  if (!b.list->join({seed}) || !c.list->join({seed})) return 1;
  // Broadcasts go to the known members: a has heard of c, b may not have yet.
  if (!examples::await([&] { return b.list->members().size() == 3; })) return 1;
  const auto on_everywhere = [](unsigned user, const auto&... nodes) {
    return examples::await([&] { return (nodes.flags->is_on("dark-mode", user) && ...); });
  };
  if (!a.flags->set(*a.list, "dark-mode", 5) || !on_everywhere(4, a, b, c)) return 1;
  if (!b.flags->set(*b.list, "dark-mode", 50) || !on_everywhere(42, a, b, c)) return 1;
  if (!late.list->join({seed}) || !on_everywhere(42, a, b, c, late)) return 1;
  std::cout << "dark-mode is on for every second user, everywhere\n";
  return 0;
}
