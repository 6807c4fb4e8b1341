#include <gtest/gtest.h>

#include "../support/process.hpp"
#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

/// The protocol version that the Go member speaks; ours speaks the mirrored one of 2 to 5.
class VersionTest : public InteropTest, public ::testing::WithParamInterface<int> {};

TEST_P(VersionTest, MembersOfDifferentVersionsAgreeAndTalk) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  kAll.apply_to(options);
  FastTimings::apply_to(options);
  options.name = "go";
  options.knobs["protocol_version"] = std::to_string(GetParam());
  GoPeer& go = start_go(options);
  options.name = "ours";
  options.knobs["protocol_version"] = std::to_string(7 - GetParam());
  OurAgent& ours = start_ours(options);
  join(ours, go);
  EXPECT_EQ(ours.members().at("go").protocol, (VersionsView{1, 5, GetParam()}));
  EXPECT_EQ(go.members().at("ours").protocol, (VersionsView{1, 5, 7 - GetParam()}));
  ASSERT_TRUE(ours.send("go", "to go", false).has_value());
  EXPECT_TRUE(go.wait_for_message("to go", kSlack));
  ASSERT_TRUE(go.send("ours", "to us", false).has_value());
  EXPECT_TRUE(ours.wait_for_message("to us", kSlack));
  // Several rounds of probes have not made either doubt the other.
  EXPECT_TRUE(throughout(5 * FastTimings::kProbeInterval,
                         [&] { return static_cast<bool>(agree({&ours, &go})); }));
}

INSTANTIATE_TEST_SUITE_P(Go, VersionTest, ::testing::Values(2, 3, 4, 5),
                         [](const auto& test) { return "Speaks" + std::to_string(test.param); });

class OldestVersionTest : public InteropTest {
 protected:
  // Two members that share a port on two addresses. What the kernel has free for the one may be
  // taken at the other's: then there are two new ones.
  std::pair<GoPeer*, OurAgent*> start_at_one_port(PeerOptions options) {
    constexpr int kAttempts = 10;
    for (int attempt = 1;; ++attempt) {
      options.name = "go";
      options.bind = "127.0.0.1:0";
      GoPeer& go = start_go(options);
      options.name = "ours";
      options.bind = "127.0.0.3" + go.address().substr(go.address().rfind(':'));
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
TEST_F(OldestVersionTest, ProtocolOneWithEncryption) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  kEncrypted.apply_to(options);
  FastTimings::apply_to(options);
  options.knobs["protocol_version"] = "1";
  const auto [go_peer, our_agent] = start_at_one_port(options);
  GoPeer& go = *go_peer;
  OurAgent& ours = *our_agent;
  join(ours, go);
  ASSERT_TRUE(ours.send("go", "to go", false).has_value());
  EXPECT_TRUE(go.wait_for_message("to go", kSlack));
  ASSERT_TRUE(go.send("ours", "to us", true).has_value());
  EXPECT_TRUE(ours.wait_for_message("to us", kSlack));
  EXPECT_TRUE(throughout(5 * FastTimings::kProbeInterval,
                         [&] { return static_cast<bool>(agree({&ours, &go})); }));
}

}  // namespace
}  // namespace memberlist::interop
