#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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

/// What the application wants to hear, and to decide. All may be empty.
///
/// What has happened comes as events, through one function, in one order: one place to switch on
/// the kinds, and nothing of the protocol waits for it. What cannot wait for an answer is a Policy:
/// few small decisions in the middle of a state change, all with defaults.
struct Handlers {
  /// Every event, one at a time and in order, outside any lock, on a thread of its own that the
  /// Memberlist owns (made only if this is set). It may call everything, also the calls that
  /// block, and may take its time: the protocol goes on. User messages and merged states that
  /// wait for it are bounded (`handoff_queue_depth`, and 64 MiB; the oldest go first, counted as
  /// `EngineCounters::dropped_limit` and logged); membership events are never dropped. What was
  /// told before a `shutdown` is delivered before it returns, unless the handler itself calls it.
  /// It may even destroy the Memberlist, and must not throw.
  std::function<void(const Event&)> on_event;
  /// Log records; called from the thread that runs the protocol, one at a time, so be quick. Must
  /// not call a Memberlist of that thread, and must not throw.
  std::function<void(const LogRecord&)> on_log;
  /// Metrics; called from the thread that runs the protocol (see MetricsSink). Null: there are
  /// none, and they cost nothing.
  std::shared_ptr<MetricsSink> metrics;
  /// Labels that every metric has, in this order; what the library adds comes behind them.
  std::vector<MetricLabel> metric_labels;
  /// Decisions (see Policy), made while the protocol's lock is held, on whichever thread has it:
  /// be quick, and do not throw. Views (`members` and the like) answer from within; commands are
  /// refused with `invalid_argument`.
  std::shared_ptr<Policy> policy;
};

/// Where a member runs: whose thread, and over which network.
struct Hosting {
  /// Runs the protocol on this thread, beside other members; unset: on one of its own.
  std::optional<Runtime> runtime;
  /// Makes the member's Transport; empty: UDP and TCP sockets.
  TransportFactory transport;
};

/// An address as people write it, for `Config::bind` and `Config::advertise`: as `Address::parse`,
/// and the zone of an IPv6 address may be the name of an interface of this machine
/// (`[fe80::1%eth0]:7946`), where that takes numbers only. Error: `invalid_argument`, with the text
/// as its subject; of an unknown interface it says which ones there are.
[[nodiscard]] MEMBERLIST_API Result<Address> parse_address(std::string_view text,
                                                           std::uint16_t default_port);

/// Whether `Memberlist::join` can read an address (`[NAME/]HOST[:PORT]`), so that a mistake is
/// found before there is a member. Nothing is looked up. `default_port` is the member's own. Error:
/// `invalid_argument`, with the text as its subject and a guess at what was meant.
[[nodiscard]] MEMBERLIST_API Result<void> check_join_address(std::string_view text,
                                                             std::uint16_t default_port);

/// How a user message travels.
enum class Delivery : std::uint8_t {
  best_effort,  ///< one UDP packet, no promise
  reliable,     ///< over TCP; returns once the bytes were handed over, with no word from the peer
};

/// One answered ping.
struct PingResult {
  Duration round_trip{};  ///< from the ping to its ack
  Bytes payload;          ///< what the peer's ping delegate put into the ack
};

/// A member of a cluster: the engine joined with a transport (UDP and TCP, if nothing else is said)
/// and a thread that runs them.
///
/// Every call is allowed from every thread, and from `Handlers::on_event`. Calls wait for the
/// network only where they say so, and each that does has a twin that does not, `..._async`: with a
/// function that is called once with the outcome, or without one for `co_await` (see Awaitable). It
/// is called on the event thread, in order with the events, outside any lock, and may call
/// everything; after a shutdown on the calling thread. After `shutdown` calls fail with
/// `ErrorCode::shut_down`; views stay readable. Movable; the destructor shuts down (without
/// leaving) and joins the threads.
class MEMBERLIST_API Memberlist {
 public:
  /// Binds UDP and TCP, starts the thread, unless `hosting` says otherwise. The member is alone
  /// until `join`. No copy of the keys is left in `config` or elsewhere but in the keyring; a
  /// Config that the caller keeps is the caller's to `wipe`. Errors: `invalid_argument` (names the
  /// knob), `address_in_use`, `no_address`, `crypto`, `system`.
  [[nodiscard]] static Result<Memberlist> create(Config config, Handlers handlers = {},
                                                 const Hosting& hosting = {});

