// Configuration by broadcast: a setting that is changed on one member soon changes on all.
//
// Broadcasts may arrive twice, in another order, or, if packets are lost, not at all. So each
// setting carries a version, and each member keeps the newest. Settings that a broadcast missed, or
// that were set before a member joined, are exchanged by push/pulls: each side sends all of them.

#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "await.hpp"
#include "memberlist/memberlist.hpp"

namespace ml = memberlist;

namespace {

// `7 timeout=30s`: version, name, value; none is empty, or has a line break in it. It comes from
// others, so it may be anything.
struct Setting {
  std::uint64_t version = 0;
  std::string name;
  std::string value;

  [[nodiscard]] std::string to_text() const {
    return std::to_string(version) + ' ' + name + '=' + value;
  }
  static bool parse(std::string_view text, Setting& setting) {
    std::istringstream in{std::string(text)};
    if (!(in >> setting.version) || in.get() != ' ') return false;
    return std::getline(in, setting.name, '=') && std::getline(in, setting.value);
  }
};

// The settings of one member. The handler's thread changes them, others ask; the protocol asks in
// the middle of a push/pull, so that has to be quick, and must not call the Memberlist.
class Settings final : public ml::Policy {
 public:
  // The newer one wins; of two that were made at the same time, everywhere the same one.
  bool take(const Setting& setting) {
    const std::lock_guard lock(mutex_);
    Setting& ours = settings_[setting.name];
    if (std::pair(setting.version, setting.value) <= std::pair(ours.version, ours.value)) {
      return false;
    }
    ours = setting;
    return true;
  }
  Setting change(const std::string& name, const std::string& value) {
    const std::lock_guard lock(mutex_);
    Setting& ours = settings_[name];
    ours = {ours.version + 1, name, value};
    return ours;
  }
  [[nodiscard]] std::string get(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = settings_.find(name);
    return found == settings_.end() ? std::string() : found->second.value;
  }
  // What goes out with each push/pull: all of them, one a line.
  ml::Bytes local_state(bool /*join*/) override {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [name, setting] : settings_) text += setting.to_text() + '\n';
    return ml::to_bytes(text);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Setting> settings_;
};

class Node {
 public:
  static ml::Result<Node> create(const std::string& name) {
    Node node;
    ml::Config config = ml::Config::local();  // timings for members on one machine
    config.name = name;
    config.bind = {ml::IpAddress::v4(127, 0, 0, 1), 0};
    ml::Handlers handlers;
    handlers.policy = node.settings_;
    handlers.on_events = [settings = node.settings_](ml::Memberlist& list,
                                                     std::span<const ml::Event> batch) {
      for (const ml::Event& event : batch) handle(list, *settings, event);
    };
    auto list = ml::Memberlist::create(std::move(config), std::move(handlers));
    if (!list) return std::unexpected(list.error());
    node.list_ = std::make_unique<ml::Memberlist>(std::move(*list));
    return node;
  }

  // A broadcast with a name replaces an older one of that name that has not been sent yet, so a
  // member that changes a setting often does not fill the queue with outdated values.
  ml::Result<void> set(const std::string& name, const std::string& value) {
    return list_->broadcast(ml::as_bytes(settings_->change(name, value).to_text()), name);
  }
  [[nodiscard]] std::string get(const std::string& name) const { return settings_->get(name); }
  ml::Memberlist& list() { return *list_; }

 private:
  static void handle(const ml::Memberlist& list, Settings& settings, const ml::Event& event) {
    if (const auto* message = std::get_if<ml::UserMessage>(&event)) {
      take(list, settings, ml::as_text(message->payload));
    } else if (const auto* merged = std::get_if<ml::StateMerged>(&event)) {
      std::istringstream lines{std::string(ml::as_text(merged->state))};
      for (std::string line; std::getline(lines, line);) take(list, settings, line);
    }
  }
  static void take(const ml::Memberlist& list, Settings& settings, std::string_view text) {
    Setting setting;
    if (!Setting::parse(text, setting) || !settings.take(setting)) return;  // or known already
    std::cout << list.config().name + " hears " + setting.name + '=' + setting.value + '\n';
  }

  std::shared_ptr<Settings> settings_ = std::make_shared<Settings>();
  std::unique_ptr<ml::Memberlist> list_;
};

}  // namespace

int main() {
  auto a = Node::create("a");
  auto b = Node::create("b");
  auto c = Node::create("c");
  if (!a || !b || !c) return 1;
  const std::string seed = a->list().local_address().to_string();
  if (!b->list().join({seed}) || !c->list().join({seed})) return 1;
  const auto all_have = [&](const std::string& value) {
    return examples::await([&] {
      return a->get("timeout") == value && b->get("timeout") == value && c->get("timeout") == value;
    });
  };
  // Broadcasts go to the known members: a has heard of c, b may not have yet.
  if (!examples::await([&] { return b->list().members().size() == 3; })) return 1;

  if (!a->set("timeout", "30s") || !all_have("30s")) return 1;
  if (!b->set("timeout", "60s") || !all_have("60s")) return 1;

  auto late = Node::create("late");
  if (!late || !late->list().join({seed})) return 1;
  if (!examples::await([&] { return late->get("timeout") == "60s"; })) return 1;
  std::cout << "all have timeout=60s\n";
  return 0;
}
