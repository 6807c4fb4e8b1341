#include "memberlist/memory_network.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hidden.hpp"
#include "base/limits.hpp"
#include "base/random.hpp"

namespace memberlist {
namespace {

// Like the receive buffer of a socket: more packets than that are lost, so that memory is bounded.
constexpr std::size_t kWaitingPackets = 4096;
constexpr std::uint16_t kFirstFreePort = 49'152;

// One end of a stream: even where it was dialled, odd where it was accepted. Both may be at the
// same member.
using Connection = std::uint64_t;

constexpr Connection other_end(Connection end) noexcept { return end ^ 1; }

Error no_link(const Address& to, std::string_view why) {
  const std::string text = to.to_string();
  return {ErrorCode::unreachable, fmt::format("cannot connect to {}: {}", text, why), text};
}

Error reset_by(const Address& peer) {
  const std::string text = peer.to_string();
  return {ErrorCode::unreachable, fmt::format("the stream with {} was broken", text), text};
}

}  // namespace

// --- the network --------------------------------------------------------------------------------

/// The members of the network, and which of them can reach which. Thread-safe.
class MEMBERLIST_HIDDEN MemoryNetwork::State : public std::enable_shared_from_this<State> {
 public:
  explicit State(std::uint64_t seed) : random_(seed) {}

  Result<std::unique_ptr<Transport>> open(const TransportSetup& setup);
  void leave(const Address& address);

  /// The member at an address, if a link leads there.
  [[nodiscard]] EndpointPointer find(const Address& from, const Address& to);
  /// The same for a datagram, which may get lost.
  [[nodiscard]] EndpointPointer find_for_packet(const Address& from, const Address& to);
  [[nodiscard]] Connection new_connection();

  void cut(const Address& one, const Address& other);
  void mend(const Address& one, const Address& other);
  void isolate(const Address& member);
  void reconnect(const Address& member);
  void lose_packets(double share);

 private:
  using Link = std::pair<Address, Address>;
  static Link link(const Address& one, const Address& other) {
    return one < other ? Link{one, other} : Link{other, one};
  }
  [[nodiscard]] bool is_linked(const Address& one, const Address& other) const {
    return !isolated_.contains(one) && !isolated_.contains(other) &&
           !cut_.contains(link(one, other));
  }
  Result<Address> choose_address(Address wanted);
  /// Also where a member was to be, and could not be made.
  [[nodiscard]] bool is_free(const Address& address) const {
    const auto at = members_.find(address);
    return at == members_.end() || at->second.expired();
  }
  [[nodiscard]] EndpointPointer find_locked(const Address& from, const Address& to) const;
  IpAddress new_host(bool is_v4);
  void break_streams();

  std::mutex mutex_;
  std::map<Address, std::weak_ptr<Endpoint>> members_;
  std::set<Link> cut_;
  std::set<Address> isolated_;
  double loss_ = 0;
  Random random_;
  std::uint32_t next_host_ = 1;
  Connection next_connection_ = 0;
};

// --- one member's endpoint -----------------------------------------------------------------------

/// The endpoint of one member. Other members access it only by posting to its executor, so
/// everything that is not const belongs to its thread.
class MEMBERLIST_HIDDEN MemoryNetwork::Endpoint : public std::enable_shared_from_this<Endpoint> {
 public:
  Endpoint(std::shared_ptr<State> network, std::shared_ptr<Executor> executor, Address address)
      : network_(std::move(network)), executor_(std::move(executor)), address_(address) {}

  [[nodiscard]] const Address& address() const noexcept { return address_; }
  [[nodiscard]] Executor& executor() const noexcept { return *executor_; }
  /// Runs `task(*this)` on this member's thread, unless it has not begun or has ended by then. From
  /// any thread.
  template <class Task>
  void post(Task task) {
    executor_->post([weak = weak_from_this(), task = std::move(task)]() mutable {
      if (const auto self = weak.lock(); self && self->handler_ != nullptr) task(*self);
    });
  }

  // Called by this member.
  void start(TransportHandler& handler) { handler_ = &handler; }
  void send(const Address& to, BytesView bytes);
  void dial(StreamId id, const Address& to);
  void write(StreamId id, Bytes bytes);
  void close(StreamId id);
  void abort(StreamId id);
  void close_all();

