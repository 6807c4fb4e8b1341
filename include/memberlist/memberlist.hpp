#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/async.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/call.hpp"
#include "memberlist/config.hpp"
#include "memberlist/counters.hpp"
#include "memberlist/error.hpp"
#include "memberlist/event.hpp"
#include "memberlist/export.hpp"
#include "memberlist/key.hpp"
#include "memberlist/member.hpp"
#include "memberlist/metrics.hpp"
#include "memberlist/policy.hpp"
#include "memberlist/runtime.hpp"
#include "memberlist/time.hpp"
#include "memberlist/transport.hpp"

namespace memberlist {

class Memberlist;

/// The application's callbacks. All may be empty.
///
/// Events report what has happened: one function receives all of them, in order, and the protocol
/// does not wait for it. Decisions that cannot wait are a Policy: a few small functions, called in
/// the middle of a state change, all with defaults.
///
/// The library holds no lock while it calls any of these, and no function that does not block waits
/// for a thread that may be inside one of them. So the application may take a mutex of its own in a
/// callback, and hold the same one around such calls.
struct Handlers {
  /// Receives all events in order, in batches, on a thread that the Memberlist owns (created only
  /// if this is set). A batch is all that has happened since the last call: 1 to 256 events, with
  /// at most 1 MiB of payload (a single event may have more). Do at its end what needs to be done
  /// only once for many changes, such as rebuilding a ring.
  ///
  /// `list` is the member that the events are about, and valid during the call. It is an object of
  /// its own: the one that `create` returns may not exist yet, or be moved or destroyed meanwhile.
  /// Do not move from `list`. The handler may call any function, including blocking ones, and may
  /// take its time: the protocol continues. Queued user messages and merged states are limited
  /// (`handoff_queue_depth`, and 64 MiB; the oldest are dropped first, counted as
  /// `EngineCounters::dropped_limit` and logged); membership events are never dropped. Events from
  /// before a `shutdown` are delivered before it returns, unless the handler calls it: then this
  /// batch is the last. The handler may destroy the Memberlist; `list` stays readable until it
  /// returns. It must not throw.
  std::function<void(Memberlist& list, std::span<const Event> batch)> on_events{};
  /// @deprecated Use `on_events`; the next version removes this. Receives one event per call, but
  /// not the `join`, `update` and `leave` of this node (`MemberEvent::self`); otherwise like
  /// `on_events`. If both are set, `create` fails with `invalid_argument`.
  std::function<void(const Event&)> on_event{};
  /// Receives log records, one at a time, on the protocol thread: return quickly, and do not throw.
  /// Functions that do not block may be called; blocking ones fail with `invalid_argument`.
  std::function<void(const LogRecord&)> on_log{};
  /// Receives metrics on the protocol thread (see MetricsSink). Null: no metrics, at no cost.
  std::shared_ptr<MetricsSink> metrics{};
  /// Labels added to every metric, in this order; the library's own label follows them.
  std::vector<MetricLabel> metric_labels{};
  /// Makes decisions (see Policy). Called on the protocol thread, in the middle of a turn: return
  /// quickly, and do not throw. Views (`members` and the like) may be called, and show the state
  /// before the turn; commands fail with `invalid_argument`.
  std::shared_ptr<Policy> policy{};
};

/// Which thread runs a member, and which network it uses.
struct Hosting {
  /// Runs the protocol on this thread, shared with other members; unset: on a separate thread.
  std::optional<Runtime> runtime{};
  /// Creates the member's Transport; empty: UDP and TCP sockets.
  TransportFactory transport{};
};

/// Parses an address for `Config::bind` or `Config::advertise`. Like `Address::parse`, but the zone
/// of an IPv6 address may also be the name of a network interface of this machine
/// (`[fe80::1%eth0]:7946`). Error: `invalid_argument`, with the text as its subject; for an unknown
/// interface the message lists the existing ones.
[[nodiscard]] MEMBERLIST_API Result<Address> parse_address(std::string_view text,
                                                           std::uint16_t default_port);

/// Checks whether `Memberlist::join` can parse an address (`[NAME/]HOST[:PORT]`), so that mistakes
/// are found before there is a member. Does not resolve names. `default_port` is the member's own
/// port. Error: `invalid_argument`, with the text as its subject and a suggested correction.
[[nodiscard]] MEMBERLIST_API Result<void> check_join_address(std::string_view text,
                                                             std::uint16_t default_port);

/// How a user message is sent.
enum class Delivery : std::uint8_t {
  best_effort,  ///< one UDP packet, without delivery guarantee
  reliable,     ///< over TCP; done once TCP has accepted the bytes, without an acknowledgement
};

/// One answered ping.
struct PingResult {
  Duration round_trip{};  ///< from the ping to its ack
  Bytes payload{};        ///< what the peer's Policy put into the ack
};

/// A member of a cluster: the engine combined with a transport (UDP and TCP by default) and a
/// thread that runs them.
///
/// Thread-safe: every function may be called from any thread, and from `Handlers::on_events`.
/// Functions that block say so; all others only hand a command to the protocol thread, or read what
/// it has published last. A view is never older than an event that was delivered, or a call that
/// has returned its outcome. Each function that blocks has an asynchronous version, `..._async`,
/// that takes a callback or returns an Awaitable for `co_await`. The callback runs exactly once
/// with the outcome, on the event thread, in order with the events and without any lock held, and
/// may call any function; after a shutdown it runs on a calling thread, never within another one.
/// After `shutdown`, and in a forked child, calls fail with `ErrorCode::shut_down`; views stay
/// readable. Movable. The destructor shuts down (without leaving), joins the threads and destroys
/// the handlers; no other thread may be inside a call by then. docs/guide/ends.md has the details.
class MEMBERLIST_API Memberlist {
 public:
  /// @name Life
  /// `create` from any thread; the others from one thread at a time. Since 0.1.
  /// @{

