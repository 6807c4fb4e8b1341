// Many members on several threads with one RecordStore: for ThreadSanitizer, too.

#include "memberlist/record_store.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "memberlist/memory_network.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kMembers = 256;

TEST(RecordStoreTest, ManyMembersOnFourThreadsHaveTheSameRecords) {
  const auto records = std::make_shared<RecordStore>(std::array<std::byte, 16>{});
  MemoryNetwork network;
  std::vector<Runtime> runtimes;
  for (std::size_t i = 0; i < kThreads; ++i) runtimes.push_back(Runtime::create(records).value());
  std::vector<Memberlist> members;
  for (std::size_t i = 0; i < kMembers; ++i) {
    Config config = Config::lan();
    config.name = "member-" + std::to_string(i);
    config.bind = {IpAddress::v4(10, 0, static_cast<std::uint8_t>(i / 100),
                                 static_cast<std::uint8_t>(1 + i % 100)),
                   7946};
    auto member =
        Memberlist::create(std::move(config), {},
                           {.runtime = runtimes[i % kThreads], .transport = network.transport()});
    ASSERT_TRUE(member) << member.error().message;
    members.push_back(std::move(*member));
    if (i > 0) {
      ASSERT_TRUE(members[i].join({members[i / 2].local_address().to_string()}));
    }
  }
  for (const Memberlist& member : members) {
    ASSERT_TRUE(eventually([&] { return member.members().size() == kMembers; }));
  }
  const MemberSnapshot view = members.front().members();
  for (const Memberlist& member : members) {
    const MemberSnapshot other = member.members();
    for (const Member& one : view) {
      const Member* const same = other.find(one.name());
      ASSERT_NE(same, nullptr) << one.name();
      EXPECT_EQ(same->record, one.record) << one.name();
    }
  }
  EXPECT_LE(records->size(), 2 * kMembers + 64);
}

}  // namespace
}  // namespace memberlist::facade_test
