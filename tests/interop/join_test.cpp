#include <gtest/gtest.h>

#include <tuple>

#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

/// first: the member that joins; second: the one that is joined.
class JoinTest : public InteropTest,
                 public ::testing::WithParamInterface<std::tuple<Roles, Flavour>> {};

TEST_P(JoinTest, BothShowBothAlikeAndHearOfIt) {
  SKIP_WITHOUT_GO();
  const auto& [roles, flavour] = GetParam();
  PeerOptions options;
  flavour.apply_to(options);
  options.name = "seed";
  options.meta = "the seed's meta data";
  options.knobs["delegate_protocol_min"] = "1";
  options.knobs["delegate_protocol_max"] = "3";
  options.knobs["delegate_protocol_version"] = "2";
  Peer& seed = start(roles.second, options);
  options.name = "joiner";
  options.meta = "";
  Peer& joiner = start(roles.first, options);

  join(joiner, seed);

  EXPECT_TRUE(seed.wait_for_event("join", "joiner", kSlack));
  EXPECT_TRUE(joiner.wait_for_event("join", "seed", kSlack));
  const MemberView view = joiner.members().at("seed");
  EXPECT_EQ(view.meta, "the seed's meta data");
  EXPECT_EQ(view.incarnation, 1U);
  EXPECT_EQ(view.protocol, (VersionsView{1, 5, 2}));
  EXPECT_EQ(view.delegate_protocol, (VersionsView{1, 3, 2}));
}

const auto kJoinName = [](const auto& test) {
  return to_name(std::get<0>(test.param)) + std::get<1>(test.param).name;
};

INSTANTIATE_TEST_SUITE_P(
    Pairs, JoinTest,
    ::testing::Combine(::testing::Values(kOursAndGo, kGoAndOurs, kOursAndOurs, kGoAndGo),
                       ::testing::Values(kPlain, kEncrypted, kLabelled, kCompressed, kAll)),
    kJoinName);

INSTANTIATE_TEST_SUITE_P(GoV05, JoinTest,
                         ::testing::Combine(::testing::Values(kOursAndGoV05, kGoV05AndOurs),
                                            ::testing::Values(kPlain, kEncrypted, kLabelled,
                                                              kCompressed, kAll)),
                         kJoinName);
INSTANTIATE_TEST_SUITE_P(GoV02, JoinTest,
                         ::testing::Combine(::testing::Values(kOursAndGoV02, kGoV02AndOurs),
                                            ::testing::Values(kPlain, kEncrypted, kCompressed,
                                                              kSealed)),
                         kJoinName);

class PushPullTest : public InteropTest {};

TEST_F(PushPullTest, GoReadsFromOurAnswerWhatWeShow) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  kAll.apply_to(options);
  options.name = "go";
  GoPeer& go = start_go(options);
  options.name = "ours";
  options.meta = "meta";
  OurAgent& ours = start_ours(options);
  join(ours, go);
  EXPECT_EQ(go.members_of(ours.address()), ours.members());
}

TEST_F(PushPullTest, AgentJoinsAtItsStart) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  options.name = "go";
  GoPeer& go = start_go(options);
  options.name = "ours";
  OurAgent& ours = start_ours(options, {"--join", go.address()});
  EXPECT_TRUE(eventually_agree({&ours, &go}));
}

TEST_F(PushPullTest, AMemberThatJoinsOneOfACrowdKnowsAll) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  kAll.apply_to(options);
  options.name = "go-a";
  GoPeer& a = start_go(options);
  options.name = "go-b";
  GoPeer& b = start_go(options);
  options.name = "ours-c";
  OurAgent& c = start_ours(options);
  options.name = "ours-d";
  OurAgent& d = start_ours(options);
  ASSERT_TRUE(b.join(a.address()).has_value());
  ASSERT_TRUE(c.join(b.address()).has_value());
  ASSERT_TRUE(d.join(c.address()).has_value());
  EXPECT_TRUE(eventually_agree({&a, &b, &c, &d}, 2 * kSlack));
}

class NameTakenTest : public InteropTest {};

TEST_F(NameTakenTest, OurSecondOfANameIsToldSoAndTheFirstStays) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  FastTimings::apply_to(options);
  options.name = "a";
  GoPeer& a = start_go(options);
  options.name = "b";
  GoPeer& b = start_go(options);
  ASSERT_TRUE(b.join(a.address()).has_value());
  ASSERT_TRUE(eventually_agree({&a, &b}));
  OurAgent& second = start_ours(options);
  const Outcome joined = second.join(a.address());
  ASSERT_FALSE(joined.has_value());
  for (const std::string& part : {std::string("name b is taken"), b.address(), second.address()}) {
    EXPECT_NE(joined.error().find(part), std::string::npos) << joined.error();
  }
  a.watch();
  ASSERT_TRUE(second.leave().has_value());
  EXPECT_FALSE(a.wait_for_event("leave", "b", FastTimings::kSuspicion));
  EXPECT_TRUE(agree({&a, &b})) << "and b had nothing to refute";
  EXPECT_EQ(a.members().at("b").incarnation, 1U);
}

}  // namespace
}  // namespace memberlist::interop
