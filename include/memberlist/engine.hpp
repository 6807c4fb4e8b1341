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
#include "memberlist/behaviour.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/config.hpp"
#include "memberlist/counters.hpp"
#include "memberlist/error.hpp"
#include "memberlist/export.hpp"
#include "memberlist/input_names.hpp"
#include "memberlist/key.hpp"
#include "memberlist/member.hpp"
#include "memberlist/output.hpp"
#include "memberlist/policy.hpp"
#include "memberlist/stream.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

class RecordStore;

/// What the engine is given by its surroundings.
struct EngineEnvironment {
  /// The address that this node advertises; both parts must be set.
  Address advertise{};
  /// The moment of creation.
  TimePoint now{};
  /// Seeds the protocol's random choices; the same seed, secret and inputs give the same outputs.
  /// If peers may be hostile it must come from a secure generator.
  std::uint64_t seed = 0;
  /// If peers may be hostile it must come from a secure generator, too. What peers must not predict
  /// (sequence numbers of pings, keys of hash tables) is then as hard to guess as 128 bits; if it
  /// is zero, as the 64 bits of `seed`.
  std::array<std::byte, 16> secret{};
  /// Fills nonces. Empty: the operating system's secure generator. Set it only in a simulation, to
  /// make runs repeatable: anyone who predicts or observes a repeated nonce can decrypt.
  std::function<void(std::span<std::byte>)> nonce_source{};
  /// The application's decisions; must outlive the engine. Null: the defaults of Policy.
  Policy* policy = nullptr;
  /// Where it takes the records of members from, for engines that know the same members: then they
  /// hold each record once. Null: each makes its own.
  std::shared_ptr<RecordStore> records{};
  /// For simulation: whom the new engine knows, as if it had run for long. Their incarnation,
  /// status and time are taken as they are, and no event tells of them; statuses other than `alive`
  /// count as `alive`. If it contains the engine's own record, that is its incarnation, and nothing
  /// is announced: the others must know it, too. At most `max_members`; names must differ. Null:
  /// nobody.
  std::shared_ptr<const std::vector<Member>> members{};
  /// For simulation and comparison only: the defaults are the product.
  Behaviour behaviour{};
  /// Whether the outputs contain MetricRecords. They cost little; without them there is no cost.
  bool metrics = false;
  /// Whether the outputs contain TraceRecords: the life of each probe, what became of each claim,
  /// suspicions, stalls. Many, and each allocates; without them there is no cost.
  bool trace = false;
  /// Whether the engine keeps the changes of its table for `take_member_changes`, which must then
  /// be called from time to time.
  bool member_changes = false;
  /// A clock for `metric::kGossip` only, which measures the time of a piece of work. The engine's
  /// behaviour does not depend on it. Empty: the metric is absent.
  std::function<TimePoint()> stopwatch = {};
  /// Called with each input, in order, before the engine acts on it; `now` is the engine's time.
  /// Given the recorded inputs, and what `policy` and `nonce_source` returned, another engine with
  /// the same configuration, seed and secret puts out the same. Must not call the engine. Inputs
  /// contain keys and messages in clear.
  std::function<void(TimePoint now, const Input& input)> on_input = {};
};

/// The membership protocol (SWIM with Lifeguard, on memberlist's wire) without I/O, threads or a
/// clock: bytes, deadlines and commands go in; one ordered queue of outputs comes out.
///
/// Contract: not thread-safe; no call blocks; `now` never goes backwards from call to call (a
/// smaller value counts as the last one). After each call, perform `outputs()` in order, then call
/// `clear_outputs()`; call `handle_deadline` when `next_deadline()` is reached. Commands that fail
/// immediately change nothing. No received bytes can make a call throw; memory is bounded by the
/// limits of `src/base/limits.hpp`.
class MEMBERLIST_API Engine {
 public:
  /// @name Life
  /// From one thread at a time. Since 0.1.
  /// @{

  /// Validates `config` (its name must be set), queues this node's alive message and puts out its
  /// `join`. The keys are moved into the keyring and wiped from `config`; wipe your own copies.
  /// Errors: `invalid_argument` (names the knob), `too_large` (meta data), `crypto` (the length of
  /// a key), `no_address` (an advertised address that nobody reaches), `system` (OpenSSL).
  [[nodiscard]] static Result<Engine> create(Config config, EngineEnvironment environment);

  /// A second engine in the same state: given the same inputs, both put out the same. Takes
  /// `policy`, `nonce_source`, `stopwatch` and `on_input` from `environment`, and all else from
  /// this engine. Copies the whole state. For simulation and replay. Precondition: the outputs are
  /// cleared.
  [[nodiscard]] Engine clone(const EngineEnvironment& environment) const;

  Engine(Engine&&) noexcept;             ///< a moved-from engine can only be destroyed or assigned
  Engine& operator=(Engine&&) noexcept;  ///< a moved-from engine can only be destroyed or assigned
  ~Engine();                             ///< does not notify peers

  /// @}
  /// @name Inputs
  /// What happens to the engine. Only from the thread that drives it, and not from a Policy. Since
  /// 0.1.
  /// @{

