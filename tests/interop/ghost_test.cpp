#include <gtest/gtest.h>

#include <iostream>

#include "interop_test.hpp"
#include "liar.hpp"

// An invented member with versions that fit no other must keep no newcomer out of a cluster of ours
// (docs/threat-model.md). Members of the Go library believe in it; that is shown, not judged.
namespace memberlist::interop {
namespace {

class GhostTest : public InteropTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(GhostTest, KeepsNobodyOutWhoJoinsThroughOurs) {
  SKIP_WITHOUT_GO();
  const std::string versions(GetParam(), 6);
  PeerOptions options;  // as it comes: the ghost would live for several seconds
  options.name = "ours";
  Peer& ours = start_ours(options);
  options.name = "go";
  Peer& go = start_go(options);
  join(ours, go);
  const Liar liar;
  for (const Peer* peer : {&ours, &go}) liar.invent(peer->address(), "ghost", versions);
  const bool go_believes = go.wait_for_status("ghost", "alive", kSlack);

  options.name = "newcomer";
  Peer& newcomer = start_ours(options);
  const Outcome through_go = newcomer.join(go.address());
  std::cout << "Go " << (go_believes ? "believes in the ghost" : "does not believe in the ghost")
            << "; joining through it: " << (through_go ? "joined" : through_go.error()) << '\n';
  liar.invent(ours.address(), "ghost", versions);
  const Outcome joined = newcomer.join(ours.address());
  EXPECT_TRUE(joined.has_value()) << joined.error();
  EXPECT_TRUE(eventually(kSlack, [&] { return status_of(ours.members(), "newcomer") == "alive"; }));
  EXPECT_FALSE(ours.members().contains("ghost"));
  EXPECT_FALSE(newcomer.members().contains("ghost"));
}

INSTANTIATE_TEST_SUITE_P(All, GhostTest,
                         ::testing::Values("\xc8\xff\xc8\x00\x00\x00", "\x01\x05\x09\x00\x00\x00",
                                           "\x01\x01\x01\x00\x00\x00"),
                         [](const auto& test) { return "Versions" + std::to_string(test.index); });

}  // namespace
}  // namespace memberlist::interop
