#include "swim/state_pages.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/byte_reader.hpp"
#include "base/limits.hpp"
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
    for (const StatePages::Page* const page : pages.pages()) parts.emplace_back(page->bytes);
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

Bytes bytes_of(StatePages& pages) {
  (void)pages.refresh();
  Bytes bytes;
  for (const StatePages::Page* const page : pages.pages()) {
    bytes.insert(bytes.end(), page->bytes.begin(), page->bytes.end());
  }
  return bytes;
}

// Whoever knows the same members has the same pages, in whatever order it learned of them, whatever
// the secret of its tables, and whomever it has known meanwhile.
TEST_P(StatePagesTest, DependOnNothingButTheMembers) {
  MemberTable other({.low = 1, .high = 2});
  for (std::uint32_t i = 0; i < 2 * kMembers; ++i) {
    const std::uint32_t number = 2 * kMembers - 1 - i;
    const MemberStatus status = number < kMembers ? MemberStatus::alive : MemberStatus::left;
    other.set_status(other.insert(record(number), kStart, random), status, kStart);
  }
  StatePages others(other, how);
  EXPECT_NE(bytes_of(others), bytes_of(pages));
  std::vector<ForgottenMember> forgotten;
  other.reset_probe_list(kStart + seconds(1), kNoMember, random, forgotten);
  EXPECT_EQ(bytes_of(others), bytes_of(pages));
  other.set_incarnation(other.find("node-7"), 9);
  EXPECT_NE(bytes_of(others), bytes_of(pages));
  table.set_incarnation(table.find("node-7"), 9);
  EXPECT_EQ(bytes_of(others), bytes_of(pages));
}

// Few members with much meta data, and the names of many in one group, do not make a page that is
// out of proportion.
TEST_P(StatePagesTest, NoneIsLarge) {
  const std::string meta(limits::kMetaBytes, 'm');
  for (MemberIndex i = 0; i < kMembers; ++i) table.replace_record(i, record(i, meta));
  (void)pages.refresh();
  EXPECT_GT(pages.pages().size(), table.groups().size());
  std::size_t members = 0;
  std::set<std::size_t> seen;
  for (const StatePages::Page* const page : pages.pages()) {
    EXPECT_LT(page->plain_bytes, 33 * limits::kKiB);
    EXPECT_GT(page->members, 0U);
    members += page->members;
  }
  EXPECT_EQ(members, kMembers);
  EXPECT_EQ(read().size(), kMembers);
  for (MemberIndex i = 0; i < kMembers; ++i) seen.insert(pages.page_of(i));
  EXPECT_EQ(seen.size(), pages.pages().size());
}

TEST_P(StatePagesTest, AnyMemberCanBeTheFirstOfItsPage) {
  const std::string meta(100, 'm');
  for (MemberIndex i = 0; i < kMembers; ++i) table.replace_record(i, record(i, meta));
  (void)pages.refresh();
  for (const MemberIndex member : {0U, 1U, 499U, kMembers - 1}) {
    const StatePages::Front front = pages.front(member);
    EXPECT_EQ(front.page, pages.page_of(member));
    Bytes plain;
    if (how.compress) {
      const Bytes end(wire::LzwEncoder::kEndOfParts.begin(), wire::LzwEncoder::kEndOfParts.end());
      Bytes packed = front.bytes;
      packed.insert(packed.end(), end.begin(), end.end());
      ASSERT_TRUE(wire::lzw_decode(packed, plain, limits::kMiB));
    } else {
      plain = front.bytes;
    }
    EXPECT_EQ(plain.size(), pages.pages()[front.page]->plain_bytes);
    EXPECT_EQ(ContentDigest(plain), front.digest);
    ByteReader in(plain);
    EXPECT_EQ(wire::decode<wire::NodeState>(in)->name, table.at(member).record->name);
  }
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
  EXPECT_LE(one, 2 * all / table.groups().size()) << "one page";
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
