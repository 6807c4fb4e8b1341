// Memory runs out while a member is created. A program of its own: it replaces operator new.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "memberlist/memberlist.hpp"
#include "memberlist/memory_network.hpp"
#include "node.hpp"

namespace {

/// Which of this thread's allocations fail.
struct Failing {
  long before = -1;  ///< so many succeed first; less than 0: all do
  bool for_good = false;
  bool has_failed = false;
};
thread_local Failing failing;

void* allocate(std::size_t bytes) {
  Failing& f = failing;
  if (f.before == 0) {
    if (!f.for_good) f.before = -1;
    f.has_failed = true;
    throw std::bad_alloc();
  }
  if (f.before > 0) --f.before;
  void* const memory = std::malloc(bytes > 0 ? bytes : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace memberlist::facade_test {
namespace {

std::ptrdiff_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

class Memory : public ::testing::TestWithParam<bool> {
 protected:
  /// Creates with the n-th allocation failing, for each n until none does. Whatever of a failed
  /// attempt stays behind would be in the way of the next one, which binds the same port.
  void create_until_it_works(const Config& config, const Hosting& hosting) {
    std::thread([] {}).join();  // a sanitizer starts one of its own with the first
    const auto before = threads();
    long attempts = 0;
    for (bool failed = true; failed; ++attempts) {
      std::optional<Result<Memberlist>> created;
      failing = {.before = attempts, .for_good = GetParam()};
      try {
        created.emplace(Memberlist::create(config, handlers_, hosting));
      } catch (const std::bad_alloc&) {
      }
      failed = failing.has_failed;
      failing = {};
      if (!failed) {
        ASSERT_TRUE(created && *created) << attempts << ": " << created->error().message;
        EXPECT_EQ((*created)->local_member().name(), "a");
      } else if (created && !*created) {
        EXPECT_NE(created->error().code, ErrorCode::address_in_use) << attempts;
      }
    }
    EXPECT_GT(attempts, 50) << "most of what create does was not reached";
    EXPECT_TRUE(eventually([&] { return threads() <= before; })) << threads() << " of " << before;
  }
  [[nodiscard]] static Config config() {
    Config config = quick_config_apart("a");
    // Free just now; nothing else connects from this address.
    const auto free = Memberlist::create(config);
    if (free) config.bind = free->local_address();
    config.keys = {Bytes(16, std::byte{1}), Bytes(32, std::byte{2})};
    config.meta = to_bytes("role=web and so on, more than a short string holds");
    config.label = "a label that is not short either";
    return config;
  }

  Handlers handlers_{.on_events = [](Memberlist&, std::span<const Event>) {},
                     .on_log = [](const LogRecord&) {},
                     .metrics = nullptr,
                     .metric_labels = {{"a label", "of the application's, also rather long"}},
                     .policy = std::make_shared<Policy>()};
};

TEST_P(Memory, CreateReleasesAllAndNeverEndsTheProgram) { create_until_it_works(config(), {}); }

TEST_P(Memory, TheSameOnASharedThread) {
  const auto runtime = Runtime::create();
  ASSERT_TRUE(runtime);
  create_until_it_works(config(), {.runtime = *runtime, .transport = {}});
}

TEST_P(Memory, TheSameOnANetworkInMemory) {
  const MemoryNetwork network;
  create_until_it_works(config(), {.runtime = {}, .transport = network.transport()});
}

INSTANTIATE_TEST_SUITE_P(Failing, Memory, ::testing::Values(false, true), [](const auto& one) {
  return std::string(one.param ? "FromThenOn" : "Once");
});

}  // namespace
}  // namespace memberlist::facade_test
