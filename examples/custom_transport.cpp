// A custom transport: one that wraps the library's own, counts the bytes of each peer, and has a
// list of peers that it does not let through. In the same way one goes over a proxy, a service mesh
// or TLS: the protocol does not know what carries it.
//
// A Transport and its handler are only called by the thread that runs the member, so what is shared
// with others (the ledger here) is all that needs a lock.

#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "await.hpp"
#include "memberlist/memberlist.hpp"

namespace ml = memberlist;

namespace {

// The traffic by peer, and the blocked peers. Shared by the transport and the application.
class Ledger {
 public:
  void count(const ml::Address& peer, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    bytes_[peer] += bytes;
  }
  [[nodiscard]] std::uint64_t bytes(const ml::Address& peer) const {
    const std::lock_guard lock(mutex_);
    const auto found = bytes_.find(peer);
    return found == bytes_.end() ? 0 : found->second;
  }
  void block(const ml::Address& peer) {
    const std::lock_guard lock(mutex_);
    blocked_.insert(peer);
  }
  [[nodiscard]] bool blocks(const ml::Address& peer) const {
    const std::lock_guard lock(mutex_);
    return blocked_.contains(peer);
  }

 private:
  mutable std::mutex mutex_;
  std::map<ml::Address, std::uint64_t> bytes_;
  std::set<ml::Address> blocked_;
};

// Stands between the member, whose handler it has, and the sockets, whose handler it is.
class Metered final : public ml::Transport, private ml::TransportHandler {
 public:
  static ml::Result<std::unique_ptr<ml::Transport>> open(const ml::TransportSetup& setup,
                                                         std::shared_ptr<Ledger> ledger) {
    std::unique_ptr<Metered> metered(new Metered(*setup.handler, std::move(ledger)));
    auto sockets = setup.sockets(*metered);
    if (!sockets) return std::unexpected(sockets.error());
    metered->sockets_ = std::move(*sockets);
    return metered;
  }

  // --- from the member to the sockets
  void start() override { sockets_->start(); }
  [[nodiscard]] ml::Address local_address() const override { return sockets_->local_address(); }
  void send(const ml::Address& to, ml::BytesView bytes) override { send_from({}, to, bytes); }
  void send_from(const ml::IpAddress& from, const ml::Address& to, ml::BytesView bytes) override {
    if (ledger_->blocks(to)) return;
    ledger_->count(to, bytes.size());
    sockets_->send_from(from, to, bytes);
  }
  void flush() override { sockets_->flush(); }
  // A refused dial would have to be reported later, by a posted task; one that never connects ends
  // by the member's own timeout.
  void dial(ml::StreamId id, const ml::Address& to) override { dial_from({}, id, to); }
  void dial_from(const ml::IpAddress& from, ml::StreamId id, const ml::Address& to) override {
    if (!ledger_->blocks(to)) sockets_->dial_from(from, id, to);
  }
  void write(ml::StreamId id, ml::Bytes bytes) override { sockets_->write(id, std::move(bytes)); }
  void close(ml::StreamId id) override { sockets_->close(id); }
  void abort(ml::StreamId id) override { sockets_->abort(id); }
  void finish(ml::Duration limit, std::function<void()> done) override {
    sockets_->finish(limit, std::move(done));
  }

 private:
  Metered(ml::TransportHandler& member, std::shared_ptr<Ledger> ledger)
      : member_(member), ledger_(std::move(ledger)) {}

  // --- from the sockets to the member
  void on_packets(std::span<const ml::ReceivedPacket> packets) override {
    for (const ml::ReceivedPacket& packet : packets) {
      if (!ledger_->blocks(packet.from)) member_.on_packets({&packet, 1});
    }
  }
  void on_send_error(const ml::Address& to, const ml::Error& error) override {
    member_.on_send_error(to, error);
  }
  std::optional<ml::StreamId> on_accept(const ml::Address& from) override {
    return member_.on_accept(from);  // its port is not the peer's own: not to be known by it
  }
  void on_stream(ml::StreamId id, const ml::StreamEvent& event) override {
    member_.on_stream(id, event);
  }
  void on_accept_error(const ml::Error& error) override { member_.on_accept_error(error); }

  ml::TransportHandler& member_;
  std::shared_ptr<Ledger> ledger_;
  std::unique_ptr<ml::Transport> sockets_;
};

ml::Result<ml::Memberlist> create(const std::string& name, const std::shared_ptr<Ledger>& ledger) {
  ml::Config config = ml::Config::local();  // timings for members on one machine
  config.name = name;
  config.bind = {ml::IpAddress::v4(127, 0, 0, 1), 0};
  ml::Hosting hosting;
  hosting.transport = [ledger](const ml::TransportSetup& setup) {
    return Metered::open(setup, ledger);
  };
  return ml::Memberlist::create(std::move(config), {}, hosting);
}

}  // namespace

int main() {
  const auto ledger = std::make_shared<Ledger>();  // one for all, here
  auto a = create("a", ledger);
  auto b = create("b", ledger);
  if (!a || !b || !b->join({a->local_address().to_string()})) return 1;
  const auto a_sees_b = [&](ml::MemberStatus status) {
    return examples::await([&] {
      const auto member = a->member("b");
      return member && member->status == status;
    });
  };
  if (!a_sees_b(ml::MemberStatus::alive)) return 1;
  std::cout << "a sees b\n";
  if (!examples::await([&] { return ledger->bytes(b->local_address()) > 0; })) return 1;
  std::cout << "packets went to b\n";

  ledger->block(b->local_address());
  if (!a_sees_b(ml::MemberStatus::dead)) return 1;
  std::cout << "b is shut out, and dead for a\n";
  return 0;
}
