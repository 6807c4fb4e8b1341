// Keys changed while a mixed cluster runs, under traffic: no member is lost, no probe fails.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "../support/sanitizers.hpp"
#include "interop_test.hpp"

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

const std::string kOld = "MDEyMzQ1Njc4OTAxMjM0NQ==";
const std::string kNew = "YWJjZGVmZ2hpamtsbW5vcGFiY2RlZmdoaWprbG1ub3A=";
constexpr Timeout kFlowInterval{50};

/// Two members of ours and two of Go. Each of Go's sends all others a numbered message every 50 ms;
/// each of ours sends some at every change.
class LiveKeysTest : public InteropTest {
 protected:
  void start_cluster(const std::vector<std::string>& keys) {
    PeerOptions options;
    options.keys = keys;
    // A probe has a whole second, so that one that fails says something about keys, also on a busy
    // machine.
    options.knobs = {{"gossip_interval", "50ms"}, {"push_pull_interval", "2s"}};
    for (const std::string name : {"ours-0", "ours-1"}) {
      options.name = name;
      ours_.push_back(&start_ours(options));
    }
    for (const std::string name : {"go-0", "go-1"}) {
      options.name = name;
      go_.push_back(&start_go(options));
    }
    all_ = {ours_[0], go_[0], ours_[1], go_[1]};
    for (std::size_t i = 1; i < all_.size(); ++i) {
      const Outcome joined = all_[i]->join(all_[0]->address());
      ASSERT_TRUE(joined.has_value()) << joined.error();
    }
    ASSERT_TRUE(eventually_agree(all_, 4 * kSlack));
    for (Peer* peer : all_) peer->watch();
    for (const OurAgent* agent : ours_) before_[agent->name()] = counters(agent->name());
    for (GoPeer* peer : go_) ASSERT_TRUE(peer->start_flow(kFlowInterval).has_value());
  }

  /// The same change to one member after the other, each heard by all others before the next, and
  /// hearing them; then time for each of ours to probe all. A message of ours is a program that is
  /// started, which takes long with a sanitizer: there only who has changed is heard.
  void on_each(const std::function<Outcome(Peer&)>& change) {
    for (Peer* peer : all_) {
      const Outcome changed = change(*peer);
      ASSERT_TRUE(changed.has_value()) << peer->name() << ": " << changed.error();
      for (Peer* from : all_) {
        if (from == peer || !testing::kSanitized) expect_heard_by_all(*from);
      }
    }
    for (const OurAgent* agent : ours_) {
      const std::uint64_t wanted = counters(agent->name()).at("probes") + all_.size() - 1;
      EXPECT_TRUE(eventually(8 * kSlack, [&] {
        return counters(agent->name()).at("probes") >= wanted;
      })) << agent->name();
    }
  }

  void expect_heard_by_all(Peer& from) {
    for (Peer* to : all_) {
      if (to == &from) continue;
      for (const bool reliable : {false, true}) {
        const std::string text = from.name() + " says " + std::to_string(++said_);
        const Outcome sent = from.send(to->name(), text, reliable);
        ASSERT_TRUE(sent.has_value()) << sent.error();
        EXPECT_TRUE(to->wait_for_message(text, kSlack)) << text << " to " << to->name();
      }
    }
  }

  /// Every message of the flows arrived, and no member was suspected.
  void expect_undisturbed() {
    for (GoPeer* from : go_) {
      for (const auto& [to, count] : from->stop_flow()) {
        EXPECT_GT(count, 50);
        EXPECT_TRUE(peer_named(to).wait_for_message(from->name() + " " + std::to_string(count),
                                                    2 * kSlack));
        EXPECT_EQ(numbers_heard(to, from->name()), static_cast<std::size_t>(count))
            << from->name() << " to " << to;
      }
    }
    for (OurAgent* agent : ours_) {
      const Counters now = counters(agent->name());
      const Counters& before = before_.at(agent->name());
      for (const char* same :
           {"probes_failed", "suspicions_started", "refutations", "dropped_undecryptable",
            "dropped_unencrypted", "dropped_encrypted", "dropped_malformed", "push_pulls_failed"}) {
        EXPECT_EQ(now.at(same), before.at(same)) << agent->name() << ": " << same;
      }
      EXPECT_GT(now.at("push_pulls_served") + now.at("push_pulls_started"),
                before.at("push_pulls_served") + before.at("push_pulls_started"));
    }
    for (Peer* peer : all_) {
      const auto doubt = peer->wait_for(
          [](const nlohmann::json& event) {
            const std::string what = event.at("event").get<std::string>();
            return what == "suspect" || what == "leave" || what == "dead";
          },
          0ms);
      EXPECT_FALSE(doubt.has_value()) << peer->name() << " heard " << doubt->dump();
    }
    EXPECT_TRUE(eventually_agree(all_));
  }

