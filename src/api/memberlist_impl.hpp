#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "api/call.hpp"
#include "api/command_queue.hpp"
#include "api/event_queue.hpp"
#include "api/join_addresses.hpp"
#include "api/metrics_output.hpp"
#include "api/published.hpp"
#include "api/runtime_impl.hpp"
#include "api/task_line.hpp"
#include "base/hidden.hpp"
#include "base/random.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/input.hpp"
#include "memberlist/memberlist.hpp"
#include "memberlist/transport.hpp"
#include "net/advertised.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"
#include "swim/key_book.hpp"

namespace memberlist {

/// The parts of a Memberlist: the engine, the transport that feeds it, and their threads: a
/// runtime's, which may be shared, and one for events.
///
/// Only the loop's thread touches the engine. Each turn takes the waiting commands, then an
/// input; it publishes what has changed (api::Published), carries out the outputs, and then
/// delivers log, metrics, events and outcomes. The other threads read what is published,
/// and hand over commands (api::CommandQueue). What can be refused without the engine is refused in
/// the calling thread, by the same rules. No mutex is held while code of the application runs, and
/// each is held only briefly (except in api::Published); so the application may hold its own around
/// any call that does not block, and take it in any callback.
///
/// A call that takes time is an api::Call: registered under the engine's operation, completed by
/// the loop's thread, or by `shutdown`. Blocking calls wait for it, asynchronous ones hand its
/// outcome to the event queue, which owns all outcomes: each is delivered from there, and none from
/// within another.
///
/// What is posted to the loop may come after the end of this member, where the loop goes on for
/// others: it finds nothing then. Transport, resolver and deadline are made before the member
/// starts, and end on the loop's thread.
class MEMBERLIST_HIDDEN Memberlist::Impl final : public TransportHandler,
                                                 public std::enable_shared_from_this<Impl> {
 public:
  [[nodiscard]] static Result<std::shared_ptr<Impl>> create(Config config, Handlers handlers,
                                                            const Hosting& hosting);
  Impl(Config config, Handlers handlers, std::shared_ptr<Runtime::Impl> runtime, bool own_runtime);

  template <class T>
  using Done = std::function<void(T)>;
  /// The destination of a message: a member by name, or an address.
  using Receiver = std::variant<std::string_view, Address>;

  // Each begins what its name says. `done` is called once, on the loop's thread, the thread that
  // shuts down, or, with an error, the calling one.
  void join(const std::vector<std::string>& addresses, const JoinOptions& options,
            Done<JoinOutcome> done);
  void leave(const CallOptions& options, Done<Result<void>> done);
  void update_meta(BytesView meta, const CallOptions& options, Done<Result<void>> done);
  void send_reliable(const Receiver& to, BytesView payload, const CallOptions& options,
                     Done<Result<void>> done);
  void ping(std::string_view member, const CallOptions& options, Done<Result<PingResult>> done);

  [[nodiscard]] Result<void> send_now(const Receiver& to, BytesView payload);
  [[nodiscard]] Result<void> broadcast(BytesView payload, std::string_view name);
  void shutdown();
  /// Shuts the member down, if there is one, and lets go of it.
  static void end(std::shared_ptr<Impl> impl);

  /// Begins by `begin(done)`, and waits for what `done` is called with.
  template <class T, class Begin>
  [[nodiscard]] T wait(Begin&& begin);
  /// A `done` that calls the application's function in order with the events.
  template <class T>
  [[nodiscard]] Done<T> on_event_thread(Done<T> call);

  // Changes of keys: of the copy at once, of the engine before the next input.
  [[nodiscard]] Result<void> add_key(BytesView key);
  [[nodiscard]] Result<void> use_key(input::KeyChoice key);
  [[nodiscard]] Result<void> remove_key(input::KeyChoice key);
  [[nodiscard]] Result<void> set_gossip_verify(std::optional<bool> incoming,
                                               std::optional<bool> outgoing);

  [[nodiscard]] const api::Published& published() const noexcept { return published_; }
  [[nodiscard]] std::vector<KeyInfo> keys() const;
  [[nodiscard]] GossipVerify gossip_verify() const;
  [[nodiscard]] EngineCounters counters() const;
  [[nodiscard]] std::uint64_t view_digest() const;
  [[nodiscard]] std::size_t max_packet_payload() const noexcept { return max_packet_payload_; }
  [[nodiscard]] const Config& config() const noexcept { return config_; }
  [[nodiscard]] const Address& local_address() const noexcept { return config_.bind; }

  // --- TransportHandler: on the loop's thread
  void on_packets(std::span<const ReceivedPacket> packets) override;
  void on_send_error(const Address& to, const Error& error) override;
  std::optional<StreamId> on_accept(const Address& from) override;
  void on_stream(StreamId id, const StreamEvent& event) override;
  void on_accept_error(const Error& error) override;

 private:
  using Outcome = api::Call::Outcome;
  using CallPointer = std::shared_ptr<api::Call>;
  /// Nothing of the member is left on the loop, nor does anything there refer to it. Apart from the
  /// member, which may be gone by then.
  struct End {
    void tell();
    void wait();

    std::mutex mutex;
    std::condition_variable changed;
    bool is_told = false;
  };
  struct Joining;
  using JoiningPointer = std::shared_ptr<Joining>;

  // --- create
  [[nodiscard]] static Result<void> check_runtime(const std::shared_ptr<Runtime::Impl>& runtime);
  Result<void> open(std::vector<Bytes> keys, const TransportFactory& make_transport);
  [[nodiscard]] std::function<Result<std::unique_ptr<Transport>>(TransportHandler&)> sockets()
      const;
  Result<void> choose_advertised(const Address& bound);
  Result<void> make_engine(std::vector<Bytes> keys);
  Result<void> seed(EngineEnvironment& environment);
  [[nodiscard]] api::EventQueue::Handler event_handler();
  [[nodiscard]] api::EventQueueLimits event_limits() const;
  void start();
  void warn_if_open() const;
  void log_choice(const net::AdvertisedChoice& choice) const;
  void warn_of_networks(const IpAddress& own) const;

  // --- the loop's thread, which alone touches the engine
  /// Runs `task(*this)` there soon, unless this member has ended by then. From any thread.
  template <class Task>
  void post(Task task);
  template <class Input>
  void feed(Input&& input);
  void on_deadline();
  void flush();  // a turn without an input
  void run_commands();
  void publish();
  void carry_out(Output& output);
  void carry_out_all();
  void deliver();
  void log(const LogRecord& record) const;
  void cancel(const CallPointer& call);
  void ask(const JoiningPointer& joining, const CallPointer& call);
  void pause(const JoiningPointer& joining, const CallPointer& call, const Error& error);
  void end_pause(const CallPointer& call, TimePoint until);
  Result<void> make_resolver();

  // --- any thread
  using Start = std::function<Result<OperationId>(Engine&, TimePoint)>;
  /// Hands over the start of an operation that carries so many bytes. False: it was refused, and
  /// the call is complete.
  bool begin(Start start, std::size_t bytes, const std::stop_token& stop, const CallPointer& call);
  /// The error with which the call is to be completed, if it is not under way or complete.
  [[nodiscard]] std::optional<Error> hand_over_start(Start start, std::size_t bytes,
                                                     const CallPointer& call);
  /// On the loop's thread, in a turn.
  void start_operation(const CallPointer& call, const Start& start, TimePoint now);
  /// Calls that `waiting_` has, and takes them out: the caller that gets true completes the call.
  [[nodiscard]] bool await(const CallPointer& call);
  [[nodiscard]] bool end_wait(const CallPointer& call);
  [[nodiscard]] Result<void> hand_over(api::Command command);
  [[nodiscard]] Result<void> change_keys(const std::function<Result<void>(swim::KeyBook&)>& change,
                                         std::function<void(Engine&, TimePoint)> run);
  [[nodiscard]] Result<Address> address_of(const Receiver& to) const;
  void watch(const std::stop_token& stop, const CallPointer& call);
  [[nodiscard]] std::optional<net::AdvertisedChoice> detect_moved() const;
  /// Registers a call that is not ended by an operation of the engine, and runs `go_on` on the
  /// loop's thread. Code that completes the call takes it out of `waiting_` first.
  void await_call(const std::stop_token& stop, const CallPointer& call,
                  std::function<void(Impl&)> go_on);
  void try_once(const JoiningPointer& joining);
  void end_try(const JoiningPointer& joining, Error error);
  void look_up(const JoiningPointer& joining);
  void take_answers(Joining& joining) const;
  void dial(const JoiningPointer& joining);
  void finish(const JoiningPointer& joining, Outcome outcome);
  [[nodiscard]] Error shut_down_error() const;
  /// Why no command can be given now, if that is so.
  [[nodiscard]] std::optional<Error> refusal() const;
  [[nodiscard]] bool on_loop_thread() const noexcept;
  /// Whether the caller is what the engine or the transport calls in a turn: a Policy.
  [[nodiscard]] bool in_turn() const noexcept { return on_loop_thread() && in_turn_; }
  [[nodiscard]] bool stopping() const;
  [[nodiscard]] bool forked() const noexcept { return runtime_->fork_guard().in_child(); }
  void finish_transport();
  void close();  // on the loop's thread
  static void close_and_tell(std::shared_ptr<Impl> self);

  // With name, bound address and advertised address filled in, and without keys.
  Config config_;
  bool detects_address_ = false;                   // the advertised one, as nothing names it
  std::optional<net::AdvertisedChoice> detected_;  // at create
  Handlers handlers_;
  api::MetricsOutput metrics_;
  std::shared_ptr<Runtime::Impl> runtime_;
  const bool own_runtime_;
  std::unique_ptr<net::Deadline> deadline_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<net::Resolver> resolver_;  // made for the first name
  std::unique_ptr<api::EventQueue> events_;

  api::Published published_{runtime_->fork_guard()};
  api::CommandQueue commands_{[this] { post([](Impl& self) { self.flush(); }); }};
  std::size_t max_packet_payload_ = 0;
  std::atomic<bool> leaving_ = false;  // a leave was handed over

  mutable std::mutex keys_mutex_;  // also gives the key commands their order
  swim::KeyBook keys_;

  // Guards the registered calls and what is over, and nothing is called while it is held.
  mutable std::mutex mutex_;
  std::unordered_multimap<OperationId, CallPointer> calls_;
  // For their command to be carried out, for a look-up, or for the next try of a join.
  std::unordered_set<CallPointer> waiting_;
  bool stopping_ = false;

  const std::shared_ptr<End> end_ = std::make_shared<End>();
  // Until the transport has ended; the loop's thread alone touches it. In a forked child for ever.
  std::shared_ptr<Impl> kept_alive_;
  api::TaskLine in_child_;  // what `events_` is elsewhere

  // Used by the loop's thread only, once it runs.
  std::unique_ptr<Engine> engine_;  // never null once created
  bool in_turn_ = false;
  std::vector<api::Command> taken_;
  // Collected in a turn, and then delivered.
  std::vector<Event> new_events_;
  std::vector<LogRecord> new_logs_;
  std::vector<std::pair<CallPointer, Outcome>> new_outcomes_;
  std::unordered_map<CallPointer, std::unique_ptr<net::Deadline>> pauses_;  // between two tries
  Random random_{0};
};

template <class Task>
void Memberlist::Impl::post(Task task) {
  runtime_->post([weak = weak_from_this(), task = std::move(task)] {
    if (const auto self = weak.lock(); self && self->transport_) task(*self);
  });
}

template <class T, class Begin>
T Memberlist::Impl::wait(Begin&& begin) {
  if (on_loop_thread() && !in_turn_ && !forked()) {
    return T(fail(
        ErrorCode::invalid_argument,
        "the thread that runs the protocol (a log handler, a policy) must not wait for it: use "
        "the asynchronous call"));
  }
  const auto promise = std::make_shared<std::promise<T>>();
  std::forward<Begin>(begin)([promise](T outcome) { promise->set_value(std::move(outcome)); });
  return promise->get_future().get();
}

template <class T>
Memberlist::Impl::Done<T> Memberlist::Impl::on_event_thread(Done<T> call) {
  return [this, call = std::move(call)](T outcome) {
    auto task = [call, outcome = std::move(outcome)] { call(outcome); };
    if (forked()) return in_child_.run(std::move(task));
    events_->run(std::move(task));
  };
}

}  // namespace memberlist
