// What an object does in a forked child, where its threads do not exist.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "node.hpp"
#include "support/sanitizers.hpp"

namespace memberlist::facade_test {
namespace {

/// Runs `child` in a forked process: the number that it returns, or -1 if it does not end.
int in_child(const std::function<int()>& child) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(child());  // without the exit handlers of the parent
  std::optional<int> status;
  const bool ended = pid > 0 && eventually([&] {
                       int raw = 0;
                       if (::waitpid(pid, &raw, WNOHANG) == pid) status = raw;
                       return status.has_value();
                     });
  if (!ended && pid > 0) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return -1;
  }
  return status && WIFEXITED(*status) ? WEXITSTATUS(*status) : -2;
}

template <class Outcome>
bool is_shut_down(const Outcome& result) {
  return !result && result.error().code == ErrorCode::shut_down &&
         result.error().message.find("forked") != std::string::npos;
}

// The number of the first call that does not fail as it should; 0: all do.
int first_call_that_works(Memberlist& list) {
  int number = 0;
  for (const bool fails : {
           is_shut_down(list.join({"127.0.0.1:1"})),
           is_shut_down(list.leave()),
           is_shut_down(list.update_meta({})),
           is_shut_down(list.send("b", {})),
           is_shut_down(list.send("b", {}, Delivery::reliable)),
           is_shut_down(list.broadcast({})),
           is_shut_down(list.ping("b")),
           is_shut_down(list.add_key(Bytes(16))),
           is_shut_down(list.use_key("0123456789abcdef")),
           is_shut_down(list.remove_key("0123456789abcdef")),
           is_shut_down(list.set_gossip_verify(true, true)),
       }) {
    ++number;
    if (!fails) return number;
  }
  return 0;
}

TEST(Fork, CallsFailInTheChildAndNothingHangs) {
  std::optional<Node> a(std::in_place, "a");
  Node b("b");
  a->join(b);
  const int result = in_child([&] {
    Memberlist& list = **a;
    if (const int works = first_call_that_works(list); works != 0) return works;
    int told = 0;
    list.ping_async("b", {}, [&](const Result<PingResult>& pinged) {
      if (is_shut_down(pinged)) ++told;
    });
    if (told != 1) return 100;
    list.shutdown();
    a.reset();
    return 42;
  });
  EXPECT_EQ(result, 42);
  EXPECT_TRUE((*a)->ping("b", {.timeout = kPatience})) << "the parent's goes on";
}

TEST(Fork, ViewsInTheChildDoNotHang) {
  Node a("a");
  std::atomic<bool> over = false;
  std::jthread reader([&] {
    while (!over) (void)(a->members().size() + a->counters().probes + a->keys().size());
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(in_child([&] {
                // Empty, if somebody held it at the fork.
                const std::size_t members = a->members().size();
                (void)a->local_member().name().size();
                (void)a->counters();
                (void)a->keys();
                (void)a->gossip_verify();
                (void)a->view_digest();
                (void)a->member("a");
                return members <= 1 ? 42 : 1;
              }),
              42);
  }
  over = true;
}

TEST(Fork, TheThreadOfARuntimeIsNotThereInTheChild) {
  auto runtime = Runtime::create();
  ASSERT_TRUE(runtime);
  auto held = std::make_optional(*runtime);
  EXPECT_EQ(in_child([&] {
              const Hosting hosting{.runtime = *held, .transport = {}};
              const auto created = Memberlist::create(quick_config("a"), {}, hosting);
              if (created || created.error().code != ErrorCode::shut_down) return 1;
              return 42;
            }),
            42);
  // Its last handle does not wait for it there.
  *runtime = Runtime(std::move(*held));
  held.reset();
  EXPECT_EQ(in_child([&] {
              runtime = std::unexpected(Error{});
              return 42;
            }),
            42);
}

TEST(Fork, TheChildMayHaveAMemberOfItsOwn) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer allows no threads in the child of a process with threads";
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer allows no threads in the child of a process with threads";
#endif
#endif
  Node a("a");
  const std::string through = a.address();
  EXPECT_EQ(in_child([&] {
              auto own = Memberlist::create(quick_config("of-the-child"));
              if (!own) return 1;
              if (!own->join({through})) return 2;
              own->shutdown();
              return 42;
            }),
            42);
  EXPECT_TRUE(a.sees("of-the-child", MemberStatus::dead));
}

}  // namespace
}  // namespace memberlist::facade_test
