#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/keyring.hpp"
#include "memberlist/engine.hpp"
#include "sim/virtual_cluster.hpp"
#include "sim/virtual_messages.hpp"
#include "sim/virtual_timeline.hpp"
#include "wire/packet.hpp"
#include "wire/stream.hpp"

namespace memberlist::sim {

/// A member that is played: it knows no protocol, but answers as told.
struct ScriptedPeer {
  enum class Tcp : std::uint8_t {
    refuses,     ///< connection refused
    black_hole,  ///< the dial never ends
    silent,      ///< accepts, and never answers
    answers,     ///< acks pings, answers push/pulls with `claims` and `user_state`
  };

  std::string name;
  Address address;
  std::uint32_t incarnation = 1;
  Bytes meta = {};
  Bytes vsn = versions(1, 5, 2);

  bool answers_pings = true;
  Bytes ack_payload = {};
  bool relays = false;   ///< answers indirect pings with an ack
  bool nacks = false;    ///< answers indirect pings that want one with a nack, after 300 ms
  bool refutes = false;  ///< answers suspicions with a greater incarnation
  Tcp tcp = Tcp::refuses;
  Duration round_trip = std::chrono::milliseconds(4);
  std::vector<Claim> claims = {};
  std::string user_state = {};

  std::size_t pings_seen = 0;
  std::size_t indirect_pings_seen = 0;

  [[nodiscard]] Claim claim() const {
    return {.name = name,
            .address = address,
            .incarnation = incarnation,
            .status = MemberStatus::alive,
            .meta = meta,
            .vsn = vsn};
  }
};

/// A datagram that the engine sent, opened.
struct SeenPacket {
  TimePoint at;
  Address to;
  Bytes bytes;
  std::vector<SeenMessage> messages;
};

/// A stream of the engine, as its other side sees it.
struct SeenStream {
  StreamId id{};
  Address peer;
  bool dialled = false;  ///< by the engine
  bool connected = false;
  TimePoint opened_at;
  Bytes written = {};
  bool closed = false;
  bool aborted = false;
  std::optional<TimePoint> ended_at = std::nullopt;  ///< by the engine
};

struct SeenChange {
  TimePoint at;
  MemberEvent event;
};

/// One engine, called `self` unless its config says otherwise, at 10.9.0.1:7946, that a test sends
/// any message from any address at any moment of virtual time, and whose every packet and stream it
/// sees decoded.
class EngineBench {
 public:
  /// LAN timing, without periodic push/pulls, which are noise where they are not the subject.
  [[nodiscard]] static Config quiet_config();

  explicit EngineBench(Config config = quiet_config(), Policy* policy = nullptr,
                       std::uint64_t seed = 1,
                       const std::function<void(EngineEnvironment&)>& tweak = {});
  EngineBench(const EngineBench&) = delete;
  EngineBench& operator=(const EngineBench&) = delete;
  ~EngineBench();

  [[nodiscard]] Engine& engine() noexcept { return *engine_; }
  [[nodiscard]] const Address& address() const noexcept { return address_; }

  // --- time -------------------------------------------------------------------------------------
  [[nodiscard]] VirtualTimeline& timeline() noexcept { return timeline_; }
  [[nodiscard]] TimePoint now() const noexcept { return timeline_.now(); }
  void run_for(Duration duration) { timeline_.run_for(duration); }
  bool run_until(const std::function<bool()>& done, Duration limit) {
    return timeline_.run_until(done, limit);
  }

  // --- peers ------------------------------------------------------------------------------------
  /// A peer that the engine does not know yet, at 10.9.1.<number of peers>:7946.
  ScriptedPeer& add_peer(std::string name);
  /// As `add_peer`, and its alive message arrives at once.
  ScriptedPeer& meet(std::string name);
  /// From now on somebody acks at every address where no peer was added.
  void let_strangers_answer() noexcept { strangers_answer_ = true; }
  /// Sends a peer's alive message, from itself.
  void introduce(const ScriptedPeer& peer);

  // --- what comes in ----------------------------------------------------------------------------
  /// One datagram of whole messages, sealed as the engine's own config says.
  void receive(const Address& from, const std::vector<Bytes>& messages, bool with_crc = false);
  /// A datagram as it is.
  void receive_raw(const Address& from, BytesView datagram);
  void send_error(const Address& to);
  std::optional<StreamId> accept(const Address& from);
  void connected(StreamId id);
  void feed(StreamId id, BytesView bytes, std::size_t piece_bytes = 0);
  void end(StreamId id);
  void fail_stream(StreamId id);
  /// Stream bytes as a peer with the engine's own config would send them.
  [[nodiscard]] Bytes sealed(BytesView plain, bool with_label_header);
  /// Runs a command and takes in what the engine wants done.
  template <class Command>
  auto act(Command command) {
    auto result = command(*engine_, now());
    drain();
    return result;
  }