  /// Acts on any input. The inputs, commands and key changes below are thin names for this
  /// function, one for each type of Input; it accepts what they accept, and returns the same as an
  /// Answer.
  Answer apply(TimePoint now, Input input);

  /// A datagram arrived. `asked` is the local address that it was sent to, from which the answers
  /// to it are sent (SendPacket); unspecified: the advertised address.
  void handle_packet(TimePoint now, const Address& from, BytesView bytes,
                     const IpAddress& asked = {});
  /// A datagram could not be sent because its destination seems unreachable (protocol 5).
  void handle_send_error(TimePoint now, const Address& to, const Error& error);
  /// A peer connected. Returns `std::nullopt` if a limit is reached: close the connection.
  [[nodiscard]] std::optional<StreamId> handle_accept(TimePoint now, const Address& from);
  /// Something happened to a stream; unknown ids are ignored.
  void handle_stream(TimePoint now, StreamId id, const StreamEvent& event);
  /// Time has passed. Performs what is due; harmless if nothing is due.
  void handle_deadline(TimePoint now);
  /// When to call `handle_deadline` next; `kNever` if nothing is scheduled.
  [[nodiscard]] TimePoint next_deadline() const noexcept;

  /// @}
  /// @name Commands
  /// What the application wants; they count as inputs. Only from the thread that drives the engine,
  /// and not from a Policy. Since 0.1.
  /// @{

  /// Runs a push/pull with each target, some in parallel; completes when all have ended, or at a
  /// limit. The outcome is an error if none succeeded (protocol 6, Join); a target that leads back
  /// to this node does not count as a success (`own_address`). The outcome is `name_taken`,
  /// regardless of the other targets, as soon as one answer has this node's name at another
  /// address: that answer is not merged, and until a join succeeds, this node leaves silently
  /// (peers would take its leave for that of the other member), and serves no joins. The first join
  /// that comes a minute or more after the last such answer is served, and ends this. Immediate
  /// errors: `invalid_argument` (no targets, `parallel`), `name_required`, `shut_down` (after a
  /// leave); outcomes: those of `cancel`, `timed_out`, `own_address`, `name_taken`,
  /// `refused_by_peer`, `incompatible`, `vetoed`, `protocol`, `crypto`, and what the transport
  /// reports (`unreachable`, `too_large`, `system`).
  [[nodiscard]] Result<OperationId> join(TimePoint now, std::vector<JoinTarget> targets,
                                         const JoinLimits& limits = {});
  /// Announces to the cluster that this node leaves. Completes when the message was sent, or at the
  /// timeout (with an error); immediately if no other member is alive, or this node's name is taken
  /// (`join`). The engine still answers until it is destroyed (protocol 6, Leave). A second call
  /// while leaving completes with the first one. Error as an outcome: `timed_out`.
  [[nodiscard]] Result<OperationId> leave(TimePoint now, Duration timeout);
  /// Sets new meta data (at most 512 bytes, and what fits into a packet of `udp_buffer_size`).
  /// Completes when it was sent, or at the timeout (with an error; the change remains). During a
  /// change of address (`advertise`) it is sent with that, and completes with it. Immediate errors:
  /// `too_large` (names the limit), `shut_down` (after a leave); outcome: `timed_out`.
  [[nodiscard]] Result<OperationId> update_meta(TimePoint now, BytesView meta, Duration timeout);
  /// Changes the address that this node advertises. Peers accept no other address of a live member
  /// (protocol 6, Alive), so the node announces that it leaves and, once that was sent, that it is
  /// back: others see a `leave` and a `join`. In between its own view shows it as `left`, too.
  /// Completes when both were sent, or at the timeout (with an error; the change remains);
  /// immediately if the address is the same, or no other member is alive. A second call meanwhile
  /// changes the new address, and completes with the first call; a `leave` ends it. Immediate
  /// errors: `no_address`, `shut_down` (after a leave); outcomes: `timed_out`, `shut_down`.
  [[nodiscard]] Result<OperationId> advertise(TimePoint now, const Address& address,
                                              Duration timeout);
  /// Sends one user message by UDP, without guarantee; it must fit into a packet. Error:
  /// `too_large`.
  [[nodiscard]] Result<void> send_best_effort(TimePoint now, const Address& to, BytesView payload);
  /// Sends one user message by TCP, at most 20 MiB. Completes when its bytes were handed to the
  /// connection; the protocol has no acknowledgement that the peer has read it. Without `timeout`
  /// the connection has `tcp_timeout`. Immediate error: `too_large`; outcomes: `timed_out`, and
  /// what the transport reports (`unreachable`, `system`).
  [[nodiscard]] Result<OperationId> send_reliable(TimePoint now, const Address& to,
                                                  BytesView payload,
                                                  std::optional<Duration> timeout = std::nullopt);
  /// Sends one user message to all members by gossip; it must fit into a packet. Members do not
  /// forward user messages, so this node sends it to each of them, about twice, to some at each
  /// gossip tick; packets can get lost. A named message replaces a queued one of the same name.
  /// Errors: `too_large`, `shut_down` (after a leave).
  [[nodiscard]] Result<void> broadcast(TimePoint now, BytesView payload,
                                       std::string_view name = {});
  /// Pings a known member once, directly. Completes with the round-trip time, or with an error
  /// after `timeout` (unset: `probe_timeout`). Immediate errors: `unknown_member`, `too_large` (64
  /// pings wait); outcome: `timed_out`.
  [[nodiscard]] Result<OperationId> ping(TimePoint now, std::string_view member,
                                         std::optional<Duration> timeout = std::nullopt);
  /// Ends an operation immediately, with `why` as its error; a join that has merged with some
  /// member completes with that result. Aborts the exchanges of the operation; announcements that
  /// were made (leave, meta data) remain. Ignored if the operation is not in progress.
  void cancel(TimePoint now, OperationId operation, Error why);