  /// What was moved from can only be destroyed or assigned.
  Memberlist(Memberlist&&) noexcept;
  /// Shuts down the one that was here before.
  Memberlist& operator=(Memberlist&&) noexcept;
  /// Shuts down, without leaving.
  ~Memberlist();

  /// Joins through `[name/]host[:port]` addresses; host names are resolved, at each call anew, and
  /// each address found is tried. Waits until all have answered or failed (each has `tcp_timeout`),
  /// or the options end it. An error only if nobody else answered, which is tried again if the
  /// options say so, or if this node's name is taken (`Engine::join`; protocol 6 and 9).
  [[nodiscard]] Result<JoinResult> join(const std::vector<std::string>& addresses,
                                        const JoinOptions& options = {});
  /// The same without waiting: `done` is called once.
  void join_async(const std::vector<std::string>& addresses, const JoinOptions& options,
                  std::function<void(Result<JoinResult>)> done);
  /// The same for `co_await`.
  [[nodiscard]] Awaitable<Result<JoinResult>> join_async(std::vector<std::string> addresses,
                                                         JoinOptions options = {});

  /// Tells the cluster that this node goes and waits until that was sent, 5 s if nothing else is
  /// said; with an error it was told less often than it should. The object still answers its peers
  /// until `shutdown` (protocol 6, Leave).
  [[nodiscard]] Result<void> leave(const CallOptions& options = {});
  /// The same with nothing but a timeout.
  [[nodiscard]] Result<void> leave(Duration timeout) { return leave(CallOptions{timeout}); }
  /// The same without waiting: `done` is called once.
  void leave_async(const CallOptions& options, std::function<void(Result<void>)> done);
  /// The same for `co_await`.
  [[nodiscard]] Awaitable<Result<void>> leave_async(CallOptions options = {});

  /// New meta data of at most 512 bytes, and of what a packet of `udp_buffer_size` holds; waits
  /// until it was sent, 5 s if nothing else is said. With `timed_out` or `cancelled` the change
  /// stands all the same. Where the advertised address was detected and the machine has it no more,
  /// it is detected again, and told with the meta data: the others see this member leave and join
  /// (`Engine::advertise`), for which it waits 10 s. `config()` keeps the first one,
  /// `local_member()` has the new one.
  [[nodiscard]] Result<void> update_meta(BytesView meta, const CallOptions& options = {});
  /// The same with nothing but a timeout.
  [[nodiscard]] Result<void> update_meta(BytesView meta, Duration timeout) {
    return update_meta(meta, CallOptions{timeout});
  }
  /// The same without waiting: `done` is called once.
  void update_meta_async(BytesView meta, const CallOptions& options,
                         std::function<void(Result<void>)> done);
  /// The same for `co_await`.
  [[nodiscard]] Awaitable<Result<void>> update_meta_async(Bytes meta, CallOptions options = {});

  /// A user message to one live member. `reliable` waits for the connection, for `tcp_timeout` if
  /// nothing else is said; `best_effort` does not wait, unless so many are sent at once that the
  /// thread must catch up, and takes no options. Errors: `unknown_member`, `member_not_alive`,
  /// `too_large` (names the limit), `unreachable`.
  [[nodiscard]] Result<void> send(std::string_view member, BytesView payload,
                                  Delivery delivery = Delivery::best_effort,
                                  const CallOptions& options = {});
  /// The same to an address, whoever is there; with `require_node_names` an error.
  [[nodiscard]] Result<void> send(const Address& to, BytesView payload,
                                  Delivery delivery = Delivery::best_effort,
                                  const CallOptions& options = {});
  /// A reliable message without waiting: `done` is called once.
  void send_async(std::string_view member, BytesView payload, const CallOptions& options,
                  std::function<void(Result<void>)> done);
  /// The same for `co_await`.
  [[nodiscard]] Awaitable<Result<void>> send_async(std::string member, Bytes payload,
                                                   CallOptions options = {});

