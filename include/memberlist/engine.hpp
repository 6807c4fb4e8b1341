#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/config.hpp"
#include "memberlist/counters.hpp"
#include "memberlist/error.hpp"
#include "memberlist/export.hpp"
#include "memberlist/input.hpp"
#include "memberlist/key.hpp"
#include "memberlist/member.hpp"
#include "memberlist/output.hpp"
#include "memberlist/policy.hpp"
#include "memberlist/stream.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

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
  /// Hears each input, in order, before the engine acts on it: whoever keeps them, with what
  /// `policy` and `nonce_source` gave, can have an engine of the same configuration, seed and
  /// secret give the same outputs again. `now` is the engine's time then. Must not call the engine.
  /// The inputs hold keys and messages as they are.
  std::function<void(TimePoint now, const Input& input)> on_input = {};
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

  /// A second engine in the same state: given the same inputs, the two put out the same. Of
  /// `environment` it takes `policy`, `nonce_source`, `stopwatch` and `on_input`; in all else it
  /// goes on as this one. For simulation and replay. Precondition: the outputs are cleared. Copies
  /// the whole state.
  [[nodiscard]] Engine clone(const EngineEnvironment& environment) const;

  Engine(Engine&&) noexcept;             ///< what was moved from can only be destroyed or assigned
  Engine& operator=(Engine&&) noexcept;  ///< what was moved from can only be destroyed or assigned
  ~Engine();                             ///< says nothing to anybody

  // --- inputs -----------------------------------------------------------------------------------

  /// The one way in: all of the inputs, commands and key changes below are names for it, each for
  /// one type of Input, whose Answer it returns. Refuses nothing that they take.
  Answer apply(TimePoint now, Input input);

  /// A datagram. `asked` is the own address that it was
  /// sent to, from which the answers to it leave (SendPacket); unspecified: the advertised one.
  void handle_packet(TimePoint now, const Address& from, BytesView bytes,
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
