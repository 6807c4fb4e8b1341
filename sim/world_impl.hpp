#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/random.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/record_store.hpp"
#include "memberlist/sim/world.hpp"
#include "sim/holdings.hpp"
#include "sim/virtual_network.hpp"
#include "sim/virtual_timeline.hpp"

namespace memberlist::sim {

/// Sees what the engines of a world are given and what they put out. Outputs are shown before they
/// are performed.
class WorldTap {
 public:
  WorldTap() = default;
  WorldTap(const WorldTap&) = delete;
  WorldTap& operator=(const WorldTap&) = delete;
  virtual ~WorldTap() = default;

  /// Before a process is made: `environment` may be changed.
  virtual void prepare(NodeId, const Config&, EngineEnvironment&) {}
  virtual void created(NodeId, Engine&) {}
  virtual void ended(NodeId) {}  ///< its process crashed, or was killed
  virtual void accepted(NodeId, StreamId, const Address&) {}
  virtual void output(NodeId, Output&) {}
  virtual void after_step(NodeId, Engine&) {}  ///< all outputs were performed
  virtual void after_deadline(NodeId, const Engine&, TimePoint) {}
};

/// An output that is performed later: it owns the bytes of its packet.
class KeptOutput {
 public:
  explicit KeptOutput(Output& output) : output_(std::move(output)) {
    if (auto* packet = std::get_if<SendPacket>(&output_)) {
      bytes_ = to_bytes(packet->bytes);
      packet->bytes = bytes_;  // moving a vector leaves its elements where they are
    }
  }
  KeptOutput(KeptOutput&&) noexcept = default;
  KeptOutput& operator=(KeptOutput&&) noexcept = default;
  KeptOutput(const KeptOutput&) = delete;  // the copy's view would be of the original's bytes
  KeptOutput& operator=(const KeptOutput&) = delete;
  ~KeptOutput() = default;

  [[nodiscard]] const Output& output() const noexcept { return output_; }

 private:
  Output output_;
  Bytes bytes_;
};

class Checks;

/// Whether members with a link like this may suspect each other although they are well.
[[nodiscard]] bool is_faulty(const Link& link, const Config& config);

/// The hosts of a world and what drives their engines.
class WorldImpl {
 public:
  explicit WorldImpl(WorldOptions options);
  WorldImpl(const WorldImpl&) = delete;
  WorldImpl& operator=(const WorldImpl&) = delete;
  ~WorldImpl();

  NodeId add(NodeOptions options);
  void add_cluster(std::vector<NodeOptions> nodes);
  void start(NodeId node, std::shared_ptr<const std::vector<Member>> known = {});
  void stop(NodeId node);
  void hold(NodeId node, bool timers_too);
  void resume(NodeId node);
  /// Something is wrong from now on.
  void faulted();
  /// A link that hosts have for good.
  void lasting_link(const Link& link);
  void set_clock(NodeId node, const HostClock& clock, Duration ahead);
  /// Performs the outputs of a node's engine, and plans its next deadline.
  void perform(NodeId node);
  /// Other choices, of the network, the engines and those that will follow them.
  void reseed(std::uint64_t seed);
  [[nodiscard]] double node_seconds() const;
  [[nodiscard]] bool converged() const;

  class Host;
  [[nodiscard]] Host& host(NodeId node);
  [[nodiscard]] const Host& host(NodeId node) const;

  WorldOptions options_;
  VirtualTimeline timeline_;
  VirtualNetwork network_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::map<std::string, NodeId, std::less<>> by_name_;
  std::shared_ptr<RecordStore> records_;
  std::vector<WorldTap*> taps_;
  std::vector<std::string> violations_;  // of an engine's contract
  std::function<void(NodeId, const Event&)> on_event_;
  std::function<void(NodeId, const Completion&)> on_completion_;
  std::function<void(NodeId, const TraceRecord&)> on_trace_;
  std::unique_ptr<Checks> checks_;  // null: nothing is checked
  Mixer event_digest_{0};
  std::size_t running_ = 0;
  bool bad_links_ = false;  // not even healing makes all links good

 private:
  [[nodiscard]] Address own_address(NodeId node) const;
  EngineEnvironment environment(Host& host);
  void arm(Host& host);
  void on_timer(NodeId node);
  bool handle_due(NodeId node);
  void handle_deadline(Host& host);
  void perform(Host& host, Output& output);
  void transmit(NodeId node, const Output& output);
  void count_time();

  double node_seconds_ = 0;
  TimePoint counted_until_ = VirtualTimeline::kStart;
};

/// One host, and its process: an engine, or the want of one.
class WorldImpl::Host final : public VirtualHost {
 public:
  Host(WorldImpl& world, NodeId id, NodeOptions options, std::uint64_t seed);

  [[nodiscard]] BytesView memory() const override {
    return engine ? memory_of(*engine) : BytesView{};
  }
  bool handle_due() override { return world.handle_due(id); }
  void on_packet(const Address& from, BytesView bytes) override;
  void on_send_error(const Address& to, const Error& error) override;
  std::optional<StreamId> on_accept(const Address& from) override;
  void on_stream(StreamId stream, const StreamEvent& event) override;

  /// What the clock of this host shows at a time of the world, and the other way round.
  [[nodiscard]] TimePoint local(TimePoint at) const noexcept;
  [[nodiscard]] TimePoint of_world(TimePoint local_time) const noexcept;
  [[nodiscard]] const Behaviour& behaviour() const noexcept {
    return options.behaviour ? *options.behaviour : world.options_.behaviour;
  }

  WorldImpl& world;
  NodeId id;
  NodeOptions options;
  Config config;
  Address address;
  Random random;  // seeds and nonces of all processes that this host will have
  std::optional<Engine> engine;
  bool paused = false;     // neither reads nor has timers
  bool blocked = false;    // neither reads nor sends
  bool left = false;       // its application has called leave
  bool disturbed = false;  // since its process began, it was paused, blocked or slow
  std::size_t processes = 0;
  TimerHandle timer;
  TimePoint armed_for = kNever;    // of the world
  TimePoint spins_until{};         // of the world: its engine asks for deadlines without end
  std::vector<KeptOutput> unsent;  // while it is blocked
  HostClock clock;
  TimePoint clock_set_at{};  // of the world
  TimePoint clock_showed{};  // then
};

}  // namespace memberlist::sim
