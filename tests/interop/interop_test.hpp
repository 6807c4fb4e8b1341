#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "go_peer.hpp"
#include "our_agent.hpp"
#include "peer.hpp"

namespace memberlist::interop {

/// Room for a loaded machine: real clocks, sanitizers, other tests alongside.
inline constexpr Timeout kSlack{5000};

/// The program that runs a member; `go` is the newest version of the Go library.
enum class Kind { ours, go, go_v05, go_v02 };

std::string to_name(Kind kind);
void PrintTo(Kind kind, std::ostream* out);

/// Two roles of a test and the programs that play them. Go against Go is the control: it shows that
/// the test, not our program, expects the right thing.
struct Roles {
  Kind first;
  Kind second;
};

void PrintTo(const Roles& roles, std::ostream* out);
/// For the names of parameterized tests, e.g. `OursAndGo`.
std::string to_name(const Roles& roles);

inline constexpr Roles kOursAndGo{Kind::ours, Kind::go};
inline constexpr Roles kGoAndOurs{Kind::go, Kind::ours};
inline constexpr Roles kOursAndOurs{Kind::ours, Kind::ours};
inline constexpr Roles kGoAndGo{Kind::go, Kind::go};
inline constexpr Roles kOursAndGoV05{Kind::ours, Kind::go_v05};
inline constexpr Roles kGoV05AndOurs{Kind::go_v05, Kind::ours};
inline constexpr Roles kOursAndGoV02{Kind::ours, Kind::go_v02};
inline constexpr Roles kGoV02AndOurs{Kind::go_v02, Kind::ours};

/// How a cluster's bytes are wrapped.
struct Flavour {
  const char* name;
  bool encrypted;
  bool labelled;
  bool compressed;

  void apply_to(PeerOptions& options) const;
};

void PrintTo(const Flavour& flavour, std::ostream* out);

inline constexpr Flavour kPlain{"Plain", false, false, false};
inline constexpr Flavour kEncrypted{"Encrypted", true, false, false};
inline constexpr Flavour kLabelled{"Labelled", false, true, false};
inline constexpr Flavour kCompressed{"Compressed", false, false, true};
inline constexpr Flavour kAll{"All", true, true, true};
/// All that the Go library has had since v0.2; labels came later.
inline constexpr Flavour kSealed{"Sealed", true, false, true};

/// The most that both have.
Flavour most(const Roles& roles);

/// Timings that let a failure be found in about a second, and what they come to.
struct FastTimings {
  static constexpr Timeout kProbeInterval{200};
  static constexpr int kSuspicionMult = 6;
  /// Protocol 5: with fewer than 10 members and none to confirm.
  static constexpr Timeout kSuspicion = kProbeInterval * kSuspicionMult;
  /// No confirmations although there are enough members.
  static constexpr Timeout kMaxSuspicion = kSuspicion * 6;

  static void apply_to(PeerOptions& options);
};

/// A cluster of its own for each test. What a test starts is ended with it; where it fails, the
/// members' logs are shown.
class InteropTest : public ::testing::Test {
 protected:
  void TearDown() override;

  Peer& start(Kind kind, const PeerOptions& options);
  OurAgent& start_ours(const PeerOptions& options, const std::vector<std::string>& arguments = {});
  GoPeer& start_go(const PeerOptions& options, GoVersion version = GoVersion::v0_7);
  std::vector<GoPeer*> start_many_go(const PeerOptions& options, int count);

  /// Whether all of these show just themselves, all alive, and so many dead, with every field
  /// equal.
  static ::testing::AssertionResult agree(const std::vector<Peer*>& peers, std::size_t dead = 0);
  /// Waits for it, at least as long as a push/pull may take to come.
  static ::testing::AssertionResult eventually_agree(const std::vector<Peer*>& peers,
                                                     Timeout timeout = kSlack,
                                                     std::size_t dead = 0);
  /// `first` joins through `second`, and they agree.
  static void join(Peer& first, Peer& second);

 private:
  std::vector<std::unique_ptr<Peer>> peers_;
};

/// Ends the test, as skipped, if the Go program could not be built here.
#define SKIP_WITHOUT_GO()                                                      \
  if (!GoPeer::available()) {                                                  \
    GTEST_SKIP() << "no Go toolchain was found when the tests were built, so " \
                    "there is no member of the Go library to test against";    \
  }

}  // namespace memberlist::interop
