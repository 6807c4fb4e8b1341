#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/config.hpp"
#include "memberlist/error.hpp"
#include "memberlist/event.hpp"
#include "memberlist/export.hpp"
#include "memberlist/key.hpp"
#include "memberlist/member.hpp"
#include "memberlist/metrics.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// One exchange over a stream; never reused within an engine's life.
enum class StreamId : std::uint64_t {};

/// A command whose outcome comes later as a Completion; never reused within an engine's life.
enum class OperationId : std::uint64_t {};

// --- what happens to a stream: inputs -----------------------------------------------------------

struct StreamConnected {};  ///< the dial that the engine asked for has succeeded
/// Bytes came, in pieces of any size.
struct StreamData {
  BytesView bytes;  ///< valid during the call
};
struct StreamEnd {};  ///< the peer sends no more (end of file)
/// The stream broke.
struct StreamFailed {
  Error error;  ///< dial, read or write failed; the stream is gone
};
/// What can happen to a stream.
using StreamEvent = std::variant<StreamConnected, StreamData, StreamEnd, StreamFailed>;

// --- what the engine wants done: outputs --------------------------------------------------------

/// Send one datagram. `bytes` is valid until `Engine::clear_outputs`.
struct SendPacket {
  Address to;       ///< where it goes
  BytesView bytes;  ///< the whole datagram, with all its layers
  /// The own address that it should leave from, where there are several: that which was asked, if
  /// this is an answer, else the advertised one.
  IpAddress from{};
};
/// Connect; answer with StreamConnected or StreamFailed. The engine keeps the deadline.
struct DialStream {
  StreamId id{};     ///< the new stream's
  Address to;        ///< where to connect
  IpAddress from{};  ///< the own address that it should come from, where there are several
};
/// Send bytes on a connected stream, after those of earlier writes.
struct WriteStream {
  StreamId id{};  ///< on which stream
  Bytes bytes;    ///< what to send; may be moved away
};
/// Send what was written, then close. Nothing more is wanted from this stream.
struct CloseStream {
  StreamId id{};  ///< which stream
};
/// Close at once; what was not yet sent is dropped. Nothing more is wanted from this stream.
struct AbortStream {
  StreamId id{};  ///< which stream
};

/// How one target of a join fared. Neither merged nor failed: it was not tried, or not to its end,
/// since enough others had answered, or this node's name is taken.
struct JoinAttempt {
  bool merged = false;           ///< the push/pull with it was merged
  std::optional<Error> failure;  ///< why it was not, if it was tried to its end
};

/// Outcome of one command.
struct OperationOutcome {
  std::uint32_t contacted = 0;        ///< join: others whose push/pull was merged
  std::vector<Error> failures;        ///< join: those of `attempts`
  std::vector<JoinAttempt> attempts;  ///< join: one for each target, in the order given
  Duration round_trip{};              ///< ping
  Bytes payload;                      ///< ping: what the peer's ping delegate put into the ack
};
/// The end of a command that returned an OperationId; each ends exactly once.
struct Completion {
  OperationId id{};                 ///< as the command returned it
  Result<OperationOutcome> result;  ///< how it ended
};

/// One thing to do, or to hear, in the order in which the engine wants it.
using Output = std::variant<SendPacket, DialStream, WriteStream, CloseStream, AbortStream, Event,
                            Completion, LogRecord, MetricRecord>;

// --- what the application may decide ------------------------------------------------------------

/// Decisions that the engine needs at once, in the middle of a state change. Called from within
/// engine calls; must not call the engine, and should be quick. The defaults allow everything and
/// add nothing.
class MEMBERLIST_API Policy {
 public:
  Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy();

