// Memberlist::Impl: from create to shutdown.

#include <fmt/format.h>

#include <random>
#include <system_error>

#include "api/memberlist_impl.hpp"
#include "api/quiet_thread.hpp"
#include "net/interfaces.hpp"

namespace memberlist {
namespace {

// What streams that were closed before a shutdown get to write what they still hold.
constexpr auto kLastWritesTime = std::chrono::seconds(1);

// Keys that were not handed on are gone when it is.
class WipeAtEnd {
 public:
  explicit WipeAtEnd(std::vector<Bytes>& keys) noexcept : keys_(keys) {}
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;
  ~WipeAtEnd() { wipe(keys_); }

 private:
  std::vector<Bytes>& keys_;
};

}  // namespace

// --- create -------------------------------------------------------------------------------------

Memberlist::Impl::Impl(Config config, Handlers handlers)
    : config_(std::move(config)),
      handlers_(std::move(handlers)),
      metrics_(handlers_.metrics, handlers_.metric_labels) {}

Result<std::shared_ptr<Memberlist::Impl>> Memberlist::Impl::create(Config config,
                                                                   Handlers handlers) {
  if (config.name.empty()) config.name = net::host_name();
  if (auto valid = config.validate(); !valid) {
    wipe(config.keys);
    return std::unexpected(std::move(valid.error()));
  }
  std::vector<Bytes> keys = std::exchange(config.keys, {});
  auto impl = std::make_shared<Impl>(std::move(config), std::move(handlers));
  if (auto opened = impl->open(std::move(keys)); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  try {
    impl->start();
  } catch (const std::system_error& error) {
    impl->shutdown();
    return fail(ErrorCode::system, fmt::format("cannot start a thread: {}", error.what()));
  }
  return impl;
}

Result<void> Memberlist::Impl::open(std::vector<Bytes> keys) {
  const WipeAtEnd wiper(keys);
  auto transport = net::Transport::open(
      loop_, {.bind = config_.bind, .close_timeout = config_.tcp_timeout}, *this);
  if (!transport) return std::unexpected(std::move(transport.error()));
  transport_ = std::move(*transport);
  if (auto chosen = choose_advertised(transport_->local_address()); !chosen) return chosen;
  if (auto made = make_engine(std::move(keys)); !made) return made;
  auto resolver = net::Resolver::create(loop_);
  if (!resolver) return std::unexpected(std::move(resolver.error()));
  resolver_ = std::move(*resolver);
  return {};
}

Result<void> Memberlist::Impl::choose_advertised(const Address& bound) {
  config_.bind = bound;
  Address advertise = config_.advertise.value_or(bound);
  if (advertise.port == 0) advertise.port = bound.port;
  if (advertise.ip.is_unspecified()) {
    auto detected = net::detect_advertised(bound.ip);
    if (!detected) return std::unexpected(std::move(detected.error()));
    advertise.ip = *detected;
  }
  config_.advertise = advertise;
  return {};
}

Result<void> Memberlist::Impl::make_engine(std::vector<Bytes> keys) {
  EngineEnvironment environment;
  environment.advertise = config_.advertise.value_or(config_.bind);
  environment.now = net::Loop::now();
  std::random_device entropy;
  environment.seed = std::uint64_t{entropy()} << 32 | entropy();
  environment.policy = handlers_.policy.get();
  environment.metrics = metrics_.wanted();
  environment.stopwatch = &net::Loop::now;
  Config config = config_;
  config.keys = std::move(keys);
  auto engine = Engine::create(std::move(config), std::move(environment));
  if (!engine) return std::unexpected(std::move(engine.error()));
  engine_ = std::make_unique<Engine>(std::move(*engine));
  return {};
}

void Memberlist::Impl::start() {
  events_ = std::make_unique<api::EventQueue>(handlers_.on_event, config_.handoff_queue_depth);
  loop_.on_deadline([this] { on_deadline(); });
  loop_thread_ = api::start_quiet_thread([this] { loop_.run(); });
  loop_thread_id_ = loop_thread_.get_id();
  loop_.post([this] {
    warn_if_open();
    transport_->start();
    flush();
  });
}

void Memberlist::Impl::warn_if_open() const {
  const Address advertise = config_.advertise.value_or(config_.bind);
  log({LogLevel::info,
       fmt::format("listening at {}, advertised as {}", config_.bind.to_string(),
                   advertise.to_string()),
       {},
       {{"address", config_.bind.to_string()}, {"advertised", advertise.to_string()}}});
  const bool has_keys = !view([](const Engine& engine) { return engine.keys(); }).empty();
  if (has_keys || advertise.ip.is_private() || advertise.ip.is_loopback()) return;
  log({LogLevel::warning,
       fmt::format("advertising the public address {} without encryption: set keys",
                   advertise.to_string()),
       {},
       {{"advertised", advertise.to_string()}}});
}

// --- shutdown -----------------------------------------------------------------------------------

Error Memberlist::Impl::shut_down_error() const {
  return {ErrorCode::shut_down, "this member was shut down", config_.name};
}

bool Memberlist::Impl::on_loop_thread() const noexcept {
  return loop_thread_id_ == std::this_thread::get_id();
}

std::optional<Error> Memberlist::Impl::refusal() const {
  if (mutex_.held_by_this_thread()) {
    return Error{ErrorCode::invalid_argument,
                 "a policy must not give commands to the Memberlist that asks it", config_.name};
  }
  const std::lock_guard lock(mutex_);
  return stopping_ ? std::optional(shut_down_error()) : std::nullopt;
}

void Memberlist::Impl::shutdown() {
  // A log handler or a policy, which must not call: it would wait for itself.
  if (on_loop_thread() || mutex_.held_by_this_thread()) return;
  std::vector<CallPointer> waiting;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = !std::exchange(stopping_, true);
    for (const auto& [id, call] : calls_) waiting.push_back(call);
    waiting.insert(waiting.end(), lookups_.begin(), lookups_.end());
    calls_.clear();
    lookups_.clear();
  }
  carried_out_.notify_all();
  for (const auto& call : waiting) call->complete(std::unexpected(shut_down_error()));
  if (first) {
    stop_loop();
  } else {
    std::unique_lock lock(mutex_);
    stopped_changed_.wait(lock, [this] { return stopped_; });
  }
  if (!events_) return;  // it was never started
  // Who shuts down from within the handler wants to hear no more.
  events_->stop(!events_->on_own_thread());
  events_->wait_until_stopped();
}

void Memberlist::Impl::stop_loop() {
  if (loop_thread_.joinable()) {
    loop_.post([this] { transport_->finish(kLastWritesTime, [this] { loop_.stop(); }); });
    loop_thread_.join();
  }
  resolver_.reset();
  transport_.reset();
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  stopped_changed_.notify_all();
}

}  // namespace memberlist