  /// @}
  /// @name Keys (protocol 2, Encryption)
  /// Each change applies from the next packet and stream on. Errors name the key by its
  /// fingerprint, or the limit, and change nothing. Commands, like those above, and two views.
  /// Since 0.1.
  /// @{

  /// Adds a key for decryption, after the others; the first key becomes the primary, which encrypts
  /// immediately (see `set_gossip_verify`). At most 16; adding a key twice has no effect. Errors:
  /// `crypto` (the key's length), `invalid_argument` (16 keys), `system` (OpenSSL).
  [[nodiscard]] Result<void> add_key(BytesView key);
  /// Makes a key of the keyring the primary, which encrypts. Error: `invalid_argument` (not in the
  /// keyring).
  [[nodiscard]] Result<void> use_key(BytesView key);
  /// The same, by the key's fingerprint; an unknown one is an error.
  [[nodiscard]] Result<void> use_key(std::string_view fingerprint);
  /// Removes a key other than the primary, and wipes it. Removing an unknown key has no effect.
  /// Error: `invalid_argument` (the primary, an unknown fingerprint).
  [[nodiscard]] Result<void> remove_key(BytesView key);
  /// The same, by the key's fingerprint; an unknown one is an error.
  [[nodiscard]] Result<void> remove_key(std::string_view fingerprint);
  /// The keyring, the primary first.
  [[nodiscard]] std::vector<KeyInfo> keys() const;
  /// Changes `gossip_verify_incoming`, `gossip_verify_outgoing` or both, so that encryption can be
  /// turned on in a running cluster (docs/encryption.md).
  void set_gossip_verify(std::optional<bool> incoming, std::optional<bool> outgoing);
  /// The present values of the two switches.
  [[nodiscard]] GossipVerify gossip_verify() const noexcept;

  /// @}
  /// @name Views
  /// They change nothing. From the thread that drives the engine; from a Policy they show the state
  /// in the middle of the input. Since 0.1.
  /// @{

  /// All members in the table, sorted by name; rebuilt only after changes.
  [[nodiscard]] MemberSnapshot members() const;
  /// The changes of the table since the last call, at most one for each member and each forgotten
  /// one, for `MemberSnapshot::with`: a view for other threads that costs what has changed. Nothing
  /// without `EngineEnvironment::member_changes`.
  [[nodiscard]] std::vector<MemberChange> take_member_changes();
  /// One member by its name, in any status; `std::nullopt` if it is not in the table.
  [[nodiscard]] std::optional<Member> member(std::string_view name) const;
  /// This node as it sees itself.
  [[nodiscard]] Member local_member() const;
  /// The number of members that are alive or suspect, including this node.
  [[nodiscard]] std::size_t live_count() const noexcept;
  /// Lifeguard's local health: from 0, healthy, to `awareness_max_multiplier` - 1.
  [[nodiscard]] std::uint32_t health_score() const noexcept;
  /// The counters since the engine was created, and the present gauges.
  [[nodiscard]] EngineCounters counters() const;
  /// The number of inputs and commands that the engine has handled: that of the last one, in the
  /// order in which `EngineEnvironment::on_input` sees them. The first is 1; 0 is the creation.
  [[nodiscard]] std::uint64_t input_number() const noexcept;
  /// A digest of name, address, meta data, incarnation and status of all live members: equal on
  /// nodes whose views agree.
  [[nodiscard]] std::uint64_t view_digest() const;
  /// The configuration, with the present `gossip_verify_*` and without keys.
  [[nodiscard]] const Config& config() const noexcept;
  /// The switches that the engine was created with.
  [[nodiscard]] const Behaviour& behaviour() const noexcept;
  /// The largest payload that `broadcast` and `send_best_effort` accept, in bytes.
  [[nodiscard]] std::size_t max_packet_payload() const noexcept;

  /// @}
  /// @name Outputs
  /// Only from the thread that drives the engine, between two inputs. Since 0.1.
  /// @{

  /// The actions to perform, in order; valid until `clear_outputs` or the next input or command
  /// (the bytes of packets until `clear_outputs`).
  [[nodiscard]] std::span<Output> outputs() noexcept;
  /// Drops the outputs after they were performed.
  void clear_outputs() noexcept;

  /// @}
 private:
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace memberlist