  /// Alive delegate: an error keeps the member out (protocol 6, alive, rule 2).
  virtual Result<void> notify_alive(const MemberRecord& peer);
  /// Merge delegate: an error cancels the join or the merge (protocol 6, push/pull).
  virtual Result<void> notify_merge(std::span<const MemberRecord> peers);
  /// User messages to fill a packet with: each at most `limit_bytes` less what was added already,
  /// `overhead_bytes` counted for each. Called for each target of a gossip tick, and for each ping,
  /// ack and nack to a member, that has room left (protocol 5 and 7).
  virtual void fill_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
                               std::vector<Bytes>& messages);
  /// User state for a push/pull (at most 20 MiB; more is left out with a log record).
  virtual Bytes local_state(bool join);
  /// Payload of acks (ping delegate); at most 512 bytes, more is left out.
  virtual Bytes ack_payload();
  /// A probe of this node was answered directly and in time (ping delegate, protocol 5).
  virtual void notify_ping(const MemberRecord& peer, Duration round_trip, BytesView payload);
  /// Whether a member that does not answer by UDP may be pinged over TCP, unless
  /// `Config::disable_tcp_pings` forbids that for all (protocol 5).
  [[nodiscard]] virtual bool allow_tcp_ping(const MemberRecord& peer);
};

// --- numbers ------------------------------------------------------------------------------------

/// Counts since the engine was made, and gauges of the moment.
struct EngineCounters {
  std::uint64_t packets_received = 0;          ///< UDP, also what was then dropped
  std::uint64_t packets_sent = 0;              ///< UDP
  std::uint64_t packet_bytes_received = 0;     ///< as they were on the wire
  std::uint64_t packet_bytes_sent = 0;         ///< as they went to the wire
  std::uint64_t streams_accepted = 0;          ///< TCP, from peers
  std::uint64_t streams_dialled = 0;           ///< TCP, to peers
  std::uint64_t stream_bytes_received = 0;     ///< as they were on the wire
  std::uint64_t stream_bytes_sent = 0;         ///< as they went to the wire
  std::uint64_t alive_messages = 0;            ///< claims heard, by packet or push/pull
  std::uint64_t suspect_messages = 0;          ///< claims heard, and own ones
  std::uint64_t dead_messages = 0;             ///< claims heard, and own ones
  std::uint64_t alive_believed = 0;            ///< of the claims: those that were news
  std::uint64_t dead_believed = 0;             ///< of the claims: those that ended a life, or left
  std::uint64_t user_messages = 0;             ///< from peers, by packet or stream
  std::uint64_t probes = 0;                    ///< begun by this node
  std::uint64_t probes_degraded = 0;           ///< begun at a longer interval: health is not 0
  std::uint64_t probes_answered = 0;           ///< directly and in time
  std::uint64_t probes_failed = 0;             ///< without any answer by their deadline
  std::uint64_t probes_saved_by_indirect = 0;  ///< answered only after others were asked to ping
  std::uint64_t probes_saved_by_tcp = 0;       ///< answered over TCP alone: UDP may be blocked
  std::uint64_t suspicions_started = 0;        ///< of others, whoever accused them
  std::uint64_t suspicions_refuted = 0;        ///< ended by an alive message
  std::uint64_t suspicions_confirmed = 0;      ///< ended by death
  std::uint64_t suspicions_degraded = 0;  ///< ran out though fewer than wanted had confirmed them
  std::uint64_t refutations = 0;          ///< of accusations against this node
  std::uint64_t push_pulls_started = 0;   ///< by this node, joins included
  std::uint64_t push_pulls_served = 0;    ///< answered with this node's state
  std::uint64_t push_pulls_failed = 0;    ///< of either sort
  std::uint64_t dropped_malformed = 0;  ///< packets, streams or parts that could not be understood
  std::uint64_t dropped_undecryptable = 0;  ///< no key of ours fits
  std::uint64_t dropped_unencrypted = 0;    ///< plain, and `gossip_verify_incoming` is on
  std::uint64_t dropped_encrypted = 0;      ///< encrypted, and this node has no key
  std::uint64_t dropped_label = 0;          ///< another label, or none
  std::uint64_t dropped_network = 0;        ///< outside the allowed networks
  std::uint64_t dropped_poison = 0;         ///< messages that would make an unprobeable member
  std::uint64_t dropped_limit = 0;          ///< at a limit of ours: streams, nesting, sizes
  std::uint64_t dropped_buried = 0;     ///< old alive messages about members that were forgotten
  std::uint64_t acks_unexpected = 0;    ///< acks that nobody waits for (any more)
  std::uint64_t send_errors = 0;        ///< packets that could not be sent
  std::uint64_t stalls = 0;             ///< times that this node stood still for a while
  std::uint64_t broadcasts_queued = 0;  ///< gauge
  std::uint64_t tombstones = 0;    ///< gauge: forgotten members that old news cannot bring back
  std::uint32_t health_score = 0;  ///< gauge
};