  nlohmann::json keyring(OurAgent& agent) {
    const testing::Completed listed = agent.client({"keys", "list", "--format", "json"});
    EXPECT_TRUE(listed.status.success()) << listed.error_output;
    return nlohmann::json::parse(listed.output);
  }

  std::vector<OurAgent*> ours_;
  std::vector<GoPeer*> go_;
  std::vector<Peer*> all_;

 private:
  using Counters = std::map<std::string, std::uint64_t>;

  Peer& peer_named(const std::string& name) {
    for (Peer* peer : all_) {
      if (peer->name() == name) return *peer;
    }
    throw std::runtime_error("nobody is called " + name);
  }
  Counters counters(const std::string& name) {
    auto& agent = dynamic_cast<OurAgent&>(peer_named(name));
    const testing::Completed info = agent.client({"info", "--format", "json"});
    if (!info.status.success()) throw std::runtime_error(info.error_output);
    return nlohmann::json::parse(info.output).at("counters").get<Counters>();
  }
  /// How many different messages of `from`'s flow `to` has heard.
  std::size_t numbers_heard(const std::string& to, const std::string& from) {
    std::set<std::string> numbers;
    (void)peer_named(to).wait_for(
        [&](const nlohmann::json& event) {
          const auto text = message_payload(event);
          const bool flows =
              text && text->starts_with(from + " ") && !text->starts_with(from + " says ");
          if (flows) numbers.insert(*text);
          return false;  // all of them are wanted
        },
        0ms);
    return numbers.size();
  }

  std::map<std::string, Counters> before_;
  int said_ = 0;
};

TEST_F(LiveKeysTest, ARollingChangeDisturbsNobody) {
  SKIP_WITHOUT_GO();
  start_cluster({kOld});
  if (HasFatalFailure()) return;
  on_each([](Peer& peer) { return peer.add_key(kNew); });
  on_each([](Peer& peer) { return peer.use_key(kNew); });
  // The old key can be removed: its counts no longer grow.
  const auto use_of_old = [this](OurAgent& agent) {
    const nlohmann::json old = keyring(agent).at("keys").at(1);
    return old.at("encrypted").get<std::uint64_t>() + old.at("decrypted").get<std::uint64_t>();
  };
  const std::uint64_t before = use_of_old(*ours_[0]);
  for (Peer* from : all_) expect_heard_by_all(*from);
  EXPECT_GT(before, 0U);
  EXPECT_EQ(use_of_old(*ours_[0]), before);
  on_each([](Peer& peer) { return peer.remove_key(kOld); });
  expect_undisturbed();
  for (OurAgent* agent : ours_) EXPECT_EQ(keyring(*agent).at("keys").size(), 1U);
}

TEST_F(LiveKeysTest, FromPlaintextToEncryptionDisturbsNobody) {
  SKIP_WITHOUT_GO();
  start_cluster({});
  if (HasFatalFailure()) return;
  on_each([](Peer& peer) { return peer.verify(false, false); });
  on_each([](Peer& peer) { return peer.add_key(kNew); });
  on_each([](Peer& peer) { return peer.verify(std::nullopt, true); });
  on_each([](Peer& peer) { return peer.verify(true, std::nullopt); });
  expect_undisturbed();
  for (OurAgent* agent : ours_) {
    EXPECT_GT(keyring(*agent).at("keys").at(0).at("decrypted"), 0U);
  }
  // And plaintext is out.
  PeerOptions options;
  options.name = "plain";
  options.knobs["tcp_timeout"] = "2s";
  GoPeer& plain = start_go(options);
  EXPECT_FALSE(plain.join(ours_[0]->address()).has_value());
}

// What the tests above would see if a key were used before all have it.
TEST_F(LiveKeysTest, AKeyThatOthersLackIsSeen) {
  SKIP_WITHOUT_GO();
  start_cluster({kOld});
  if (HasFatalFailure()) return;
  ASSERT_TRUE(go_[0]->add_key(kNew).has_value());
  ASSERT_TRUE(go_[0]->use_key(kNew).has_value());
  EXPECT_TRUE(eventually(4 * kSlack, [&] {
    const testing::Completed info = ours_[0]->client({"info", "--format", "json"});
    return nlohmann::json::parse(info.output).at("counters").at("dropped_undecryptable") > 0;
  }));
}

}  // namespace
}  // namespace memberlist::interop
