#include "interop_test.hpp"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace memberlist::interop {
namespace {

// Enough to see the end of the story without drowning the assertion that failed.
constexpr std::size_t kShownLogBytes = 6000;

std::string describe(const MemberTable& table) {
  std::ostringstream out;
  for (const auto& [name, view] : table) {
    out << "\n    ";
    PrintTo(view, &out);
  }
  return out.str();
}

}  // namespace

std::string to_name(Kind kind) {
  switch (kind) {
    case Kind::ours:
      return "Ours";
    case Kind::go:
      return "Go";
    case Kind::go_v05:
      return "GoV05";
    case Kind::go_v02:
      return "GoV02";
  }
  throw std::logic_error("no such kind");
}

void PrintTo(Kind kind, std::ostream* out) { *out << to_name(kind); }

void PrintTo(const Roles& roles, std::ostream* out) { *out << to_name(roles); }

std::string to_name(const Roles& roles) {
  return to_name(roles.first) + "And" + to_name(roles.second);
}

void Flavour::apply_to(PeerOptions& options) const {
  if (encrypted) options.keys = {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="};
  if (labelled) options.label = "interop";
  options.knobs["enable_compression"] = compressed ? "true" : "false";
}

Flavour most(const Roles& roles) {
  const bool labels = roles.first != Kind::go_v02 && roles.second != Kind::go_v02;
  return labels ? kAll : kSealed;
}

void PrintTo(const Flavour& flavour, std::ostream* out) { *out << flavour.name; }

void FastTimings::apply_to(PeerOptions& options) {
  options.knobs["probe_interval"] = std::to_string(kProbeInterval.count()) + "ms";
  options.knobs["probe_timeout"] = "100ms";
  options.knobs["gossip_interval"] = "50ms";
  options.knobs["suspicion_mult"] = std::to_string(kSuspicionMult);
}

void InteropTest::TearDown() {
  if (HasFailure()) {
    for (const std::unique_ptr<Peer>& peer : peers_) {
      std::string log = peer->log();
      if (log.size() > kShownLogBytes) log.erase(0, log.size() - kShownLogBytes);
      std::cerr << "--- log of " << peer->name() << " ---\n" << log << "\n";
    }
  }
  // Members that leave gracefully go first, while there are others to notify.
  for (const std::unique_ptr<Peer>& peer : peers_) peer->stop();
  peers_.clear();
}

Peer& InteropTest::start(Kind kind, const PeerOptions& options) {
  switch (kind) {
    case Kind::ours:
      return start_ours(options);
    case Kind::go:
      return start_go(options, GoVersion::v0_7);
    case Kind::go_v05:
      return start_go(options, GoVersion::v0_5);
    case Kind::go_v02:
      return start_go(options, GoVersion::v0_2);
  }
  throw std::logic_error("no such kind");
}

OurAgent& InteropTest::start_ours(const PeerOptions& options,
                                  const std::vector<std::string>& arguments) {
  auto agent = std::make_unique<OurAgent>(options, arguments);
  OurAgent& result = *agent;
  peers_.insert(peers_.begin(), std::move(agent));
  return result;
}

GoPeer& InteropTest::start_go(const PeerOptions& options, GoVersion version) {
  std::unique_ptr<GoPeer> peer = GoPeer::start(options, version);
  GoPeer& result = *peer;
  peers_.push_back(std::move(peer));
  return result;
}

std::vector<GoPeer*> InteropTest::start_many_go(const PeerOptions& options, int count) {
  std::vector<GoPeer*> result;
  for (std::unique_ptr<GoPeer>& peer : GoPeer::start_many(options, count)) {
    result.push_back(peer.get());
    peers_.push_back(std::move(peer));
  }
  return result;
}

::testing::AssertionResult InteropTest::agree(const std::vector<Peer*>& peers, std::size_t dead) {
  const MemberTable reference = peers.front()->members();
  for (Peer* peer : peers) {
    const MemberTable table = peer->members();
    const std::string shows = peer->name() + " shows" + describe(table);
    if (table.size() != peers.size() + dead || count_status(table, "alive") != peers.size() ||
        count_status(table, "dead") != dead) {
      return ::testing::AssertionFailure()
             << shows << "\n  but " << peers.size() << " are alive and " << dead << " dead";
    }
    if (table != reference) {
      return ::testing::AssertionFailure()
             << shows << "\n  but " << peers.front()->name() << " shows" << describe(reference);
    }
    const MemberView& self = table.at(peer->name());
    if (self.address != peer->address()) {
      return ::testing::AssertionFailure() << shows << "\n  but it listens on " << peer->address();
    }
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult InteropTest::eventually_agree(const std::vector<Peer*>& peers,
                                                         Timeout timeout, std::size_t dead) {
  // Of members that join one after the other, gossip misses one now and then (docs/differences.md),
  // and a member of the Go library learns of it by its next push/pull.
  constexpr Timeout kPushPullInterval{30'000};
  const Timeout patience = std::max(timeout, kPushPullInterval + kSlack);
  ::testing::AssertionResult result = ::testing::AssertionFailure();
  eventually(patience, [&] { return static_cast<bool>(result = agree(peers, dead)); });
  return result;
}

void InteropTest::join(Peer& first, Peer& second) {
  const Outcome joined = first.join(second.address());
  ASSERT_TRUE(joined.has_value()) << first.name() << " cannot join: " << joined.error();
  ASSERT_TRUE(eventually_agree({&first, &second}));
}

}  // namespace memberlist::interop
