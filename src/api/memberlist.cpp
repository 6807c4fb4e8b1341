#include "memberlist/memberlist.hpp"

#include <utility>

#include "api/memberlist_impl.hpp"

namespace memberlist {

Result<Memberlist> Memberlist::create(Config config, Handlers handlers) {
  auto impl = Impl::create(std::move(config), std::move(handlers));
  if (!impl) return std::unexpected(std::move(impl.error()));
  return Memberlist(std::move(*impl));
}

Memberlist::Memberlist(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Memberlist::Memberlist(Memberlist&&) noexcept = default;

Memberlist& Memberlist::operator=(Memberlist&& other) noexcept {
  if (this == &other) return *this;
  if (impl_) impl_->shutdown();
  impl_ = std::move(other.impl_);
  return *this;
}

Memberlist::~Memberlist() {
  if (impl_) impl_->shutdown();
}

Result<JoinResult> Memberlist::join(const std::vector<std::string>& addresses) {
  return impl_->join(addresses);
}

Result<void> Memberlist::leave(Duration timeout) { return impl_->leave(timeout); }

Result<void> Memberlist::update_meta(BytesView meta, Duration timeout) {
  return impl_->update_meta(meta, timeout);
}

Result<void> Memberlist::send(std::string_view member, BytesView payload, Delivery delivery) {
  return impl_->send(member, payload, delivery);
}

Result<void> Memberlist::broadcast(BytesView payload, std::string_view name) {
  return impl_->broadcast(payload, name);
}

Result<PingResult> Memberlist::ping(std::string_view member) { return impl_->ping(member); }

Result<void> Memberlist::add_key(BytesView key) {
  return impl_->change([key](Engine& engine) { return engine.add_key(key); });
}

Result<void> Memberlist::use_key(BytesView key) {
  return impl_->change([key](Engine& engine) { return engine.use_key(key); });
}

Result<void> Memberlist::use_key(std::string_view fingerprint) {
  return impl_->change([fingerprint](Engine& engine) { return engine.use_key(fingerprint); });
}

Result<void> Memberlist::remove_key(BytesView key) {
  return impl_->change([key](Engine& engine) { return engine.remove_key(key); });
}

Result<void> Memberlist::remove_key(std::string_view fingerprint) {
  return impl_->change([fingerprint](Engine& engine) { return engine.remove_key(fingerprint); });
}

std::vector<KeyInfo> Memberlist::keys() const {
  return impl_->view([](const Engine& engine) { return engine.keys(); });
}

Result<void> Memberlist::set_gossip_verify(std::optional<bool> incoming,
                                           std::optional<bool> outgoing) {
  return impl_->change([=](Engine& engine) -> Result<void> {
    engine.set_gossip_verify(incoming, outgoing);
    return {};
  });
}

GossipVerify Memberlist::gossip_verify() const {
  return impl_->view([](const Engine& engine) { return engine.gossip_verify(); });
}

void Memberlist::shutdown() { impl_->shutdown(); }

MemberSnapshot Memberlist::members() const {
  return impl_->view([](const Engine& engine) { return engine.members(); });
}

std::optional<Member> Memberlist::member(std::string_view name) const {
  return impl_->view([name](const Engine& engine) { return engine.member(name); });
}

Member Memberlist::local_member() const {
  return impl_->view([](const Engine& engine) { return engine.local_member(); });
}

Address Memberlist::local_address() const { return impl_->local_address(); }

std::uint32_t Memberlist::health_score() const {
  return impl_->view([](const Engine& engine) { return engine.health_score(); });
}

EngineCounters Memberlist::counters() const { return impl_->counters(); }

std::uint64_t Memberlist::view_digest() const {
  return impl_->view([](const Engine& engine) { return engine.view_digest(); });
}

std::size_t Memberlist::max_packet_payload() const {
  return impl_->view([](const Engine& engine) { return engine.max_packet_payload(); });
}

const Config& Memberlist::config() const noexcept { return impl_->config(); }

std::chrono::system_clock::time_point Memberlist::wall_clock(TimePoint moment) const {
  // From the present: a calendar clock that was set since is right now, not when it all began.
  const Duration ago = net::Loop::now() - moment;
  return std::chrono::system_clock::now() -
         std::chrono::duration_cast<std::chrono::system_clock::duration>(ago);
}

}  // namespace memberlist