  // Called by other members, from any thread.
  void packet(const Address& from, Bytes bytes);
  void break_streams();

 private:
  /// One end of a stream.
  struct End {
    Connection connection = 0;
    Address peer;
    std::weak_ptr<Endpoint> other;
    /// Bytes that were written here and not yet read there.
    std::shared_ptr<std::atomic<std::size_t>> under_way =
        std::make_shared<std::atomic<std::size_t>>(0);
  };

  void accept(Connection connection, const EndpointPointer& from);
  void received(Connection connection, const Bytes& bytes);
  void ended(Connection connection);
  void broken(Connection connection, Error error);
  void break_other(const End& end);
  void add(StreamId id, End end);
  std::optional<End> take(StreamId id);
  [[nodiscard]] std::optional<StreamId> id_of(Connection connection) const;

  const std::shared_ptr<State> network_;
  const std::shared_ptr<Executor> executor_;
  const Address address_;
  TransportHandler* handler_ = nullptr;  // from `start` to `close_all`
  bool closed_ = false;
  std::unordered_map<StreamId, End> ends_;
  std::unordered_map<Connection, StreamId> ids_;
  std::atomic<std::size_t> waiting_packets_ = 0;
};

void MemoryNetwork::Endpoint::send(const Address& to, BytesView bytes) {
  if (closed_) return;
  if (const auto other = network_->find_for_packet(address_, to)) {
    other->packet(address_, Bytes(bytes.begin(), bytes.end()));
  }
}

void MemoryNetwork::Endpoint::packet(const Address& from, Bytes bytes) {
  if (waiting_packets_.fetch_add(1) >= kWaitingPackets) {
    --waiting_packets_;
    return;
  }
  executor_->post([weak = weak_from_this(), from, bytes = std::move(bytes)]() mutable {
    const auto self = weak.lock();
    if (!self) return;
    --self->waiting_packets_;  // whether or not somebody takes it
    if (self->handler_ == nullptr) return;
    const ReceivedPacket one{from, bytes};
    self->handler_->on_packets({&one, 1});
  });
}

// --- streams ------------------------------------------------------------------------------------

void MemoryNetwork::Endpoint::dial(StreamId id, const Address& to) {
  if (closed_) return;
  const Connection connection = network_->new_connection();
  const auto other = network_->find(address_, to);
  add(id, {connection, to, other});
  if (!other) {
    return post([connection, to](Endpoint& self) {
      self.broken(connection, no_link(to, "no member has this address, or the link is cut"));
    });
  }
  other->executor_->post([connection, to = std::weak_ptr(other), from = weak_from_this()] {
    const auto peer = to.lock();
    const auto dialler = from.lock();
    if (peer && dialler) peer->accept(connection, dialler);
  });
}

void MemoryNetwork::Endpoint::accept(Connection connection, const EndpointPointer& from) {
  if (handler_ == nullptr) {
    return from->post([connection, to = address_](Endpoint& dialler) {
      dialler.broken(connection, no_link(to, "its member has not begun, or has ended"));
    });
  }
  const auto id = handler_->on_accept(from->address());
  if (!id) {
    return from->post([connection, to = address_](Endpoint& dialler) {
      dialler.broken(connection, no_link(to, "it was refused"));
    });
  }
  add(*id, {other_end(connection), from->address(), from});
  from->post([connection](Endpoint& dialler) {
    if (const auto own = dialler.id_of(connection)) {
      dialler.handler_->on_stream(*own, StreamConnected{});
    }
  });
}

void MemoryNetwork::Endpoint::write(StreamId id, Bytes bytes) {
  const auto at = ends_.find(id);
  if (at == ends_.end()) return;
  const End& end = at->second;
  const std::size_t size = bytes.size();
  if (end.under_way->fetch_add(size) + size > limits::kStreamQueueBytes) {
    break_other(end);
    return post([connection = end.connection, size](Endpoint& self) {
      self.broken(connection,
                  {ErrorCode::too_large,
                   fmt::format("the receive queue is full: {} more bytes do not fit", size),
                   {}});
    });
  }
  if (const auto other = end.other.lock()) {
    other->post([connection = other_end(end.connection), under_way = end.under_way,
                 bytes = std::move(bytes)](Endpoint& peer) {
      *under_way -= bytes.size();
      peer.received(connection, bytes);
    });
  }
}

void MemoryNetwork::Endpoint::received(Connection connection, const Bytes& bytes) {
  if (const auto id = id_of(connection)) handler_->on_stream(*id, StreamData{bytes});
}

void MemoryNetwork::Endpoint::close(StreamId id) {
  const auto end = take(id);
  if (!end) return;
  if (const auto other = end->other.lock()) {
    other->post(
        [connection = other_end(end->connection)](Endpoint& peer) { peer.ended(connection); });
  }
}

void MemoryNetwork::Endpoint::ended(Connection connection) {
  if (const auto id = id_of(connection)) handler_->on_stream(*id, StreamEnd{});
}

void MemoryNetwork::Endpoint::abort(StreamId id) {
  if (const auto end = take(id)) break_other(*end);
}

void MemoryNetwork::Endpoint::break_other(const End& end) {
  if (const auto other = end.other.lock()) {
    other->post([connection = other_end(end.connection), from = address_](Endpoint& peer) {
      peer.broken(connection, reset_by(from));
    });
  }
}

void MemoryNetwork::Endpoint::broken(Connection connection, Error error) {
  const auto id = id_of(connection);
  if (!id) return;
  take(*id);
  handler_->on_stream(*id, StreamFailed{std::move(error)});
}

void MemoryNetwork::Endpoint::break_streams() {
  post([](Endpoint& self) {
    std::vector<std::pair<Connection, Address>> lost;
    for (const auto& [id, end] : self.ends_) {
      if (!self.network_->find(self.address_, end.peer)) {
        lost.emplace_back(end.connection, end.peer);
      }
    }
    for (const auto& [connection, peer] : lost) self.broken(connection, reset_by(peer));
  });
}

void MemoryNetwork::Endpoint::close_all() {
  if (std::exchange(closed_, true)) return;  // another member may have the address by now
  handler_ = nullptr;
  network_->leave(address_);
  while (!ends_.empty()) abort(ends_.begin()->first);
}

void MemoryNetwork::Endpoint::add(StreamId id, End end) {
  ids_[end.connection] = id;
  ends_[id] = std::move(end);
}

std::optional<MemoryNetwork::Endpoint::End> MemoryNetwork::Endpoint::take(StreamId id) {
  auto at = ends_.extract(id);
  if (at.empty()) return std::nullopt;
  ids_.erase(at.mapped().connection);
  return std::move(at.mapped());
}

std::optional<StreamId> MemoryNetwork::Endpoint::id_of(Connection connection) const {
  const auto at = ids_.find(connection);
  return at == ids_.end() ? std::nullopt : std::optional(at->second);
}

/// The transport that the owner of the member holds.
class MEMBERLIST_HIDDEN MemoryNetwork::EndpointTransport final : public Transport {
 public:
  EndpointTransport(EndpointPointer endpoint, TransportHandler& handler) noexcept
      : endpoint_(std::move(endpoint)), handler_(handler) {}
  ~EndpointTransport() override { endpoint_->close_all(); }

