#include <gtest/gtest.h>

#include <functional>

#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

struct Mismatch {
  const char* name;
  void (*apply_to_first)(PeerOptions&);
  void (*apply_to_second)(PeerOptions&);
};

void PrintTo(const Mismatch& mismatch, std::ostream* out) { *out << mismatch.name; }

void no_change(PeerOptions&) {}
void key_a(PeerOptions& options) { options.keys = {"MDEyMzQ1Njc4OTAxMjM0NQ=="}; }
void key_b(PeerOptions& options) { options.keys = {"YWJjZGVmZ2hpamtsbW5vcA=="}; }
void label_a(PeerOptions& options) { options.label = "a"; }
void label_b(PeerOptions& options) { options.label = "b"; }
void keyed_label_a(PeerOptions& options) {
  key_a(options);
  label_a(options);
}
void keyed_label_b(PeerOptions& options) {
  key_a(options);
  label_b(options);
}

constexpr Mismatch kKeyMismatches[] = {
    {"OtherKey", key_a, key_b},
    {"KeyAgainstNone", key_a, no_change},
    {"NoneAgainstKey", no_change, key_a},
};
constexpr Mismatch kLabelAgainstNone{"LabelAgainstNone", label_a, no_change};
constexpr Mismatch kNoneAgainstLabel{"NoneAgainstLabel", no_change, label_a};
constexpr Mismatch kLabelMismatches[] = {
    {"OtherLabel", label_a, label_b},
    kLabelAgainstNone,
    kNoneAgainstLabel,
    {"SameKeyOtherLabel", keyed_label_a, keyed_label_b},
};

/// first: the member that tries to join; second: the one that must not let it.
class RefusalTest : public InteropTest,
                    public ::testing::WithParamInterface<std::tuple<Roles, Mismatch>> {};

TEST_P(RefusalTest, IsNotJoined) {
  SKIP_WITHOUT_GO();
  const auto& [roles, mismatch] = GetParam();
  PeerOptions options;
  options.knobs["gossip_interval"] = "50ms";
  options.knobs["tcp_timeout"] = "2s";
  PeerOptions second_options = options;
  options.name = "first";
  second_options.name = "second";
  mismatch.apply_to_first(options);
  mismatch.apply_to_second(second_options);
  Peer& first = start(roles.first, options);
  Peer& second = start(roles.second, second_options);

  const Outcome joined = first.join(second.address());

  ASSERT_FALSE(joined.has_value());
  EXPECT_FALSE(joined.error().empty());
  // Gossip would have told within these.
  EXPECT_TRUE(throughout(
      300ms, [&] { return first.members().size() == 1 && second.members().size() == 1; }));
}

const auto kRefusalName = [](const auto& test) {
  return to_name(std::get<0>(test.param)) + std::get<1>(test.param).name;
};

INSTANTIATE_TEST_SUITE_P(Pairs, RefusalTest,
                         ::testing::Combine(::testing::Values(kOursAndGo, kGoAndOurs, kGoAndGo),
                                            ::testing::ValuesIn(kKeyMismatches)),
                         kRefusalName);
INSTANTIATE_TEST_SUITE_P(PairsOfLabels, RefusalTest,
                         ::testing::Combine(::testing::Values(kOursAndGo, kGoAndOurs, kGoAndGo),
                                            ::testing::ValuesIn(kLabelMismatches)),
                         kRefusalName);

INSTANTIATE_TEST_SUITE_P(OlderGo, RefusalTest,
                         ::testing::Combine(::testing::Values(kOursAndGoV05, kGoV05AndOurs,
                                                              kOursAndGoV02, kGoV02AndOurs),
                                            ::testing::ValuesIn(kKeyMismatches)),
                         kRefusalName);
INSTANTIATE_TEST_SUITE_P(GoV05OfLabels, RefusalTest,
                         ::testing::Combine(::testing::Values(kOursAndGoV05, kGoV05AndOurs),
                                            ::testing::ValuesIn(kLabelMismatches)),
                         kRefusalName);
INSTANTIATE_TEST_SUITE_P(OursLabelledAndGoV02, RefusalTest,
                         ::testing::Values(std::tuple(kOursAndGoV02, kLabelAgainstNone),
                                           std::tuple(kGoV02AndOurs, kNoneAgainstLabel)),
                         kRefusalName);

class KeyringTest : public InteropTest, public ::testing::WithParamInterface<Roles> {};

TEST_P(KeyringTest, MembersWithEachOthersPrimaryKeySecondUnderstandEachOther) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  key_a(options);
  const std::string a = options.keys.front();
  key_b(options);
  const std::string b = options.keys.front();
  options.name = "first";
  options.keys = {a, b};
  Peer& first = start(GetParam().first, options);
  options.name = "second";
  options.keys = {b, a};
  Peer& second = start(GetParam().second, options);
  join(first, second);
  ASSERT_TRUE(first.send("second", "first's key", true).has_value());
  EXPECT_TRUE(second.wait_for_message("first's key", kSlack));
  ASSERT_TRUE(second.send("first", "second's key", false).has_value());
  EXPECT_TRUE(first.wait_for_message("second's key", kSlack));
}

TEST_P(KeyringTest, AClusterMovesFromPlaintextToEncryption) {
  SKIP_WITHOUT_GO();
  PeerOptions options;
  options.name = "plain";
  Peer& plain = start(GetParam().first, options);
  // Has the key, but neither requires nor uses it yet.
  key_a(options);
  options.name = "between";
  options.knobs["gossip_verify_incoming"] = "false";
  options.knobs["gossip_verify_outgoing"] = "false";
  Peer& between = start(GetParam().second, options);
  join(plain, between);
  options.name = "sealed";
  options.knobs["gossip_verify_outgoing"] = "true";
  Peer& sealed = start(GetParam().first, options);
  ASSERT_TRUE(sealed.join(between.address()).has_value());
  EXPECT_TRUE(eventually(kSlack, [&] {
    return status_of(sealed.members(), "between") == "alive" &&
           status_of(between.members(), "sealed") == "alive";
  }));
}

INSTANTIATE_TEST_SUITE_P(Pairs, KeyringTest, ::testing::Values(kOursAndGo, kGoAndOurs, kGoAndGo),
                         [](const auto& test) { return to_name(test.param); });

}  // namespace
}  // namespace memberlist::interop