  // --- what went out ----------------------------------------------------------------------------
  /// Forgets packets and events seen so far, not streams.
  void forget();
  [[nodiscard]] const std::deque<SeenPacket>& packets() const noexcept { return packets_; }
  /// Messages of one type, to one address if it is given.
  [[nodiscard]] std::vector<const SeenMessage*> sent(
      wire::MessageType type, std::optional<Address> to = std::nullopt) const;
  /// Alive, suspect or dead messages about a member.
  [[nodiscard]] std::vector<const SeenMessage*> sent_about(wire::MessageType type,
                                                           std::string_view member) const;
  [[nodiscard]] const std::deque<SeenStream>& streams() const noexcept { return streams_; }
  [[nodiscard]] const SeenStream& stream(StreamId id) const;
  /// The last stream that the engine dialled; throws if there is none.
  [[nodiscard]] const SeenStream& dialled() const;
  /// What the engine wrote to a stream, if that is a whole message; else null.
  [[nodiscard]] std::unique_ptr<wire::StreamOpener> read(StreamId id);

  [[nodiscard]] const std::vector<LoggedOutput>& log() const noexcept { return log_; }
  /// Since the last `forget`, if `tweak` has turned them on.
  [[nodiscard]] const std::vector<MetricRecord>& metrics() const noexcept { return metrics_; }
  /// The trace, if the engine puts one out.
  [[nodiscard]] const std::vector<TraceRecord>& trace() const noexcept { return trace_; }
  [[nodiscard]] std::vector<SeenChange> changes(std::string_view member) const;
  [[nodiscard]] std::vector<MemberEventKind> kinds(std::string_view member) const;
  [[nodiscard]] std::optional<SeenChange> change(std::string_view member,
                                                 MemberEventKind kind) const;
  template <class T>
  [[nodiscard]] std::vector<const T*> events() const {
    std::vector<const T*> found;
    for (const LoggedOutput& line : log_) {
      const auto* event = std::get_if<Event>(&line.what);
      const auto* wanted = event == nullptr ? nullptr : std::get_if<T>(event);
      if (wanted != nullptr) found.push_back(wanted);
    }
    return found;
  }
  [[nodiscard]] const Completion* completion(OperationId id) const;
  [[nodiscard]] std::size_t log_lines(LogLevel level, std::string_view part = {}) const;
  /// Whom the warnings are about, in their order.
  [[nodiscard]] std::vector<std::string> warned_of() const;
  [[nodiscard]] std::optional<MemberStatus> status(std::string_view member) const;
  [[nodiscard]] std::uint32_t incarnation(std::string_view member) const;
  /// Breaches of contract by the engine; must be empty in the end.
  [[nodiscard]] const std::vector<std::string>& violations() const noexcept { return violations_; }

 private:
  void drain();
  void arm();
  void on_timer(TimePoint planned);
  void take_packet(const SendPacket& packet);
  void take_dial(const DialStream& dial);
  void take_write(StreamId id, BytesView bytes);
  void take_end(StreamId id, bool aborted);
  void answer(ScriptedPeer& peer, const SeenMessage& message);
  void answer_stream(ScriptedPeer& peer, StreamId id);
  ScriptedPeer* peer_at(const Address& address);
  SeenStream* find_stream(StreamId id);

  VirtualTimeline timeline_;
  Config config_;
  Address address_{IpAddress::v4(10, 9, 0, 1), 7946};
  Random random_;
  crypto::Keyring keyring_;
  wire::Sealing sealing_;
  wire::Sealing opening_;  // reads what the engine sends, encrypted or not
  wire::PacketSealer packet_sealer_;
  wire::PacketOpener packet_opener_;
  wire::LzwEncoder lzw_;
  std::optional<Engine> engine_;
  TimePoint armed_for_ = kNever;
  std::deque<ScriptedPeer> peers_;
  bool strangers_answer_ = false;
  std::deque<SeenPacket> packets_;
  std::deque<SeenStream> streams_;
  std::vector<LoggedOutput> log_;
  std::vector<MetricRecord> metrics_;
  std::vector<TraceRecord> trace_;
  std::vector<std::string> violations_;
};

}  // namespace memberlist::sim
