#include "memberlist/memberlist.hpp"

#include <functional>
#include <memory>
#include <stop_token>
#include <utility>

#include "api/memberlist_impl.hpp"
#include "net/zones.hpp"

namespace memberlist {

Result<Address> parse_address(std::string_view text, std::uint16_t default_port) {
  const auto numbered = net::number_zone(text);
  return numbered ? Address::parse(*numbered, default_port) : std::unexpected(numbered.error());
}

Result<void> check_join_address(std::string_view text, std::uint16_t default_port) {
  const auto address = api::parse_join_address(text, default_port);
  return address ? Result<void>() : std::unexpected(address.error());
}

Result<Memberlist> Memberlist::create(Config config, Handlers handlers, const Hosting& hosting) {
  auto impl = Impl::create(std::move(config), std::move(handlers), hosting);
  if (!impl) return std::unexpected(std::move(impl.error()));
  return Memberlist(std::move(*impl));
}

Memberlist::Memberlist(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Memberlist::Memberlist(Memberlist&&) noexcept = default;

Memberlist& Memberlist::operator=(Memberlist&& other) noexcept {
  if (this == &other) return *this;
  Impl::end(std::exchange(impl_, std::move(other.impl_)));
  return *this;
}

Memberlist::~Memberlist() { Impl::end(std::move(impl_)); }

namespace {

// Stops a call when its caller asks for it, or when the coroutine that waits for it is destroyed.
class Stopper {
 public:
  explicit Stopper(std::stop_token caller)
      : caller_(std::move(caller), [this] { source_.request_stop(); }) {}

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  void stop() { source_.request_stop(); }

 private:
  std::stop_source source_;
  std::stop_callback<std::function<void()>> caller_;
};

// `begin(options, done)` begins the call.
template <class Outcome, class Options, class Begin>
Awaitable<Outcome> awaitable(Options options, Begin begin) {
  const auto stopper = std::make_shared<Stopper>(std::exchange(options.stop, {}));
  options.stop = stopper->token();
  return Awaitable<Outcome>(
      [options = std::move(options), begin = std::move(begin)](
          typename Awaitable<Outcome>::Done done) { begin(options, std::move(done)); },
      [stopper] { stopper->stop(); });
}

}  // namespace

// --- calls that wait, and their twins: with a function, and for co_await ------------------------

JoinOutcome Memberlist::join(const std::vector<std::string>& addresses,
                             const JoinOptions& options) {
  return impl_->wait<JoinOutcome>(
      [&](auto done) { impl_->join(addresses, options, std::move(done)); });
}

void Memberlist::join_async(const std::vector<std::string>& addresses, const JoinOptions& options,
                            std::function<void(JoinOutcome)> done) {
  impl_->join(addresses, options, impl_->on_event_thread(std::move(done)));
}

Awaitable<JoinOutcome> Memberlist::join_async(std::vector<std::string> addresses,
                                              JoinOptions options) {
  return awaitable<JoinOutcome>(
      std::move(options),
      [impl = impl_, addresses = std::move(addresses)](const JoinOptions& how, auto done) {
        impl->join(addresses, how, impl->on_event_thread(std::move(done)));
      });
}

Result<void> Memberlist::leave(const CallOptions& options) {
  return impl_->wait<Result<void>>([&](auto done) { impl_->leave(options, std::move(done)); });
}

void Memberlist::leave_async(const CallOptions& options, std::function<void(Result<void>)> done) {
  impl_->leave(options, impl_->on_event_thread(std::move(done)));
}

Awaitable<Result<void>> Memberlist::leave_async(CallOptions options) {
  return awaitable<Result<void>>(std::move(options),
                                 [impl = impl_](const CallOptions& how, auto done) {
                                   impl->leave(how, impl->on_event_thread(std::move(done)));
                                 });
}

Result<void> Memberlist::update_meta(BytesView meta, const CallOptions& options) {
  return impl_->wait<Result<void>>(
      [&](auto done) { impl_->update_meta(meta, options, std::move(done)); });
}

void Memberlist::update_meta_async(BytesView meta, const CallOptions& options,
                                   std::function<void(Result<void>)> done) {
  impl_->update_meta(meta, options, impl_->on_event_thread(std::move(done)));
}

Awaitable<Result<void>> Memberlist::update_meta_async(Bytes meta, CallOptions options) {
  return awaitable<Result<void>>(std::move(options), [impl = impl_, meta = std::move(meta)](
                                                         const CallOptions& how, auto done) {
    impl->update_meta(meta, how, impl->on_event_thread(std::move(done)));
  });
}

Result<void> Memberlist::send(std::string_view member, BytesView payload, Delivery delivery,
                              const CallOptions& options) {
  if (delivery == Delivery::best_effort) return impl_->send_now(member, payload);
  return impl_->wait<Result<void>>(
      [&](auto done) { impl_->send_reliable(member, payload, options, std::move(done)); });
}

Result<void> Memberlist::send(const Address& to, BytesView payload, Delivery delivery,
                              const CallOptions& options) {
  if (delivery == Delivery::best_effort) return impl_->send_now(to, payload);
  return impl_->wait<Result<void>>(
      [&](auto done) { impl_->send_reliable(to, payload, options, std::move(done)); });
}

void Memberlist::send_async(std::string_view member, BytesView payload, const CallOptions& options,
                            std::function<void(Result<void>)> done) {
  impl_->send_reliable(member, payload, options, impl_->on_event_thread(std::move(done)));
}

Awaitable<Result<void>> Memberlist::send_async(std::string member, Bytes payload,
                                               CallOptions options) {
  return awaitable<Result<void>>(
      std::move(options), [impl = impl_, member = std::move(member), payload = std::move(payload)](
                              const CallOptions& how, auto done) {
        impl->send_reliable(std::string_view(member), payload, how,
                            impl->on_event_thread(std::move(done)));
      });
}

Result<void> Memberlist::broadcast(BytesView payload, std::string_view name) {
  return impl_->broadcast(payload, name);
}

Result<PingResult> Memberlist::ping(std::string_view member, const CallOptions& options) {
  return impl_->wait<Result<PingResult>>(
      [&](auto done) { impl_->ping(member, options, std::move(done)); });
}

void Memberlist::ping_async(std::string_view member, const CallOptions& options,
                            std::function<void(Result<PingResult>)> done) {
  impl_->ping(member, options, impl_->on_event_thread(std::move(done)));
}

Awaitable<Result<PingResult>> Memberlist::ping_async(std::string member, CallOptions options) {
  return awaitable<Result<PingResult>>(
      std::move(options),
      [impl = impl_, member = std::move(member)](const CallOptions& how, auto done) {
        impl->ping(member, how, impl->on_event_thread(std::move(done)));
      });
}

Result<void> Memberlist::add_key(BytesView key) { return impl_->add_key(key); }

Result<void> Memberlist::use_key(BytesView key) { return impl_->use_key(key); }

Result<void> Memberlist::use_key(std::string_view fingerprint) {
  return impl_->use_key(fingerprint);
}

Result<void> Memberlist::remove_key(BytesView key) { return impl_->remove_key(key); }

Result<void> Memberlist::remove_key(std::string_view fingerprint) {
  return impl_->remove_key(fingerprint);
}

std::vector<KeyInfo> Memberlist::keys() const { return impl_->keys(); }

Result<void> Memberlist::set_gossip_verify(std::optional<bool> incoming,
                                           std::optional<bool> outgoing) {
  return impl_->set_gossip_verify(incoming, outgoing);
}

GossipVerify Memberlist::gossip_verify() const { return impl_->gossip_verify(); }

void Memberlist::shutdown() { impl_->shutdown(); }

MemberSnapshot Memberlist::members() const { return impl_->published().members(); }

std::optional<Member> Memberlist::member(std::string_view name) const {
  const MemberSnapshot members = impl_->published().members();
  const Member* member = members.find(name);
  return member == nullptr ? std::nullopt : std::optional(*member);
}

Member Memberlist::local_member() const { return impl_->published().self(); }

Address Memberlist::local_address() const { return impl_->local_address(); }

std::uint32_t Memberlist::health_score() const {
  return impl_->published().counters().health_score;
}

EngineCounters Memberlist::counters() const { return impl_->counters(); }

std::uint64_t Memberlist::view_digest() const { return impl_->view_digest(); }

std::size_t Memberlist::max_packet_payload() const { return impl_->max_packet_payload(); }

const Config& Memberlist::config() const noexcept { return impl_->config(); }

std::chrono::system_clock::time_point Memberlist::wall_clock(TimePoint moment) const {
  // From the present: a calendar clock that was set since is right now, not when it all began.
  const Duration ago = net::Loop::now() - moment;
  return std::chrono::system_clock::now() -
         std::chrono::duration_cast<std::chrono::system_clock::duration>(ago);
}

}  // namespace memberlist
