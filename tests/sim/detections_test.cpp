// When who is gone counts as detected.

#include "sim/detections.hpp"

#include <gtest/gtest.h>

namespace memberlist::sim {
namespace {

using std::chrono::seconds;

Detections watching(NodeId subject, std::size_t nodes) {
  Detections detections;
  detections.begin(subject, seconds(10), nodes, [](NodeId) { return Detections::Role::waits; });
  return detections;
}

TEST(Detections, FirstHalfAndAllAreMeasuredFromTheFault) {
  Detections detections = watching(0, 5);
  detections.found(1, 0, seconds(12));
  detections.found(1, 0, seconds(13));
  detections.found(2, 0, seconds(14));
  detections.found(3, 0, seconds(15));
  const Detection so_far = detections.all().front();
  EXPECT_EQ(so_far.node, 0U);
  EXPECT_EQ(so_far.at, seconds(10));
  EXPECT_EQ(so_far.first, seconds(2));
  EXPECT_EQ(so_far.half, seconds(4));
  EXPECT_EQ(so_far.all, std::nullopt);
  detections.found(4, 0, seconds(20));
  EXPECT_EQ(detections.all().front().all, seconds(10));
}

TEST(Detections, WhoIsGoneItselfIsNotWaitedFor) {
  Detections detections = watching(0, 3);
  detections.found(1, 0, seconds(11));
  EXPECT_EQ(detections.all().front().all, std::nullopt);
  detections.lose(2, seconds(13));
  EXPECT_EQ(detections.all().front().all, seconds(3));
}

TEST(Detections, WhoHadFoundOutBeforeCounts) {
  Detections detections;
  detections.begin(0, seconds(1), 3, [](NodeId node) {
    return node == 1 ? Detections::Role::knows : Detections::Role::none;
  });
  EXPECT_EQ(detections.all().front().first, seconds(0));
  EXPECT_EQ(detections.all().front().all, seconds(0));
}

TEST(Detections, NobodyElseIsNoDetection) {
  Detections detections = watching(0, 2);
  detections.lose(1, seconds(11));
  EXPECT_EQ(detections.all().front().all, std::nullopt);
}

TEST(Detections, OthersAndLaterNodesDoNotCount) {
  Detections detections = watching(0, 2);
  detections.found(1, 5, seconds(11));
  detections.found(7, 0, seconds(11));
  EXPECT_EQ(detections.all().front().first, std::nullopt);
  detections.begin(0, seconds(20), 2, [](NodeId) { return Detections::Role::waits; });
  EXPECT_EQ(detections.all().size(), 1U) << "it was gone before";
}

}  // namespace
}  // namespace memberlist::sim