  /// Binds UDP and TCP and starts the thread, unless `hosting` changes this. The member is alone
  /// until `join`. The keys are moved into the keyring, and no other copy is kept; the caller
  /// should `wipe` its own copies. Errors: `invalid_argument` (names the knob), `too_large` (meta
  /// data), `crypto` (the length of a key), `address_in_use`, `no_address`, `shut_down` (the thread
  /// of `Hosting::runtime` is a parent process's), `system`, and those of `Hosting::transport`. If
  /// memory runs out it throws std::bad_alloc, as any call does, and has released everything.
  [[nodiscard]] static Result<Memberlist> create(Config config, Handlers handlers = {},
                                                 const Hosting& hosting = {});

  /// A moved-from object can only be destroyed or assigned.
  Memberlist(Memberlist&&) noexcept;
  /// Shuts down the previous member.
  Memberlist& operator=(Memberlist&&) noexcept;
  /// Shuts down without leaving. In a forked child it does nothing.
  ~Memberlist();

  /// @}
  /// @name Commands
  /// From any thread and any callback; those that block, not on the thread that runs the protocol
  /// (log, metrics, Policy), where they fail with `invalid_argument`. From a Policy all fail, with
  /// the same. Apart from the errors that each names, all commands and changes of keys fail with
  /// `shut_down` after `shutdown`, and with `too_large` while thousands of commands wait for the
  /// protocol thread. Since 0.1.
  /// @{

  /// Joins through `[name/]host[:port]` addresses. Each call resolves host names again and tries
  /// every address found. Blocks until all have answered or failed (each within `tcp_timeout`), or
  /// until the options end it. Fails only if no other member answered (then it is retried if the
  /// options say so), or if this node's name is taken (`Engine::join`; protocol 6 and 9). Errors:
  /// `invalid_argument` (an address or an option), `name_required`, `unresolved`, `unreachable`,
  /// `timed_out`, `cancelled`, `refused_by_peer`, `incompatible`, `vetoed`, `own_address`,
  /// `name_taken`, `protocol`, `crypto` (the two sides differ in keys), `too_large` (the state),
  /// `shut_down` (also after a leave), `system` (no descriptor, no thread for a look-up).
  [[nodiscard]] JoinOutcome join(const std::vector<std::string>& addresses,
                                 const JoinOptions& options = {});
  /// Asynchronous version; calls `done` once.
  void join_async(const std::vector<std::string>& addresses, const JoinOptions& options,
                  std::function<void(JoinOutcome)> done);
  /// Asynchronous version for `co_await`.
  [[nodiscard]] Awaitable<JoinOutcome> join_async(std::vector<std::string> addresses,
                                                  JoinOptions options = {});

