#include "net/system_lookup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "../../tests/support/own_names.hpp"
#include "../../tests/support/own_network.hpp"
#include "base/limits.hpp"
#include "net/resolver.hpp"
#include "net/test_name_server.hpp"
#include "net/test_sockets.hpp"

namespace memberlist::net {
namespace {

using Found = Result<std::vector<IpAddress>>;
using memberlist::testing::OwnNames;

/// Longer than anything takes on a machine that is busy with other things.
constexpr std::chrono::seconds kPatience{60};

// A call that blocks for as long as the test wants, as the system's does where no server answers.
class Gate {
 public:
  SystemLookup::Blocking call() {
    return [state = state_](const std::string& host) -> Found {
      std::unique_lock lock(state->mutex);
      ++state->inside;
      ++state->calls;
      state->changed.notify_all();
      state->changed.wait(lock, [&] { return state->open; });
      --state->inside;
      state->changed.notify_all();
      return host == "nobody" ? Found(fail(ErrorCode::unresolved, "nobody", host))
                              : Found(std::vector{IpAddress::v4(10, 0, 0, 1)});
    };
  }
  bool wait_inside(std::size_t count) {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, kPatience, [&] { return state_->inside == count; });
  }
  void open() {
    const std::lock_guard lock(state_->mutex);
    state_->open = true;
    state_->changed.notify_all();
  }
  std::size_t calls() {
    const std::lock_guard lock(state_->mutex);
    return state_->calls;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t inside = 0, calls = 0;
    bool open = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

TEST(SystemLookup, AnswersFromTheLoop) {
  Gate gate;
  RunningLoop running;
  std::promise<Found> first, second;
  auto lookup =
      running.call([&] { return std::make_unique<SystemLookup>(running.loop(), gate.call()); });
  running.call([&] {
    lookup->look_up("a", [&](Found found) { first.set_value(std::move(found)); });
    lookup->look_up("nobody", [&](Found found) { second.set_value(std::move(found)); });
  });
  gate.open();
  EXPECT_EQ(first.get_future().get().value_or(std::vector<IpAddress>{}).size(), 1U);
  EXPECT_FALSE(second.get_future().get());
  running.call([&] { lookup.reset(); });
}

TEST(SystemLookup, HasSoManyThreadsAndTheOthersWait) {
  Gate gate;
  RunningLoop running;
  auto lookup =
      running.call([&] { return std::make_unique<SystemLookup>(running.loop(), gate.call()); });
  const std::size_t all = limits::kLookupThreads + 3;
  std::vector<std::promise<Found>> answers(all);
  std::vector<std::uint64_t> queries;
  running.call([&] {
    for (auto& answer : answers) {
      queries.push_back(
          lookup->look_up("a", [&](Found found) { answer.set_value(std::move(found)); }));
    }
  });
  EXPECT_TRUE(gate.wait_inside(limits::kLookupThreads));
  running.call([&] { lookup->forget(queries.back()); });
  gate.open();
  for (std::size_t i = 0; i + 1 < all; ++i) EXPECT_TRUE(answers[i].get_future().get()) << i;
  EXPECT_EQ(gate.calls(), all - 1) << "what is forgotten while it waits is never looked up";
  running.call([&] { lookup.reset(); });
}

TEST(SystemLookup, EndsWhileTheSystemBlocks) {
  Gate gate;
  bool answered = false;
  {
    RunningLoop running;
    auto lookup =
        running.call([&] { return std::make_unique<SystemLookup>(running.loop(), gate.call()); });
    running.call([&] { lookup->look_up("a", [&](const Found&) { answered = true; }); });
    EXPECT_TRUE(gate.wait_inside(1));
    running.call([&] { lookup.reset(); });
  }
  gate.open();
  EXPECT_TRUE(gate.wait_inside(0));
  EXPECT_FALSE(answered);
}

// --- the system's own ---------------------------------------------------------------------------

class SystemNames {
 public:
  ~SystemNames() {
    running_.call([this] { resolver_.reset(); });
  }
  // The addresses as texts, or what went wrong.
  std::string found(const std::string& host) {
    auto promise = std::make_shared<std::promise<Found>>();
    running_.call([&] {
      resolver_->resolve(host, kPatience, [promise](Found answer) { promise->set_value(answer); });
    });
    const Found answer = promise->get_future().get();
    if (!answer) return std::string(to_string(answer.error().code));
    std::vector<std::string> texts;
    std::ranges::transform(*answer, std::back_inserter(texts), &IpAddress::to_string);
    std::ranges::sort(texts);
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
    return all;
  }

 private:
  RunningLoop running_;
  std::unique_ptr<Resolver> resolver_ = running_.call([this] {
    auto made = Resolver::create(running_.loop());
    EXPECT_TRUE(made);
    return made ? std::move(*made) : nullptr;
  });
};

// Runs it where the machine's names are the test's, with a name server at port 53.
void with_own_names(const std::function<void(const OwnNames&, TestNameServer&)>& test) {
  bool works = false;
  const bool ran = memberlist::testing::in_own_network([&] {
    const OwnNames names;
    works = names.works();
    if (!works) return;
    TestNameServer server(TestNameServer::Ways::both, 53);
    test(names, server);
  });
  if (!ran || !works) GTEST_SKIP() << "this machine gives tests no names of their own";
}

TEST(SystemNames, AreWhatTheConfigurationMakesOfThem) {
  with_own_names([](const OwnNames& names, TestNameServer& server) {
    server.set("peer-a", {.addresses = {"10.0.0.1"}});
    server.set("peer-b.corp.example", {.addresses = {"10.0.0.2", "fd00::2"}});
    server.set("peer-c.rack.corp.example", {.addresses = {"10.0.0.3"}});
    names.write("hosts", "127.0.0.1 localhost\n10.0.0.9 of-the-file\n");
    struct Case {
      const char* resolv_conf;
      const char* host;
      const char* found;
    };
    SystemNames system;
    for (const auto& [resolv_conf, host, found] : {
             Case{"search .\n", "peer-a", "10.0.0.1"},
             Case{"search . corp.example\n", "peer-a", "10.0.0.1"},
             Case{"search . corp.example\n", "peer-b", "10.0.0.2 fd00::2"},
             Case{"domain corp.example\n", "peer-b", "10.0.0.2 fd00::2"},
             Case{"search corp.example\noptions ndots:2\n", "peer-c.rack", "10.0.0.3"},
             Case{"search corp.example\n", "peer-c.rack", "10.0.0.3"},
             Case{"", "peer-b", "unresolved"},
             Case{"search .\n", "of-the-file", "10.0.0.9"},
             Case{"search .\n", "some.localhost", "127.0.0.1 ::1"},
         }) {
      names.write("resolv.conf", std::string("nameserver 127.0.0.1\n") + resolv_conf);
      const std::string got = system.found(host);
      if (std::string_view(host).ends_with("localhost")) {
        EXPECT_TRUE(got.starts_with("127.0.0.1")) << got;
      } else {
        EXPECT_EQ(got, found) << resolv_conf << host;
      }
    }
  });
}

TEST(SystemNames, FollowTheConfigurationAsItChanges) {
  with_own_names([](const OwnNames& names, TestNameServer& server) {
    server.set("late.example", {.addresses = {"10.0.0.1"}});
    names.write("resolv.conf", "nameserver 127.0.0.77\noptions timeout:1 attempts:1\n");
    SystemNames system;
    EXPECT_EQ(system.found("late.example"), "unresolved");
    names.write("resolv.conf", "nameserver 127.0.0.1\n");
    EXPECT_EQ(system.found("late.example"), "10.0.0.1");
    names.write("hosts", "127.0.0.1 localhost\n10.0.0.2 late.example\n");
    EXPECT_EQ(system.found("late.example"), "10.0.0.2") << "the hosts file comes first";
    names.write("nsswitch.conf", "hosts: dns\n");
    EXPECT_EQ(system.found("late.example"), "10.0.0.1") << "it is not asked any more";
  });
}

// Servers of our own replace the system's, not its search list.
TEST(SystemNames, ServersOfOurOwnUseTheSearchListAsItIsNow) {
  with_own_names([](const OwnNames& names, TestNameServer& server) {
    server.set("peer-a", {.addresses = {"10.0.0.1"}});
    server.set("peer-b.corp.example", {.addresses = {"10.0.0.2"}});
    names.write("resolv.conf", "search .\n");
    RunningLoop running;
    std::unique_ptr<Resolver> resolver;
    const auto found = [&](const std::string& host) {
      std::promise<Found> answer;
      running.call([&] {
        resolver->resolve(host, kPatience, [&](Found got) { answer.set_value(std::move(got)); });
      });
      const Found got = answer.get_future().get();
      return got ? got->front().to_string() : got.error().message;
    };
    running.call([&] {
      auto made = Resolver::create(running.loop(), {.servers = {server.address()}});
      ASSERT_TRUE(made);
      resolver = std::move(*made);
    });
    EXPECT_EQ(found("peer-a"), "10.0.0.1");
    names.write("resolv.conf", "search . corp.example\n");
    EXPECT_EQ(found("peer-b"), "10.0.0.2");
    running.call([&] { resolver.reset(); });
  });
}

}  // namespace
}  // namespace memberlist::net
