#pragma once

// The common part of the examples with their own event loop: the engine, its outputs, and what to
// show. The examples provide the loop and its sockets.

#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "memberlist/engine.hpp"

namespace examples {

namespace ml = memberlist;

/// The engine's time line: any monotonic clock will do.
inline ml::TimePoint now() {
  return ml::TimePoint(std::chrono::steady_clock::now().time_since_epoch());
}

class OwnLoop {
 public:
  OwnLoop() = default;
  OwnLoop(const OwnLoop&) = delete;
  OwnLoop& operator=(const OwnLoop&) = delete;
  virtual ~OwnLoop() = default;

  /// Creates the engine after the sockets were bound to `bound`, and starts to join if there is a
  /// seed. False: it has printed the reason.
  bool begin(const std::string& name, const ml::Address& bound,
             const std::optional<ml::Address>& seed) {
    ml::Config config = ml::Config::local();  // timings for members on one machine
    config.name = name;
    config.bind = bound;
    ml::EngineEnvironment environment;
    environment.advertise = bound;
    environment.now = now();
    std::random_device random;  // of what peers must not foresee
    environment.seed = std::uint64_t{random()} << 32 | random();
    for (std::byte& byte : environment.secret) byte = static_cast<std::byte>(random());
    auto engine = ml::Engine::create(std::move(config), std::move(environment));
    if (!engine) std::cerr << engine.error().message + '\n';
    if (!engine) return false;
    engine_ = std::make_unique<ml::Engine>(std::move(*engine));
    std::cout << "* " + name + " at " + bound.to_string() + '\n' << std::flush;
    if (seed) {
      seed_ = *seed;
      if (auto joining = engine_->join(now(), {{.name = {}, .address = seed_}}))
        joining_ = *joining;
    }
    act();
    return true;
  }
  /// Leaves the cluster. The loop runs until `ended`.
  void leave() {
    if (leaving_) return;
    const auto left = engine_->leave(now(), std::chrono::seconds(5));
    if (left) leaving_ = *left;
    act();
  }
  [[nodiscard]] bool ended() const { return ended_; }
  /// What `main` returns.
  [[nodiscard]] int exit_code() const { return failed_ ? 1 : 0; }
  [[nodiscard]] ml::TimePoint next_deadline() const { return engine_->next_deadline(); }

  // --- what happens at the sockets, and to the clock
  void deadline() {
    call([](ml::Engine& engine) { engine.handle_deadline(now()); });
  }
  void packet(const ml::Address& from, std::span<std::byte> bytes) {
    call([&](ml::Engine& engine) { engine.handle_packet(now(), from, bytes); });
  }
  void stream(ml::StreamId id, const ml::StreamEvent& event) {
    call([&](ml::Engine& engine) { engine.handle_stream(now(), id, event); });
  }
  /// An id for an accepted stream, or nothing: then it is to be closed. What the engine wants of it
  /// may only be done once the loop knows it: call `act` then.
  std::optional<ml::StreamId> accepted(const ml::Address& from) {
    return engine_->handle_accept(now(), from);
  }
  /// Does what the engine wants, in order.
  void act() {
    do {
      for (ml::Output& output : engine_->outputs()) {
        std::visit([this](auto& wanted) { on(wanted); }, output);
      }
      engine_->clear_outputs();
      for (auto& task : std::exchange(later_, {})) task();
    } while (!engine_->outputs().empty());
  }

 protected:
  /// For results that are known while the engine's outputs are being performed: they are passed to
  /// it afterwards.
  void fail_later(ml::StreamId id, const std::string& why) {
    later_.emplace_back([this, id, why] {
      const ml::Error error{ml::ErrorCode::unreachable, why, {}};
      engine_->handle_stream(now(), id, ml::StreamFailed{error});
    });
  }
  virtual void on(ml::SendPacket& packet) = 0;   // one datagram
  virtual void on(ml::DialStream& stream) = 0;   // connect
  virtual void on(ml::WriteStream& stream) = 0;  // send, after earlier writes
  virtual void on(ml::CloseStream& stream) = 0;  // close, once all is written
  virtual void on(ml::AbortStream& stream) = 0;  // close now

 private:
  template <class Call>
  void call(Call call) {
    call(*engine_);
    act();
  }
  void on(ml::Event& event) {
    const auto* change = std::get_if<ml::MemberEvent>(&event);
    if (change == nullptr || change->self) return;
    if (change->kind == ml::MemberEventKind::join) show(change->member, " joined\n");
    if (change->kind != ml::MemberEventKind::leave) return;
    const bool said_goodbye = change->member.status == ml::MemberStatus::left;
    show(change->member, said_goodbye ? " left\n" : " is lost\n");
  }
  static void show(const ml::Member& member, const std::string& what) {
    std::cout << "* " + member.name() + what << std::flush;
  }
  void on(ml::Completion& done) {
    if (!done.result) std::cerr << done.result.error().message + '\n';
    if (done.id == joining_ && !done.result) {
      std::cerr << "cannot join through " + seed_.to_string() + '\n';
      failed_ = ended_ = true;
    }
    if (done.id == leaving_) ended_ = true;
  }
  void on(ml::MetricRecord&) {}  // EngineEnvironment::metrics is off
  void on(ml::TraceRecord&) {}   // EngineEnvironment::trace is off
  void on(ml::LogRecord& line) {
    if (line.level >= ml::LogLevel::warning) std::cerr << line.text + '\n';
  }

  std::unique_ptr<ml::Engine> engine_;  // since `begin`
  ml::Address seed_;
  std::optional<ml::OperationId> joining_;
  std::optional<ml::OperationId> leaving_;
  std::vector<std::function<void()>> later_;
  bool ended_ = false;
  bool failed_ = false;
};

/// NAME BIND [JOIN], as both examples take them.
struct Arguments {
  std::string name;
  ml::Address bind;
  std::optional<ml::Address> seed;

  static std::optional<Arguments> parse(int argc, char** argv) {
    if (argc == 3 || argc == 4) {
      const auto bind = ml::Address::parse(argv[2], 7946);
      const auto seed = ml::Address::parse(argc == 4 ? argv[3] : argv[2], 7946);
      if (bind && seed)
        return Arguments{argv[1], *bind, argc == 4 ? std::optional(*seed) : std::nullopt};
    }
    std::cerr << "usage: NAME IP:PORT [IP:PORT of somebody to join]\n";
    return std::nullopt;
  }
};

}  // namespace examples
