#include "memberlist/record_store.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace memberlist {
namespace {

using Record = std::shared_ptr<const MemberRecord>;

constexpr VersionRange kProtocol{1, 5, 2};
constexpr VersionRange kDelegate{0, 3, 1};
const Address kAddress{IpAddress::v4(10, 0, 0, 1), 7946};

Record named(RecordStore& store, const std::string& name) {
  return store.record(name, kAddress, as_bytes("meta"), kProtocol, kDelegate);
}

TEST(RecordStore, EqualRecordsAreOne) {
  RecordStore store{{}};
  const Record record = named(store, "a");
  EXPECT_EQ(*record, (MemberRecord{"a", kAddress, to_bytes("meta"), kProtocol, kDelegate}));
  EXPECT_EQ(named(store, "a"), record);
  EXPECT_EQ(store.size(), 1U);
}

TEST(RecordStore, WhatDiffersInAnythingIsAnother) {
  RecordStore store{{}};
  const Record record = named(store, "a");
  const Address port{kAddress.ip, 7947};
  const Address ip{IpAddress::v4(10, 0, 0, 2), 7946};
  std::vector<Record> others{named(store, "b"),
                             store.record("a", port, as_bytes("meta"), kProtocol, kDelegate),
                             store.record("a", ip, as_bytes("meta"), kProtocol, kDelegate),
                             store.record("a", kAddress, as_bytes("Meta"), kProtocol, kDelegate),
                             store.record("a", kAddress, {}, kProtocol, kDelegate),
                             store.record("a", kAddress, as_bytes("meta"), {1, 5, 3}, kDelegate),
                             store.record("a", kAddress, as_bytes("meta"), kProtocol, {0, 3, 2}),
                             store.record("am", kAddress, as_bytes("eta"), kProtocol, kDelegate)};
  EXPECT_EQ(store.size(), 1 + others.size());
  for (const Record& other : others) EXPECT_NE(*other, *record);
}

TEST(RecordStore, KeepsNoRecordAlive) {
  RecordStore store{{}};
  Record record = named(store, "a");
  const std::weak_ptr<const MemberRecord> watched = record;
  record.reset();
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(*named(store, "a"),
            (MemberRecord{"a", kAddress, to_bytes("meta"), kProtocol, kDelegate}));
}

TEST(RecordStore, ForgetsThoseThatHaveEnded) {
  RecordStore store{{}};
  std::vector<Record> kept;
  for (int i = 0; i < 100; ++i) kept.push_back(named(store, "kept" + std::to_string(i)));
  std::vector<Record> brief;
  for (int i = 0; i < 10'000; ++i) brief.push_back(named(store, "brief" + std::to_string(i)));
  EXPECT_EQ(store.size(), kept.size() + brief.size());
  brief.clear();
  EXPECT_EQ(store.size(), kept.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(named(store, "kept" + std::to_string(i)), kept[i]);
  }
}

TEST(RecordStore, RecordsMayEndInAnyOrder) {
  constexpr std::size_t kRecords = 300;
  RecordStore store{{}};
  std::vector<Record> records;
  for (std::size_t i = 0; i < kRecords; ++i) records.push_back(named(store, std::to_string(i)));
  constexpr std::size_t kStride = 7;  // visits each once, since it does not divide their number
  for (std::size_t ended = 1, i = 0; ended <= kRecords; ++ended, i = (i + kStride) % kRecords) {
    records[i].reset();
    EXPECT_EQ(store.size(), kRecords - ended);
    const std::size_t other = (i + kStride) % kRecords;
    if (records[other]) {
      EXPECT_EQ(named(store, std::to_string(other)), records[other]);
    }
  }
}

TEST(RecordStore, RecordsOutliveIt) {
  Record record;
  {
    RecordStore store{{}};
    record = named(store, "a");
  }
  EXPECT_EQ(record->name, "a");
}

TEST(RecordStore, ManyThreadsGetTheSameRecords) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kRecords = 200;
  RecordStore store{{}};
  std::vector<std::vector<Record>> got(kThreads);
  std::vector<std::thread> threads;
  for (std::vector<Record>& mine : got) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < kRecords; ++i) {
        (void)named(store, "brief" + std::to_string(i));
        mine.push_back(named(store, std::to_string(i)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<Record>& mine : got) EXPECT_EQ(mine, got.front());
}

}  // namespace
}  // namespace memberlist
