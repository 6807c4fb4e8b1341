// Configuration by broadcast: a setting that is changed at one member is soon the same at all.
//
// Broadcasts may arrive twice, in another order, or, if packets are lost, not at all. So each
// setting carries a version, and the newest wins wherever it is heard; and what a broadcast missed,
// the next change of that setting mends.

#include <charconv>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "await.hpp"
#include "memberlist/memberlist.hpp"

namespace ml = memberlist;

namespace {

// `7 timeout=30s`: version, name, value. It comes from others, so it may be anything.
struct Setting {
  std::uint64_t version = 0;
  std::string name;
  std::string value;

  [[nodiscard]] std::string to_text() const {
    return std::to_string(version) + ' ' + name + '=' + value;
  }
  static bool parse(std::string_view text, Setting& setting) {
    const std::size_t space = text.find(' ');
    const std::size_t equals = text.find('=', space);
    if (space == std::string_view::npos || equals == std::string_view::npos) return false;
    const std::string_view digits = text.substr(0, space);
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), setting.version);
    if (error != std::errc{} || stop != digits.data() + digits.size()) return false;
    setting.name = text.substr(space + 1, equals - space - 1);
    setting.value = text.substr(equals + 1);
    return true;
  }
};

// The settings of one member. The handler's thread changes them, others ask.
class Settings {
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
    handlers.on_event = [name, settings = node.settings_](const ml::Event& event) {
      const auto* message = std::get_if<ml::UserMessage>(&event);
      Setting setting;
      if (message == nullptr || !Setting::parse(ml::as_text(message->payload), setting)) return;
      if (!settings->take(setting)) return;  // known already
      std::cout << name + " hears " + setting.name + '=' + setting.value + '\n';
    };
    auto list = ml::Memberlist::create(std::move(config), std::move(handlers));
    if (!list) return std::unexpected(list.error());
    node.list_ = std::make_unique<ml::Memberlist>(std::move(*list));
    return node;
  }

  // A broadcast with a name replaces an older one of that name that was not sent yet: whoever
  // changes a setting often does not fill the queue with values that nobody wants any more.
  ml::Result<void> set(const std::string& name, const std::string& value) {
    return list_->broadcast(ml::as_bytes(settings_->change(name, value).to_text()), name);
  }
  [[nodiscard]] std::string get(const std::string& name) const { return settings_->get(name); }
  ml::Memberlist& list() { return *list_; }

 private:
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
  // Broadcasts go to those who are known: a has heard of c, b may not have yet.
  if (!examples::await([&] { return b->list().members()->size() == 3; })) return 1;

  if (!a->set("timeout", "30s") || !all_have("30s")) return 1;
  if (!b->set("timeout", "60s") || !all_have("60s")) return 1;
  std::cout << "all have timeout=60s\n";
  return 0;
}
