#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "api/event_queue.hpp"
#include "api/join_addresses.hpp"
#include "api/waiter.hpp"
#include "memberlist/engine.hpp"
#include "memberlist/memberlist.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"
#include "net/transport.hpp"

namespace memberlist {

/// What a Memberlist is made of: the engine, the sockets that feed it, and two threads.
///
/// One mutex guards the engine. The loop's thread takes it to feed what the sockets bring, and to
/// carry out the engine's outputs, which only it does (sockets never wait, so neither does whoever
/// wants the mutex). Commands take it to call the engine, and post to the loop that there are
/// outputs. What leaves for the application (log, events, outcomes) is collected under the mutex
/// and delivered after it is free.
class Memberlist::Impl final : public net::TransportHandler {
 public:
  [[nodiscard]] static Result<std::shared_ptr<Impl>> create(Config config, Handlers handlers);
  Impl(Config config, Handlers handlers);

  [[nodiscard]] Result<JoinResult> join(const std::vector<std::string>& addresses);
  [[nodiscard]] Result<void> leave(Duration timeout);
  [[nodiscard]] Result<void> update_meta(BytesView meta, Duration timeout);
  [[nodiscard]] Result<void> send(std::string_view member, BytesView payload, Delivery delivery);
  [[nodiscard]] Result<void> broadcast(BytesView payload, std::string_view name);
  [[nodiscard]] Result<PingResult> ping(std::string_view member);
  void shutdown();

  /// Calls `change(engine)` under the mutex; it ends at once, and what it has to log goes out soon.
  [[nodiscard]] Result<void> change(const std::function<Result<void>(Engine&)>& change);
  /// Calls `look(engine)` under the mutex.
  template <class Look>
  [[nodiscard]] auto view(Look&& look) const {
    const std::lock_guard lock(mutex_);
    return look(*engine_);
  }
  [[nodiscard]] EngineCounters counters() const;
  [[nodiscard]] const Config& config() const noexcept { return config_; }
  [[nodiscard]] const Address& local_address() const noexcept { return config_.bind; }

  // --- TransportHandler: on the loop's thread
  void on_packets(std::span<const net::ReceivedPacket> packets) override;
  void on_send_error(const Address& to, const Error& error) override;
  std::optional<StreamId> on_accept(const Address& from) override;
  void on_stream(StreamId id, const StreamEvent& event) override;
  void on_accept_error(const Error& error) override;

 private:
  using Outcome = Result<OperationOutcome>;
  using WaiterPointer = std::shared_ptr<api::Waiter>;
  struct Lookups;

  // --- create
  Result<void> open(std::vector<Bytes> keys);
  Result<void> choose_advertised(const Address& bound);
  Result<void> make_engine(std::vector<Bytes> keys);
  void start();
  void warn_if_open() const;

  // --- the loop's thread
  template <class Input>
  void feed(Input&& input);
  void on_deadline();
  void flush();
  void carry_out(Output& output);
  void carry_out_all();
  void deliver();
  void log(const LogRecord& record) const;

  // --- any thread
  template <class Start>
  Outcome run(Start&& start);
  void request_flush();  // with the mutex held
  Result<void> send_now(std::string_view member, BytesView payload);
  Result<void> look_up(const std::vector<api::JoinAddress>& addresses,
                       std::vector<JoinTarget>& targets, std::vector<Error>& failures);
  void take_answer(const api::JoinAddress& address, const Result<std::vector<IpAddress>>& found,
                   std::vector<JoinTarget>& targets, std::vector<Error>& failures) const;
  [[nodiscard]] Error shut_down_error() const;
  [[nodiscard]] bool stopping() const;
  [[nodiscard]] bool on_loop_thread() const noexcept;
  void stop_loop();

  // With name, bound address and advertised address filled in, and without keys.
  Config config_;
  Handlers handlers_;
  net::Loop loop_;
  std::unique_ptr<net::Transport> transport_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<api::EventQueue> events_;  // null: nobody listens

  mutable std::mutex mutex_;
  std::unique_ptr<Engine> engine_;  // never null once created
  std::unordered_multimap<OperationId, WaiterPointer> waiters_;
  std::unordered_set<WaiterPointer> lookups_;
  std::condition_variable carried_out_;  // outputs were, or it is over
  bool flush_posted_ = false;
  bool stopping_ = false;
  bool stopped_ = false;  // the loop's thread has ended
  std::condition_variable stopped_changed_;
  std::uint64_t packets_dropped_ = 0;

  // Collected under the mutex and then delivered, by the loop's thread only.
  std::vector<Event> new_events_;
  std::vector<LogRecord> new_logs_;
  std::vector<std::pair<WaiterPointer, Outcome>> new_outcomes_;

  std::thread loop_thread_;
  std::thread::id loop_thread_id_;  // set once, and read by all
};

}  // namespace memberlist