  /// Leaves the cluster gracefully. Blocks until the leave message has been transmitted the
  /// required number of times, or until the timeout (5 s by default). After a timeout or a
  /// cancellation the node has still left, but fewer peers may have been notified. The object
  /// answers its peers until `shutdown` (protocol 6, Leave). Errors: `timed_out`, `cancelled`.
  [[nodiscard]] Result<void> leave(const CallOptions& options = {});
  /// The same with only a timeout.
  [[nodiscard]] Result<void> leave(Duration timeout) { return leave(CallOptions{timeout}); }
  /// Asynchronous version; calls `done` once.
  void leave_async(const CallOptions& options, std::function<void(Result<void>)> done);
  /// Asynchronous version for `co_await`.
  [[nodiscard]] Awaitable<Result<void>> leave_async(CallOptions options = {});

  /// Sets the meta data (at most 512 bytes, and at most what fits a packet of `udp_buffer_size`).
  /// Blocks until the update has been transmitted, or until the timeout (5 s by default). With
  /// `timed_out` or `cancelled` the change still takes effect. If the advertised address was
  /// detected and the machine no longer has it, it is detected again and announced with the meta
  /// data: the others see this member leave and join (`Engine::advertise`), and the timeout is 10 s
  /// by default. `config()` keeps the initial address, `local_member()` has the new one. Errors:
  /// `too_large` (names the limit), `timed_out`, `cancelled`, `shut_down` (also after a leave).
  [[nodiscard]] Result<void> update_meta(BytesView meta, const CallOptions& options = {});
  /// The same with only a timeout.
  [[nodiscard]] Result<void> update_meta(BytesView meta, Duration timeout) {
    return update_meta(meta, CallOptions{timeout});
  }
  /// Asynchronous version; calls `done` once.
  void update_meta_async(BytesView meta, const CallOptions& options,
                         std::function<void(Result<void>)> done);
  /// Asynchronous version for `co_await`.
  [[nodiscard]] Awaitable<Result<void>> update_meta_async(Bytes meta, CallOptions options = {});

  /// Sends a user message to one live member. `reliable` blocks until TCP has accepted the bytes,
  /// or until the timeout (`tcp_timeout` by default). `best_effort` does not wait for the network;
  /// while 1,024 messages wait for the protocol thread it blocks for up to 5 s, then it fails with
  /// `timed_out`. It ignores the options. Errors: `unknown_member`, `member_not_alive`, `too_large`
  /// (names the limit), `unreachable`, `timed_out`, `cancelled`, `system` (no descriptor).
  [[nodiscard]] Result<void> send(std::string_view member, BytesView payload,
                                  Delivery delivery = Delivery::best_effort,
                                  const CallOptions& options = {});
  /// The same to an address, whichever node has it. Error: `name_required`, with
  /// `require_node_names`.
  [[nodiscard]] Result<void> send(const Address& to, BytesView payload,
                                  Delivery delivery = Delivery::best_effort,
                                  const CallOptions& options = {});
  /// Sends a reliable message asynchronously; calls `done` once.
  void send_async(std::string_view member, BytesView payload, const CallOptions& options,
                  std::function<void(Result<void>)> done);
  /// Asynchronous version for `co_await`.
  [[nodiscard]] Awaitable<Result<void>> send_async(std::string member, Bytes payload,
                                                   CallOptions options = {});

  /// Sends a user message to all members by gossip; receivers may get it more than once. A message
  /// with a name replaces an earlier one of that name that is still queued. Does not block. Errors:
  /// `too_large` (names the limit), `shut_down` (also after a leave).
  [[nodiscard]] Result<void> broadcast(BytesView payload, std::string_view name = {});

