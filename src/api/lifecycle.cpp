// Memberlist::Impl: from create to shutdown.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <stdexcept>
#include <system_error>

#include "api/memberlist_impl.hpp"
#include "base/wipe_at_end.hpp"
#include "net/advertised.hpp"
#include "net/interfaces.hpp"
#include "net/socket_transport.hpp"

namespace memberlist {
namespace {

// What streams that were closed before a shutdown get to write what they still hold.
constexpr auto kLastWritesTime = std::chrono::seconds(1);

std::vector<std::string> texts_of(const std::vector<Network>& networks) {
  std::vector<std::string> texts;
  std::ranges::transform(networks, std::back_inserter(texts), &Network::to_string);
  return texts;
}

// What `on_event` has never received.
bool is_own_change(const Event& event) {
  const auto* change = std::get_if<MemberEvent>(&event);
  return change != nullptr && change->self && change->kind != MemberEventKind::conflict;
}

}  // namespace

// --- create -------------------------------------------------------------------------------------

Memberlist::Impl::Impl(Config config, Handlers handlers, std::shared_ptr<Runtime::Impl> runtime,
                       bool own_runtime)
    : config_(std::move(config)),
      handlers_(std::move(handlers)),
      metrics_(handlers_.metrics, handlers_.metric_labels),
      runtime_(std::move(runtime)),
      own_runtime_(own_runtime) {}

Result<std::shared_ptr<Memberlist::Impl>> Memberlist::Impl::create(Config config, Handlers handlers,
                                                                   const Hosting& hosting) {
  if (handlers.on_event && handlers.on_events) {
    return fail(ErrorCode::invalid_argument,
                "on_event and on_events are both set: only one handler receives the events",
                "on_event");
  }
  if (config.name.empty()) config.name = net::host_name();
  const auto valid = config.validate();
  std::vector<Bytes> keys = std::exchange(config.keys, {});
  const WipeAtEnd wiper(keys);
  if (!valid) return std::unexpected(valid.error());
  auto runtime = hosting.runtime ? hosting.runtime->impl_ : nullptr;
  if (hosting.runtime) {
    if (auto usable = check_runtime(runtime); !usable) return std::unexpected(usable.error());
  }
  const bool own_runtime = runtime == nullptr;
  if (own_runtime) {
    auto started = Runtime::Impl::start();
    if (!started) return std::unexpected(std::move(started.error()));
    runtime = std::move(*started);
  }
  auto impl = std::make_shared<Impl>(std::move(config), std::move(handlers), std::move(runtime),
                                     own_runtime);
  if (auto opened = impl->open(std::move(keys), hosting.transport); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  try {
    impl->start();
  } catch (const std::system_error& error) {
    return fail(ErrorCode::system, fmt::format("cannot start a thread: {}", error.what()));
  }
  return impl;
}

Result<void> Memberlist::Impl::check_runtime(const std::shared_ptr<Runtime::Impl>& runtime) {
  if (!runtime) {
    return fail(ErrorCode::invalid_argument, "the runtime was moved from: it has no thread",
                "runtime");
  }
  if (!runtime->fork_guard().in_child()) return {};
  return fail(ErrorCode::shut_down,
              "the runtime's thread is that of a parent process; make another one here", "runtime");
}

Result<void> Memberlist::Impl::open(std::vector<Bytes> keys,
                                    const TransportFactory& make_transport) {
  const WipeAtEnd wiper(keys);
  auto transport = make_transport ? make_transport({.bind = config_.bind,
                                                    .close_timeout = config_.tcp_timeout,
                                                    .executor = runtime_,
                                                    .handler = this,
                                                    .sockets = sockets()})
                                  : sockets()(*this);
  if (!transport) return std::unexpected(std::move(transport.error()));
  transport_ = std::move(*transport);
  if (auto chosen = choose_advertised(transport_->local_address()); !chosen) return chosen;
  return make_engine(std::move(keys));
}

std::function<Result<std::unique_ptr<Transport>>(TransportHandler&)> Memberlist::Impl::sockets()
    const {
  return [runtime = runtime_,
          options = net::SocketTransportOptions{.bind = config_.bind,
                                                .close_timeout = config_.tcp_timeout}](
             TransportHandler& handler) -> Result<std::unique_ptr<Transport>> {
    return net::SocketTransport::open(runtime->loop(), options, handler);
  };
}

Result<void> Memberlist::Impl::choose_advertised(const Address& bound) {
  config_.bind = bound;
  detects_address_ = !config_.advertise && bound.ip.is_unspecified();
  Address advertise = config_.advertise.value_or(bound);
  if (advertise.port == 0) advertise.port = bound.port;
  if (advertise.ip.is_unspecified()) {
    auto detected = net::detect_advertised(bound.ip);
    if (!detected) return std::unexpected(std::move(detected.error()));
    advertise.ip = detected->ip;
    detected_ = std::move(*detected);
  }
  config_.advertise = advertise;
  return {};
}

Result<void> Memberlist::Impl::make_engine(std::vector<Bytes> keys) {
  const WipeAtEnd wiper(keys);
  EngineEnvironment environment;
  environment.advertise = config_.advertise.value_or(config_.bind);
  environment.now = net::Loop::now();
  if (auto seeded = seed(environment); !seeded) return seeded;
  environment.policy = handlers_.policy.get();
  environment.records = runtime_->records();
  environment.metrics = metrics_.wanted();
  environment.member_changes = true;
  environment.stopwatch = &net::Loop::now;
  auto keyring = wire::Keyring::create(keys);
  if (!keyring) return std::unexpected(std::move(keyring.error()));
  keys_ = {std::move(*keyring), {config_.gossip_verify_incoming, config_.gossip_verify_outgoing}};
  Config config = config_;
  config.keys = std::move(keys);
  auto engine = Engine::create(std::move(config), std::move(environment));
  if (!engine) return std::unexpected(std::move(engine.error()));
  engine_ = std::make_unique<Engine>(std::move(*engine));
  max_packet_payload_ = engine_->max_packet_payload();
  publish();
  return {};
}

Result<void> Memberlist::Impl::seed(EngineEnvironment& environment) try {
  // With libstdc++ this is the system's secure generator, or the processor's.
  std::random_device entropy;
  environment.seed = std::uint64_t{entropy()} << 32 | entropy();
  random_ = Random(entropy());
  for (std::byte& byte : environment.secret) byte = static_cast<std::byte>(entropy());
  return {};
} catch (const std::runtime_error& error) {
  return fail(ErrorCode::system, fmt::format("there are no random numbers: {}", error.what()));
}

// Its list is one for the call: the application's own may not be there yet, or be moved meanwhile.
// It must not end the member when the call is over.
api::EventQueue::Handler Memberlist::Impl::event_handler() {
  if (handlers_.on_events) {
    return [weak = weak_from_this(), handler = handlers_.on_events](std::span<const Event> batch) {
      Memberlist list(weak.lock());
      if (list.impl_) handler(list, batch);
      list.impl_.reset();
    };
  }
  if (!handlers_.on_event) return {};
  return [handler = handlers_.on_event](std::span<const Event> batch) {
    for (const Event& event : batch) {
      if (!is_own_change(event)) handler(event);
    }
  };
}

api::EventQueueLimits Memberlist::Impl::event_limits() const {
  api::EventQueueLimits limits{.messages = config_.handoff_queue_depth};
  if (!handlers_.on_events) limits.batch = 1;  // it may end the member at each
  return limits;
}

void Memberlist::Impl::start() {
  events_ = std::make_unique<api::EventQueue>(event_handler(), event_limits());
  deadline_ = std::make_unique<net::Deadline>(runtime_->loop(), [this] { on_deadline(); });
  post([](Impl& self) {
    self.warn_if_open();
    self.transport_->start();
    self.flush();
  });
}

void Memberlist::Impl::warn_if_open() const {
  const Address advertise = config_.advertise.value_or(config_.bind);
  log({LogLevel::info,
       fmt::format("listening at {}, advertised as {}", config_.bind.to_string(),
                   advertise.to_string()),
       {},
       {{"address", config_.bind.to_string()}, {"advertised", advertise.to_string()}}});
  if (detected_) log_choice(*detected_);
  warn_of_networks(advertise.ip);
  if (!keys().empty() || advertise.ip.is_private() || advertise.ip.is_loopback()) return;
  log({LogLevel::warning,
       fmt::format("advertising the public address {} without encryption: set keys",
                   advertise.to_string()),
       {},
       {{"advertised", advertise.to_string()}}});
}

void Memberlist::Impl::log_choice(const net::AdvertisedChoice& choice) const {
  const std::string ip = choice.ip.to_string();
  log({choice.doubtful ? LogLevel::warning : LogLevel::info,
       fmt::format("advertising {} ({}): {}{}{}", ip, choice.interface, choice.reason,
                   choice.others.empty() ? "" : "; not chosen: ", choice.others),
       {},
       {{"advertised", ip}, {"interface", choice.interface}, {"not_chosen", choice.others}}});
}

// Of allowed networks that keep out what was hardly meant to be kept out.
void Memberlist::Impl::warn_of_networks(const IpAddress& own) const {
  if (!config_.allowed_networks || config_.allowed_networks->empty()) return;
  const std::vector<Network>& networks = *config_.allowed_networks;
  for (const Network& network : networks) {
    const std::string text = network.to_string();
    if (text != "0.0.0.0/32" && text != "::/128") continue;
    log({LogLevel::warning,
         fmt::format("the allowed network {} is a single address, which no member has; for all "
                     "write {}",
                     text, text == "::/128" ? "::/0" : "0.0.0.0/0"),
         {},
         {{"network", text}}});
  }
  if (std::ranges::any_of(networks, [&](const Network& in) { return in.contains(own); })) return;
  log({LogLevel::warning,
       fmt::format(
           "this node's address {} is in none of the allowed networks ({}); members with the "
           "same list refuse this one",
           own.to_string(), fmt::join(texts_of(networks), ", ")),
       {},
       {{"advertised", own.to_string()}}});
}

// --- shutdown -----------------------------------------------------------------------------------

Error Memberlist::Impl::shut_down_error() const {
  return {ErrorCode::shut_down, "this member was shut down", config_.name};
}

bool Memberlist::Impl::on_loop_thread() const noexcept { return runtime_->on_own_thread(); }

std::optional<Error> Memberlist::Impl::refusal() const {
  if (forked()) {
    return Error{ErrorCode::shut_down,
                 "this process was forked from the one whose threads run this member",
                 config_.name};
  }
  if (in_turn()) {
    return Error{ErrorCode::invalid_argument,
                 "a policy must not give commands to the Memberlist that asks it", config_.name};
  }
  return stopping() ? std::optional(shut_down_error()) : std::nullopt;
}

bool Memberlist::Impl::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Memberlist::Impl::shutdown() {
  if (forked()) return;   // the threads that could end it are the parent's
  if (in_turn()) return;  // a policy, which must not call
  std::vector<CallPointer> waiting;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = !std::exchange(stopping_, true);
    for (const auto& [id, call] : calls_) waiting.push_back(call);
    waiting.insert(waiting.end(), waiting_.begin(), waiting_.end());
    calls_.clear();
    waiting_.clear();
  }
  commands_.close();
  for (const auto& call : waiting) call->complete(std::unexpected(shut_down_error()));
  if (first) finish_transport();
  // The thread that the end runs on cannot wait for it.
  if (on_loop_thread()) return events_->stop(true);
  end_->wait();
  if (own_runtime_) runtime_->stop();
  // A handler that shuts the member down gets no more events.
  events_->stop(!events_->on_own_thread());
  events_->wait_until_stopped();
}

void Memberlist::Impl::end(std::shared_ptr<Impl> impl) {
  if (!impl) return;
  // In a forked child, its sockets and its loop are still the parent's, too: to close them would
  // stop the parent's. Nothing is given back there.
  if (impl->forked()) {
    impl->kept_alive_ = impl;
  } else {
    impl->shutdown();
  }
}

// Nothing but the member itself keeps it alive meanwhile: whoever else did so (a Transport that
// keeps what it was given) could be the last one, and the handlers would be destroyed there, when
// `shutdown` has long returned.
void Memberlist::Impl::finish_transport() {
  runtime_->post([self = shared_from_this()] {
    self->kept_alive_ = self;
    self->transport_->finish(kLastWritesTime, [weak = std::weak_ptr(self)] {
      const auto finished = weak.lock();
      if (!finished) return;
      finished->runtime_->post([weak] { close_and_tell(weak.lock()); });
    });
  });
}

void Memberlist::Impl::close_and_tell(std::shared_ptr<Impl> self) {
  if (!self) return;
  const std::shared_ptr<End> end = self->end_;
  self->close();
  self->kept_alive_.reset();
  self.reset();
  end->tell();
}

void Memberlist::Impl::close() {
  deadline_.reset();
  pauses_.clear();
  resolver_.reset();
  transport_.reset();
}

void Memberlist::Impl::End::tell() {
  const std::lock_guard lock(mutex);
  is_told = true;
  changed.notify_all();
}

void Memberlist::Impl::End::wait() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [this] { return is_told; });
}

}  // namespace memberlist