/// What the engine is given by its surroundings.
struct EngineEnvironment {
  /// What others are told; both parts must be set.
  Address advertise;
  /// The moment of creation.
  TimePoint now;
  /// Seeds the protocol's choices; the same seed, secret and inputs give the same outputs. Where
  /// peers may be hostile it has to come from a secure generator.
  std::uint64_t seed = 0;
  /// From a secure generator, too, where peers may be hostile: with it, what peers must not foresee
  /// (the numbers of pings, the keys of hash tables) is as hard to guess as 128 bits, and as hard
  /// as the 64 bits of `seed` where it is left at zero.
  std::array<std::byte, 16> secret{};
  /// Fills nonces. Empty: the operating system's secure generator, which is what it must be
  /// wherever packets leave the process (who can foresee a nonce, or sees one twice, reads the
  /// packets); only a simulation sets its own, so that runs repeat.
  std::function<void(std::span<std::byte>)> nonce_source;
  /// Decisions; must outlive the engine. Null: the defaults of Policy.
  Policy* policy = nullptr;
  /// Whether there are MetricRecords among the outputs. They cost little, and nothing if not.
  bool metrics = false;
  /// A clock for `metric::kGossip` alone, which is how long a piece of work took; nothing that the
  /// engine does depends on it. Empty: there is no such metric.
  std::function<TimePoint()> stopwatch = {};
};

/// One address to join through.
struct JoinTarget {
  std::string name;  ///< of the member expected there; may be empty
  Address address;   ///< where to dial
};

/// What a join may take.
struct JoinLimits {
  std::uint32_t enough = 0;     ///< it ends once so many others were merged; 0: all are tried
  std::uint32_t parallel = 16;  ///< exchanges at once, 1 to 16
  /// For all of it; unset: each exchange has its `tcp_timeout`, and there is no other limit.
  std::optional<Duration> timeout = std::nullopt;
};

/// The membership protocol (SWIM with Lifeguard, on memberlist's wire) without I/O, threads or a
/// clock: bytes, deadlines and commands go in; one ordered queue of outputs comes out.
///
/// Contract: not thread-safe; no call blocks; `now` never goes backwards from call to call (a
/// smaller one counts as the last). After each call, act on `outputs()` in order, then
/// `clear_outputs()`; call `handle_deadline` once `next_deadline()` has come. Commands that fail at
/// once change nothing. Nothing received can make a call throw; memory is bounded by the limits of
/// `src/base/limits.hpp`.
class MEMBERLIST_API Engine {
 public:
  /// Validates `config` (its name must be set). The engine's own alive message is queued. The keys
  /// are moved into the keyring and wiped from `config`; what the caller still holds is the
  /// caller's to `wipe`.
  [[nodiscard]] static Result<Engine> create(Config config, EngineEnvironment environment);

  Engine(Engine&&) noexcept;             ///< what was moved from can only be destroyed or assigned
  Engine& operator=(Engine&&) noexcept;  ///< what was moved from can only be destroyed or assigned
  ~Engine();                             ///< says nothing to anybody