  /// A user message to all members by gossip; receivers may get it more than once. One with a name
  /// replaces an earlier one of that name that is still queued. Never waits.
  [[nodiscard]] Result<void> broadcast(BytesView payload, std::string_view name = {});

  /// Pings a member once and waits for its answer, for `probe_timeout` if nothing else is said.
  [[nodiscard]] Result<PingResult> ping(std::string_view member, const CallOptions& options = {});
  /// The same without waiting: `done` is called once.
  void ping_async(std::string_view member, const CallOptions& options,
                  std::function<void(Result<PingResult>)> done);
  /// The same for `co_await`.
  [[nodiscard]] Awaitable<Result<PingResult>> ping_async(std::string member,
                                                         CallOptions options = {});

  /// Stops everything without a word to the cluster, and frees the ports before it returns (on the
  /// thread of a Runtime, where waiting would never end, soon after). Idempotent.
  void shutdown();

  // --- keys: as in Engine, never wait -----------------------------------------------------------

  /// See `Engine::add_key`.
  [[nodiscard]] Result<void> add_key(BytesView key);
  /// See `Engine::use_key`.
  [[nodiscard]] Result<void> use_key(BytesView key);
  /// See `Engine::use_key`.
  [[nodiscard]] Result<void> use_key(std::string_view fingerprint);
  /// See `Engine::remove_key`.
  [[nodiscard]] Result<void> remove_key(BytesView key);
  /// See `Engine::remove_key`.
  [[nodiscard]] Result<void> remove_key(std::string_view fingerprint);
  /// The keyring, the primary first.
  [[nodiscard]] std::vector<KeyInfo> keys() const;
  /// See `Engine::set_gossip_verify`; what is `std::nullopt` stays as it is.
  [[nodiscard]] Result<void> set_gossip_verify(std::optional<bool> incoming,
                                               std::optional<bool> outgoing);
  /// The two switches as they are now.
  [[nodiscard]] GossipVerify gossip_verify() const;

  // --- views: immutable, never wait for the network ---------------------------------------------

  /// Everyone known, sorted by name, with the dead and left for as long as they are remembered.
  [[nodiscard]] MemberSnapshot members() const;
  /// One member by its name, whatever its status; `std::nullopt` if it is not known.
  [[nodiscard]] std::optional<Member> member(std::string_view name) const;
  /// This node as it sees itself.
  [[nodiscard]] Member local_member() const;
  /// Where this node listens (the port is the bound one, also if 0 was asked for).
  [[nodiscard]] Address local_address() const;
  /// Lifeguard's local health: 0 is healthy, `awareness_max_multiplier` - 1 the worst.
  [[nodiscard]] std::uint32_t health_score() const;
  /// What was counted since `create`, and the gauges of now.
  [[nodiscard]] EngineCounters counters() const;
  /// See `Engine::view_digest`.
  [[nodiscard]] std::uint64_t view_digest() const;
  /// The largest payload in bytes that `broadcast` and a best-effort `send` take.
  [[nodiscard]] std::size_t max_packet_payload() const;
  /// As it was made: without keys, and with the `gossip_verify_*` of the beginning.
  [[nodiscard]] const Config& config() const noexcept;
  /// The calendar time of a moment on the engine's time line, e.g. of `Member::since`.
  [[nodiscard]] std::chrono::system_clock::time_point wall_clock(TimePoint moment) const;

 private:
  class Impl;
  explicit Memberlist(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
};

}  // namespace memberlist