  /// Pings a member once. Blocks until the answer, or until the timeout (`probe_timeout` by
  /// default). Errors: `unknown_member`, `timed_out`, `cancelled`, `too_large` (64 pings wait).
  [[nodiscard]] Result<PingResult> ping(std::string_view member, const CallOptions& options = {});
  /// Asynchronous version; calls `done` once.
  void ping_async(std::string_view member, const CallOptions& options,
                  std::function<void(Result<PingResult>)> done);
  /// Asynchronous version for `co_await`.
  [[nodiscard]] Awaitable<Result<PingResult>> ping_async(std::string member,
                                                         CallOptions options = {});

  /// Stops the member without notifying the cluster. The ports are free when it returns (if called
  /// on the thread of a Runtime, which must not block, soon after). Idempotent. In a forked child
  /// it does nothing: the ports stay taken until the child ends or calls exec.
  void shutdown();

  /// @}
  /// @name Keys
  /// As in Engine. Commands that never wait, and two views. A change holds for whatever is sent or
  /// received after the call has returned. A removed key is wiped as soon as the protocol thread
  /// takes the change, which is before it does anything else. Since 0.1.
  /// @{

  /// See `Engine::add_key`. Errors: `crypto` (the key's length), `invalid_argument` (16 keys),
  /// `system`.
  [[nodiscard]] Result<void> add_key(BytesView key);
  /// See `Engine::use_key`. Error: `invalid_argument` (not in the keyring).
  [[nodiscard]] Result<void> use_key(BytesView key);
  /// See `Engine::use_key`.
  [[nodiscard]] Result<void> use_key(std::string_view fingerprint);
  /// See `Engine::remove_key`. Error: `invalid_argument` (the primary, an unknown fingerprint).
  [[nodiscard]] Result<void> remove_key(BytesView key);
  /// See `Engine::remove_key`.
  [[nodiscard]] Result<void> remove_key(std::string_view fingerprint);
  /// The keyring, the primary first.
  [[nodiscard]] std::vector<KeyInfo> keys() const;
  /// See `Engine::set_gossip_verify`; `std::nullopt` leaves a switch unchanged. Errors: only those
  /// of all commands.
  [[nodiscard]] Result<void> set_gossip_verify(std::optional<bool> incoming,
                                               std::optional<bool> outgoing);
  /// The current state of both switches.
  [[nodiscard]] GossipVerify gossip_verify() const;

  /// @}
  /// @name Views
  /// Immutable values. From any thread and any callback; they never block. In a forked child, a
  /// view that another thread was changing at the fork is empty. Since 0.1.
  /// @{

  /// All known members, sorted by name, including dead and left ones for as long as they are
  /// remembered.
  [[nodiscard]] MemberSnapshot members() const;
  /// A member by name, with any status; `std::nullopt` if it is unknown.
  [[nodiscard]] std::optional<Member> member(std::string_view name) const;
  /// This node as it sees itself.
  [[nodiscard]] Member local_member() const;
  /// The address on which this node listens (with the bound port, even if port 0 was requested).
  [[nodiscard]] Address local_address() const;
  /// Lifeguard's local health score: 0 is healthy, `awareness_max_multiplier` - 1 is the worst.
  [[nodiscard]] std::uint32_t health_score() const;
  /// Counters since `create`, and current gauges.
  [[nodiscard]] EngineCounters counters() const;
  /// See `Engine::view_digest`.
  [[nodiscard]] std::uint64_t view_digest() const;
  /// The maximum payload in bytes for `broadcast` and a best-effort `send`.
  [[nodiscard]] std::size_t max_packet_payload() const;
  /// The configuration at creation: without keys, and with the initial `gossip_verify_*`.
  [[nodiscard]] const Config& config() const noexcept;
  /// Converts a moment on the engine's time line, such as `Member::since`, to calendar time.
  [[nodiscard]] std::chrono::system_clock::time_point wall_clock(TimePoint moment) const;

  /// @}
 private:
  class Impl;
  explicit Memberlist(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
};

}  // namespace memberlist
