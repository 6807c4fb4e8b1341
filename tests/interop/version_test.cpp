#include <gtest/gtest.h>

#include "../support/own_loopback.hpp"
#include "../support/process.hpp"
#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

/// The Go library, and the protocol version that its member speaks; ours speaks the mirrored one of
/// 2 to 5.
class VersionTest : public InteropTest,
                    public ::testing::WithParamInterface<std::tuple<Kind, int>> {};

TEST_P(VersionTest, MembersOfDifferentVersionsAgreeAndTalk) {
  SKIP_WITHOUT_GO();
  const auto [library, version] = GetParam();
  PeerOptions options;
  most({library, Kind::ours}).apply_to(options);
  FastTimings::apply_to(options);
  options.name = "go";
  options.knobs["protocol_version"] = std::to_string(version);
  Peer& go = start(library, options);
  options.name = "ours";
  options.knobs["protocol_version"] = std::to_string(7 - version);
  OurAgent& ours = start_ours(options);
  join(ours, go);
  EXPECT_EQ(ours.members().at("go").protocol, (VersionsView{1, 5, version}));
  EXPECT_EQ(go.members().at("ours").protocol, (VersionsView{1, 5, 7 - version}));
  ASSERT_TRUE(ours.send("go", "to go", false).has_value());
  EXPECT_TRUE(go.wait_for_message("to go", kSlack));
  ASSERT_TRUE(go.send("ours", "to us", false).has_value());
  EXPECT_TRUE(ours.wait_for_message("to us", kSlack));
  // Several rounds of probes have not made either doubt the other.
  EXPECT_TRUE(throughout(5 * FastTimings::kProbeInterval,
                         [&] { return static_cast<bool>(agree({&ours, &go})); }));
}

constexpr Kind kLibraries[] = {Kind::go, Kind::go_v05, Kind::go_v02};

INSTANTIATE_TEST_SUITE_P(All, VersionTest,
                         ::testing::Combine(::testing::ValuesIn(kLibraries),
                                            ::testing::Values(2, 3, 4, 5)),
                         [](const auto& test) {
                           return to_name(std::get<0>(test.param)) + "Speaks" +
                                  std::to_string(std::get<1>(test.param));
                         });

class OldestVersionTest : public InteropTest, public ::testing::WithParamInterface<Kind> {
 protected:
  // Two members that share a port on two addresses. What the kernel has free for the one may be
  // taken at the other's: then there are two new ones.
  std::pair<Peer*, OurAgent*> start_at_one_port(PeerOptions options) {
    constexpr int kAttempts = 10;
    for (int attempt = 1;; ++attempt) {
      options.name = "go";
      options.bind = testing::own_loopback_text() + ":0";
      Peer& go = start(GetParam(), options);
      options.name = "ours";
      options.bind =
          testing::own_loopback_text(true) + go.address().substr(go.address().rfind(':'));
      try {
        return {&go, &start_ours(options)};
      } catch (const std::runtime_error& error) {
        const bool taken =
            std::string_view(error.what()).find("has this port") != std::string::npos;
        if (!taken || attempt == kAttempts) throw;
      }
    }
  }
};

// Protocol 1 knows no ports: every member is taken to listen on the same one. So these two share a
// port, on two loopback addresses. It also pads before it encrypts (version 0).
TEST_P(OldestVersionTest, ProtocolOneWithEncryption) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  kEncrypted.apply_to(options);
  FastTimings::apply_to(options);
  options.knobs["protocol_version"] = "1";
  const auto [go_peer, our_agent] = start_at_one_port(options);
  Peer& go = *go_peer;
  OurAgent& ours = *our_agent;
  join(ours, go);
  ASSERT_TRUE(ours.send("go", "to go", false).has_value());
  EXPECT_TRUE(go.wait_for_message("to go", kSlack));
  ASSERT_TRUE(go.send("ours", "to us", true).has_value());
  EXPECT_TRUE(ours.wait_for_message("to us", kSlack));
  EXPECT_TRUE(throughout(5 * FastTimings::kProbeInterval,
                         [&] { return static_cast<bool>(agree({&ours, &go})); }));
}

INSTANTIATE_TEST_SUITE_P(All, OldestVersionTest, ::testing::ValuesIn(kLibraries),
                         [](const auto& test) { return to_name(test.param); });

}  // namespace
}  // namespace memberlist::interop
