#include "swim/state_pages.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/byte_reader.hpp"
#include "swim/test_start.hpp"

namespace memberlist::swim {
namespace {

using std::chrono::seconds;

constexpr std::uint32_t kMembers = 1000;

std::shared_ptr<const MemberRecord> record(std::uint32_t number, std::string_view meta = "") {
  return std::make_shared<const MemberRecord>(
      MemberRecord{"node-" + std::to_string(number),
                   {IpAddress::v4(10, 0, static_cast<std::uint8_t>(number >> 8),
                                  static_cast<std::uint8_t>(number)),
                    7946},
                   to_bytes(meta),
                   {1, 5, 2},
                   {0, 0, 0}});
}

class StatePagesTest : public ::testing::TestWithParam<bool> {
 protected:
  StatePagesTest() {
    how.compress = GetParam();
    for (std::uint32_t i = 0; i < kMembers; ++i) {
      table.set_status(table.insert(record(i), kStart, random), MemberStatus::alive, kStart);
    }
  }

  /// Name and meta data of all states, as a peer reads them.
  std::set<std::string> read() {
    Bytes header;
    Bytes plain;
    ByteWriter out(plain);
    wire::encode(out, wire::PushPullHeader{pages.totals().members, 0, true});
    wire::append_stream_part(how, plain, header, lzw);
    std::vector<BytesView> parts{header};
    for (const StatePages::Page& page : pages.pages()) parts.emplace_back(page.bytes);
    const Bytes sealed = wire::seal_stream_parts(how, parts, true);
    wire::StreamOpener opener(how, true);
    const auto progress = opener.feed(sealed);
    EXPECT_TRUE(progress.has_value() && *progress == wire::StreamOpener::Progress::complete);
    const auto& message = std::get<wire::PushPullMessage>(opener.message());
    states = ContentDigest(message.node_states);
    std::set<std::string> seen;
    ByteReader in(message.node_states);
    for (std::int64_t i = 0; i < message.header.nodes; ++i) {
      const auto state = wire::decode<wire::NodeState>(in);
      seen.insert(std::string(state->name) + "/" + std::string(as_text(state->meta)));
    }
    return seen;
  }

  wire::Sealing how;
  MemberTable table;
  Random random{1};
  wire::LzwEncoder lzw;
  ContentDigest states;  // of what was read last
  StatePages pages{table, how};
};

TEST_P(StatePagesTest, AreReadAsOneState) {
  EXPECT_GT(pages.refresh(), 0U);
  EXPECT_EQ(pages.totals().members, kMembers);
  const std::set<std::string> seen = read();
  EXPECT_EQ(seen.size(), kMembers);
  EXPECT_TRUE(seen.contains("node-999/"));
}

TEST_P(StatePagesTest, DigestsAreThoseOfWhatIsRead) {
  table.set_incarnation(700, 9);
  (void)pages.refresh();
  ContentDigest digest;
  for (std::size_t page = 0; page < pages.pages().size(); ++page) {
    digest.append(pages.digest(page));
  }
  (void)read();
  EXPECT_EQ(digest, states);
}

TEST_P(StatePagesTest, NothingIsEncodedTwice) {
  const std::size_t all = pages.refresh();
  EXPECT_EQ(pages.refresh(), 0U);
  std::vector<ForgottenMember> forgotten;
  table.reset_probe_list(kStart, kNoMember, random, forgotten);
  EXPECT_EQ(pages.refresh(), 0U) << "the order in which members are probed is not in it";
  table.set_status(7, MemberStatus::alive, kStart + seconds(1));
  EXPECT_EQ(pages.refresh(), 0U) << "no change";
  table.set_incarnation(7, 9);
  const std::size_t one = pages.refresh();
  EXPECT_GT(one, 0U);
  EXPECT_LE(one, 2 * all * MemberTable::kPageMembers / kMembers) << "one page";
}

TEST_P(StatePagesTest, EveryChangeIsSeen) {
  (void)pages.refresh();
  const auto changes = [&](const auto& change) {
    change();
    return pages.refresh() > 0;
  };
  EXPECT_TRUE(changes([&] { table.set_status(5, MemberStatus::suspect, kStart); }));
  EXPECT_TRUE(changes([&] { table.set_incarnation(5, 3); }));
  EXPECT_TRUE(changes([&] { table.replace_record(5, record(5, "new")); }));
  EXPECT_TRUE(read().contains("node-5/new"));
  EXPECT_TRUE(changes([&] { table.insert(record(kMembers), kStart, random); }));
  EXPECT_EQ(pages.totals().members, kMembers + 1);
  table.set_status(6, MemberStatus::left, kStart);
  EXPECT_TRUE(changes([&] {
    std::vector<ForgottenMember> forgotten;
    table.reset_probe_list(kStart + seconds(9), 0, random, forgotten);
    EXPECT_EQ(forgotten.size(), 2U) << "the one that left, and the new one, which was never alive";
  }));
  EXPECT_EQ(pages.totals().members, kMembers - 1);
  EXPECT_FALSE(read().contains("node-6/"));
}

TEST_P(StatePagesTest, KnowTheVersionsOfTheLiving) {
  (void)pages.refresh();
  EXPECT_TRUE(pages.totals().live.fits(versions_of(*table.at(1).record)));
  auto strange = std::make_shared<MemberRecord>(*table.at(3).record);
  strange->protocol = {3, 5, 3};
  table.replace_record(3, strange);
  (void)pages.refresh();
  EXPECT_FALSE(pages.totals().live.fits(versions_of(*table.at(1).record)))
      << "others speak 2, which it does not understand";
  table.set_status(3, MemberStatus::dead, kStart);
  (void)pages.refresh();
  EXPECT_TRUE(pages.totals().live.fits(versions_of(*table.at(1).record)));
}

TEST_P(StatePagesTest, ReleasedOnesAreMadeAnew) {
  const std::size_t all = pages.refresh();
  pages.release();
  EXPECT_TRUE(pages.pages().empty());
  EXPECT_EQ(pages.refresh(), all);
  EXPECT_EQ(read().size(), kMembers);
}

INSTANTIATE_TEST_SUITE_P(PlainAndCompressed, StatePagesTest, ::testing::Bool());

}  // namespace
}  // namespace memberlist::swim