  void start() override { endpoint_->start(handler_); }
  [[nodiscard]] Address local_address() const override { return endpoint_->address(); }
  void send(const Address& to, BytesView bytes) override { endpoint_->send(to, bytes); }
  void flush() override {}
  void dial(StreamId id, const Address& to) override { endpoint_->dial(id, to); }
  void write(StreamId id, Bytes bytes) override { endpoint_->write(id, std::move(bytes)); }
  void close(StreamId id) override { endpoint_->close(id); }
  void abort(StreamId id) override { endpoint_->abort(id); }
  void finish(Duration /*limit*/, std::function<void()> done) override {
    endpoint_->close_all();  // written bytes are already under way
    endpoint_->executor().post(std::move(done));
  }

 private:
  EndpointPointer endpoint_;
  TransportHandler& handler_;
};

// --- the network again --------------------------------------------------------------------------

Result<std::unique_ptr<Transport>> MemoryNetwork::State::open(const TransportSetup& setup) {
  const std::lock_guard lock(mutex_);
  auto address = choose_address(setup.bind);
  if (!address) return std::unexpected(std::move(address.error()));
  auto endpoint = std::make_shared<Endpoint>(shared_from_this(), setup.executor, *address);
  members_[*address] = endpoint;
  return std::make_unique<EndpointTransport>(std::move(endpoint), *setup.handler);
}

Result<Address> MemoryNetwork::State::choose_address(Address wanted) {
  const bool any_host = wanted.ip.is_unspecified();
  const bool any_port = wanted.port == 0;
  const bool is_v4 = wanted.ip.is_v4();
  if (any_port) wanted.port = kFirstFreePort;
  do {
    if (any_host) wanted.ip = new_host(is_v4);
    if (is_free(wanted)) return wanted;
    if (any_port && !any_host) ++wanted.port;
  } while (any_host || (any_port && wanted.port != 0));
  const std::string text = wanted.to_string();
  return fail(ErrorCode::address_in_use,
              fmt::format("the address {} is taken by another member of this network", text), text);
}

IpAddress MemoryNetwork::State::new_host(bool is_v4) {
  const std::uint32_t host = next_host_++;
  const auto high = static_cast<std::uint8_t>(host >> 16);
  const auto middle = static_cast<std::uint8_t>(host >> 8);
  const auto low = static_cast<std::uint8_t>(host);
  if (is_v4) return IpAddress::v4(10, high, middle, low);
  std::array<std::byte, 16> bytes{std::byte{0xfd}};
  bytes[13] = std::byte{high};
  bytes[14] = std::byte{middle};
  bytes[15] = std::byte{low};
  return IpAddress::from_bytes(bytes).value_or(IpAddress{});
}

void MemoryNetwork::State::leave(const Address& address) {
  const std::lock_guard lock(mutex_);
  members_.erase(address);
}

MemoryNetwork::EndpointPointer MemoryNetwork::State::find_locked(const Address& from,
                                                                 const Address& to) const {
  const auto at = members_.find(to);
  return at == members_.end() || !is_linked(from, to) ? nullptr : at->second.lock();
}

MemoryNetwork::EndpointPointer MemoryNetwork::State::find(const Address& from, const Address& to) {
  const std::lock_guard lock(mutex_);
  return find_locked(from, to);
}

MemoryNetwork::EndpointPointer MemoryNetwork::State::find_for_packet(const Address& from,
                                                                     const Address& to) {
  const std::lock_guard lock(mutex_);
  if (loss_ > 0 && random_.unit() < loss_) return nullptr;
  return find_locked(from, to);
}

Connection MemoryNetwork::State::new_connection() {
  const std::lock_guard lock(mutex_);
  return std::exchange(next_connection_, next_connection_ + 2);
}

void MemoryNetwork::State::cut(const Address& one, const Address& other) {
  {
    const std::lock_guard lock(mutex_);
    cut_.insert(link(one, other));
  }
  break_streams();
}

void MemoryNetwork::State::mend(const Address& one, const Address& other) {
  const std::lock_guard lock(mutex_);
  cut_.erase(link(one, other));
}

void MemoryNetwork::State::isolate(const Address& member) {
  {
    const std::lock_guard lock(mutex_);
    isolated_.insert(member);
  }
  break_streams();
}

void MemoryNetwork::State::reconnect(const Address& member) {
  const std::lock_guard lock(mutex_);
  isolated_.erase(member);
}

void MemoryNetwork::State::lose_packets(double share) {
  const std::lock_guard lock(mutex_);
  loss_ = share;
}

// The streams that lost their link. Without the mutex, because the last reference to one may end
// here.
void MemoryNetwork::State::break_streams() {
  std::vector<EndpointPointer> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [address, weak] : members_) all.push_back(weak.lock());
  }
  for (const auto& endpoint : all) {
    if (endpoint) endpoint->break_streams();
  }
}

// --- the outside --------------------------------------------------------------------------------

MemoryNetwork::MemoryNetwork(std::uint64_t seed) : state_(std::make_shared<State>(seed)) {}

TransportFactory MemoryNetwork::transport() const {
  return [state = state_](const TransportSetup& setup) { return state->open(setup); };
}

void MemoryNetwork::cut(const Address& one, const Address& other) { state_->cut(one, other); }
void MemoryNetwork::mend(const Address& one, const Address& other) { state_->mend(one, other); }
void MemoryNetwork::isolate(const Address& member) { state_->isolate(member); }
void MemoryNetwork::reconnect(const Address& member) { state_->reconnect(member); }
void MemoryNetwork::lose_packets(double share) { state_->lose_packets(share); }

}  // namespace memberlist