  // --- inputs -----------------------------------------------------------------------------------

  /// A datagram; `bytes` may be overwritten during the call. `asked` is the own address that it was
  /// sent to, from which the answers to it leave (SendPacket); unspecified: the advertised one.
  void handle_packet(TimePoint now, const Address& from, std::span<std::byte> bytes,
                     const IpAddress& asked = {});
  /// A datagram could not be sent since the remote side seems unreachable (protocol 5).
  void handle_send_error(TimePoint now, const Address& to, const Error& error);
  /// A peer connected. `std::nullopt`: refused at a limit; close it.
  [[nodiscard]] std::optional<StreamId> handle_accept(TimePoint now, const Address& from);
  /// Something happened to a stream; ids that are not (or no longer) known are ignored.
  void handle_stream(TimePoint now, StreamId id, const StreamEvent& event);
  /// Time has passed. Does what is due; harmless if nothing is.
  void handle_deadline(TimePoint now);
  /// When `handle_deadline` is wanted next; `kNever` if nothing is planned.
  [[nodiscard]] TimePoint next_deadline() const noexcept;

  // --- commands ---------------------------------------------------------------------------------

  /// Push/pull with each target, some at a time; completes when all have ended, or at a limit. The
  /// outcome is an error if there was no success (protocol 6, Join); a target that leads back to
  /// this node is none (`own_address`). It is `name_taken`, whatever the others say, as soon as one
  /// answer has this node's name at another address: then nothing of that answer is merged, and
  /// until a join succeeds this node serves no joins, and leaves without a word (the others would
  /// take it for the leave of that member). With no targets: an error.
  [[nodiscard]] Result<OperationId> join(TimePoint now, std::vector<JoinTarget> targets,
                                         const JoinLimits& limits = {});
  /// Tells the cluster that this node goes, and completes when that was sent or at the timeout
  /// (an error then); at once if nobody else is alive, or this node's name is taken (`join`). The
  /// node still answers until it is destroyed (protocol 6, Leave). A second call while leaving
  /// shares the first one's fate.
  [[nodiscard]] Result<OperationId> leave(TimePoint now, Duration timeout);
  /// New meta data (at most 512 bytes, and what a packet of `udp_buffer_size` holds); completes
  /// when it was sent or at the timeout (an error then, though the change stands). On the way to
  /// another address (`advertise`) it goes with that, and shares its fate.
  [[nodiscard]] Result<OperationId> update_meta(TimePoint now, BytesView meta, Duration timeout);
  /// From now on this node is reached at `address`. As nobody takes another address of a member
  /// that is there (protocol 6, Alive), it tells the cluster that it leaves and, once that was
  /// sent, that it is back: others see a `leave` and a `join`. In between it is `left` in its own
  /// view, too. Completes when both were sent or at the timeout (an error then, though the change
  /// stands); at once if the address is no other, or nobody else is alive. Called again meanwhile
  /// it changes where this node returns, and shares the first call's fate; a `leave` ends it. Error
  /// at once: `no_address`.
  [[nodiscard]] Result<OperationId> advertise(TimePoint now, const Address& address,
                                              Duration timeout);
  /// One user message by UDP, without promise; must fit a packet.
  [[nodiscard]] Result<void> send_best_effort(TimePoint now, const Address& to, BytesView payload);
  /// One user message by TCP, at most 20 MiB; completes when its bytes were handed to the
  /// connection. There is no answer in the protocol: that the peer has read it is not known.
  /// `timeout` unset: the connection has `tcp_timeout`.
  [[nodiscard]] Result<OperationId> send_reliable(TimePoint now, const Address& to,
                                                  BytesView payload,
                                                  std::optional<Duration> timeout = std::nullopt);
  /// One user message to all members by gossip; must fit a packet. Members do not pass each other's
  /// user messages on, so this node sends it to each of them, about twice, some at each gossip
  /// tick; packets can get lost. With a name it replaces an earlier one of that name that is still
  /// queued.
  [[nodiscard]] Result<void> broadcast(TimePoint now, BytesView payload,
                                       std::string_view name = {});
  /// One ping of a known member, direct only; completes with the round-trip time, or with
  /// `timed_out` after `timeout` (unset: `probe_timeout`).
  [[nodiscard]] Result<OperationId> ping(TimePoint now, std::string_view member,
                                         std::optional<Duration> timeout = std::nullopt);
  /// Ends an operation at once, with `why` as its error; a join that has merged somebody completes
  /// with that. Exchanges under way for it are aborted; what was announced (leave, meta data)
  /// stands. An operation that is not, or no longer, under way is left alone.
  void cancel(TimePoint now, OperationId operation, Error why);

