#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crypto/keyring.hpp"
#include "memberlist/engine.hpp"
#include "sim/check_book.hpp"
#include "sim/watch.hpp"
#include "sim/world_impl.hpp"
#include "wire/packet.hpp"

namespace memberlist::sim {

/// Verifies what the engines of a world say and do. It follows the events of each node with a model
/// of its own; what it demands holds at every moment and under every fault, except `accuracy`,
/// `leave_seen` and `newcomer`, which are about worlds without a fault.
class Checks final : public WorldTap {
 public:
  explicit Checks(WorldImpl& world);
  ~Checks() override;

  void prepare(NodeId node, const Config& config, EngineEnvironment& environment) override;
  void created(NodeId node, Engine& engine) override;
  void ended(NodeId node) override;
  void accepted(NodeId node, StreamId stream, const Address& from) override;
  void output(NodeId node, Output& output) override;
  void after_step(NodeId node, Engine& engine) override;
  void after_deadline(NodeId node, const Engine& engine, TimePoint now) override;

  /// The application has called a command.
  void commanded(NodeId node, const std::optional<OperationId>& operation);
  /// Its application leaves; `operation` is the call's, which fails after `timeout`.
  void leaving(NodeId node, OperationId operation, Duration timeout);
  /// From now on something is not as it should be.
  void faulted() noexcept { faulted_ = true; }
  /// Compares the table of a node with its events; of all nodes, for a thorough look.
  void compare_table(NodeId node);
  void compare_tables();
  /// All faults are over and all agree: nothing may be left behind.
  void check_rest();
  [[nodiscard]] CheckReport report();

 private:
  /// The size of the cluster in a node's formulas. It lies between these if an input changed the
  /// views of several members, and their events do not say all.
  struct Counted {
    std::size_t least = 1;
    std::size_t most = 1;
  };
  /// What one node said of a member.
  struct View {
    MemberStatus status = MemberStatus::alive;
    std::uint32_t incarnation = 0;
    TimePoint since{};   // of the node's own clock
    TimePoint seen{};    // the same moment, of the world's
    Counted counted;     // when the suspicion began
    bool dying = false;  // `dead` was said, `leave` has to follow
  };
  struct Leave {
    OperationId operation;
    Duration timeout;
  };
  struct SentPing {
    std::uint64_t input = 0;
    std::string target;
    std::uint32_t incarnation = 0;
  };
  struct NameHash {
    using is_transparent = void;
    [[nodiscard]] std::size_t operator()(std::string_view name) const noexcept {
      return std::hash<std::string_view>{}(name);
    }
  };
  struct Node {
    std::unordered_map<std::string, View, NameHash, std::equal_to<>> views;
    std::deque<SentPing> pings;
    // Of one member at a time: how many probes of others there were since it was chosen.
    std::string awaited;
    std::size_t probes_of_others = 0;
    std::string last_probed;
    bool in_deadline = false;
    TimePoint told{};  // when its last input came that was no deadline
    std::uint32_t incarnation = 1;
    std::uint64_t refutations = 0;
    std::uint64_t announced = 0;  // how often the present incarnation was sent
    bool announces = false;       // others do not know it from the start
    Counted counted;
    std::uint64_t commands = 0;  // that may announce something, and have not been accounted for
    bool keys_changed = false;
    std::optional<Leave> leave;
    std::shared_ptr<const std::vector<Member>> known;
    std::unique_ptr<crypto::Keyring> keyring;
    wire::Sealing opening;
    std::unique_ptr<Watch> watch;
  };

  [[nodiscard]] Duration at() const { return world_.timeline_.elapsed(); }
  [[nodiscard]] const std::string& name(NodeId node) const { return world_.host(node).config.name; }
  void note_key(NodeId node, BytesView key);
  void member_event(NodeId node, const MemberEvent& event);
  [[nodiscard]] bool takes_back_unchecked(NodeId node, const View& view) const;
  void check_order(NodeId node, const MemberEvent& event, const View& view);
  void check_transition(NodeId node, const MemberEvent& event, const View& view);
  void check_evidence(NodeId node, const MemberEvent& event);
  void check_suspicion_time(NodeId node, const MemberEvent& event, const View& view);
  void count(NodeId node, MemberStatus before, MemberStatus after);
  static Duration suspicion_life(const WorldImpl::Host& host, std::size_t counted,
                                 std::uint32_t confirmations);
  void check_accusation(NodeId node, const MemberEvent& event);
  void check_accuracy(NodeId node, const MemberEvent& event);
  void check_packet(NodeId node, const SendPacket& packet);
  bool check_message(NodeId node, const SendPacket& packet, const wire::MessageView& message);
  void check_round_robin(NodeId node, std::string_view target);
  void choose_awaited(NodeId node);
  void note_ping(NodeId node, const SendPacket& packet, const wire::Ping& ping);
  void check_own_incarnation(NodeId node, const Engine& engine);
  void check_leave(NodeId node, const Leave& leave, const Completion& completion);
  void expect_leave_seen(NodeId node);
  void expect_let_in(NodeId node);
  void check_let_in(NodeId node);
  void check_rest_of(NodeId node);
  void check_forgotten(NodeId node);
  void check_addresses();
  void each_second();
  template <class Step>
  void watched(NodeId node, Step step);

  WorldImpl& world_;
  CheckBook book_;
  std::deque<Node> nodes_;
  wire::PacketOpener opener_;
  bool faulted_ = false;
  std::size_t told_violations_ = 0;
  NodeId next_table_ = 0;
};

}  // namespace memberlist::sim
