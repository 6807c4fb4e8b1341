#pragma once

// Members for tests: quick, on loopback, at ports that the kernel chooses.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "support/own_loopback.hpp"

namespace memberlist::facade_test {

/// Longer than anything takes on a machine that is busy with other things.
inline constexpr auto kPatience = std::chrono::seconds(60);

inline IpAddress own_ip(bool second = false) {
  const auto [a, b, c, d] = testing::own_loopback(second);
  return IpAddress::v4(a, b, c, d);
}

inline Config quick_config(std::string name) {
  Config config = Config::local();
  config.name = std::move(name);
  config.bind = {own_ip(), 0};
  config.probe_interval = std::chrono::milliseconds(100);
  config.probe_timeout = std::chrono::milliseconds(80);
  config.gossip_interval = std::chrono::milliseconds(20);
  config.push_pull_interval = std::chrono::milliseconds(500);
  config.tcp_timeout = std::chrono::seconds(10);
  return config;
}

/// The same at an address from which nothing connects: a port that is given up there is still free
/// when it is bound again, even if the kernel chooses ports meanwhile.
inline Config quick_config_apart(std::string name) {
  Config config = quick_config(std::move(name));
  config.bind.ip = own_ip(true);
  return config;
}

/// The same where `localhost` leads.
inline Config at_localhost(std::string name) {
  Config config = quick_config(std::move(name));
  config.bind.ip = IpAddress::v4(127, 0, 0, 1);
  return config;
}

/// Polls until it holds. For what no event tells.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// Everything that one member tells; may be shared with a handler that outlives the test.
class Record {
 public:
  void add(const Event& event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }
  void add(const LogRecord& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    changed_.notify_all();
  }

  /// Waits until there is an event of type `T` for which `fits(event)` holds.
  template <class T, class Fits>
  [[nodiscard]] bool heard(Fits fits) {
    return wait([&] { return count_locked<T>(fits) > 0; });
  }
  [[nodiscard]] bool heard(MemberEventKind kind, std::string_view name) {
    return heard<MemberEvent>([&](const MemberEvent& event) {
      return event.kind == kind && event.member.name() == name;
    });
  }
  [[nodiscard]] bool heard_message(std::string_view payload) {
    return heard<UserMessage>(
        [&](const UserMessage& message) { return as_text(message.payload) == payload; });
  }
  template <class T, class Fits>
  [[nodiscard]] std::size_t count(Fits fits) {
    const std::lock_guard lock(mutex_);
    return count_locked<T>(fits);
  }
  [[nodiscard]] std::vector<Event> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  [[nodiscard]] bool logged(LogLevel level, std::string_view part) {
    return wait([&] {
      return std::any_of(lines_.begin(), lines_.end(), [&](const LogRecord& line) {
        return line.level == level && line.text.find(part) != std::string::npos;
      });
    });
  }
  [[nodiscard]] std::vector<LogRecord> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  [[nodiscard]] bool wait(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, condition);
  }
  template <class T, class Fits>
  [[nodiscard]] std::size_t count_locked(Fits& fits) const {
    std::size_t count = 0;
    for (const Event& event : events_) {
      const T* typed = std::get_if<T>(&event);
      if (typed != nullptr && fits(*typed)) ++count;
    }
    return count;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
  std::vector<LogRecord> lines_;
};

/// A member with its record.
class Node {
 public:
  explicit Node(Config config, std::shared_ptr<Policy> policy = nullptr)
      : Node(std::move(config), Hosting{}, std::move(policy)) {}
  Node(Config config, const Hosting& hosting, std::shared_ptr<Policy> policy = nullptr)
      : record_(std::make_shared<Record>()) {
    Handlers handlers;
    handlers.policy = std::move(policy);
    handlers.on_events = [record = record_](Memberlist&, std::span<const Event> batch) {
      for (const Event& event : batch) record->add(event);
    };
    handlers.on_log = [record = record_](const LogRecord& line) { record->add(line); };
    auto created = Memberlist::create(std::move(config), std::move(handlers), hosting);
    if (!created) throw std::runtime_error(created.error().message);
    list_ = std::make_unique<Memberlist>(std::move(*created));
  }
  explicit Node(std::string name) : Node(quick_config(std::move(name))) {}

  Memberlist& operator*() { return *list_; }
  Memberlist* operator->() { return list_.get(); }
  [[nodiscard]] Record& record() { return *record_; }
  [[nodiscard]] std::string address() const { return list_->local_address().to_string(); }

  void join(const Node& other) {
    const auto joined = list_->join({other.address()});
    ASSERT_TRUE(joined) << joined.error().message;
    EXPECT_EQ(joined->contacted, 1U);
  }
  [[nodiscard]] std::size_t alive() const {
    const MemberSnapshot members = list_->members();
    return static_cast<std::size_t>(
        std::count_if(members->begin(), members->end(),
                      [](const Member& member) { return member.status == MemberStatus::alive; }));
  }
  [[nodiscard]] bool sees(std::string_view name, MemberStatus status) {
    return eventually([&] {
      const auto member = list_->member(name);
      return member && member->status == status;
    });
  }

 private:
  std::shared_ptr<Record> record_;
  std::unique_ptr<Memberlist> list_;
};

}  // namespace memberlist::facade_test