  // --- keys (protocol 2, Encryption) ------------------------------------------------------------
  // Each change holds from the next packet and stream on. Errors name the key by its fingerprint,
  // or the limit, and change nothing: `crypto` (length), `invalid_argument`.

  /// Adds a key that decrypts: behind the others, or, where there is none yet, as the primary,
  /// which encrypts at once (see `set_gossip_verify`). At most 16; adding one twice does nothing.
  [[nodiscard]] Result<void> add_key(BytesView key);
  /// Makes a key of the keyring the primary: it encrypts from now on.
  [[nodiscard]] Result<void> use_key(BytesView key);
  /// The same, by the key's fingerprint; an unknown one is an error.
  [[nodiscard]] Result<void> use_key(std::string_view fingerprint);
  /// Removes a key other than the primary, and wipes it. Removing an unknown key does nothing.
  [[nodiscard]] Result<void> remove_key(BytesView key);
  /// The same, by the key's fingerprint; an unknown one is an error.
  [[nodiscard]] Result<void> remove_key(std::string_view fingerprint);
  /// The keyring, the primary first.
  [[nodiscard]] std::vector<KeyInfo> keys() const;
  /// Changes `gossip_verify_incoming` and `gossip_verify_outgoing`, or one of them, so that a
  /// cluster can go from plaintext to encryption while it runs (docs/encryption.md).
  void set_gossip_verify(std::optional<bool> incoming, std::optional<bool> outgoing);
  /// The two switches as they are now.
  [[nodiscard]] GossipVerify gossip_verify() const noexcept;

  // --- views ------------------------------------------------------------------------------------

  /// Everyone in the table, sorted by name; made anew only after changes.
  [[nodiscard]] MemberSnapshot members() const;
  /// One member by its name, whatever its status; `std::nullopt` if it is not in the table.
  [[nodiscard]] std::optional<Member> member(std::string_view name) const;
  /// This node as it sees itself.
  [[nodiscard]] Member local_member() const;
  /// Members alive or suspect, this node included.
  [[nodiscard]] std::size_t live_count() const noexcept;
  /// Lifeguard's local health: 0 is healthy, `awareness_max_multiplier` - 1 the worst.
  [[nodiscard]] std::uint32_t health_score() const noexcept;
  /// What was counted since the engine was made, and its gauges of now.
  [[nodiscard]] EngineCounters counters() const;
  /// A digest of name, address, meta data, incarnation and status of all live members: equal for
  /// nodes that agree.
  [[nodiscard]] std::uint64_t view_digest() const;
  /// With the present `gossip_verify_*`, and without keys.
  [[nodiscard]] const Config& config() const noexcept;
  /// The largest payload that `broadcast` and `send_best_effort` take.
  [[nodiscard]] std::size_t max_packet_payload() const noexcept;

  // --- outputs ----------------------------------------------------------------------------------

  /// What is to be done, in order; valid until `clear_outputs` or the next input or command (the
  /// packets' bytes until `clear_outputs`).
  [[nodiscard]] std::span<Output> outputs() noexcept;
  /// Drops the outputs, which were acted on.
  void clear_outputs() noexcept;

 private:
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace memberlist
