#include "net/socket_transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/listen.hpp"
#include "net/loop_buffers.hpp"
#include "net/loop_context.hpp"
#include "net/sockets.hpp"
#include "net/stream_socket.hpp"
#include "net/udp_batch.hpp"

namespace memberlist::net {
namespace {

// Batches of one turn, so that a flood of packets does not hold up timers and streams.
constexpr int kBatchesPerTurn = 4;
// Entries of the error queue handled in one turn.
constexpr int kErrorsPerTurn = 256;
// Connections accepted in one turn.
constexpr int kAcceptsPerTurn = 16;
constexpr Duration kFirstAcceptPause = std::chrono::milliseconds(10);
constexpr Duration kLongestAcceptPause = std::chrono::seconds(1);

// The connection was over before it was accepted; the next one may be there.
bool is_about_one_connection(int error) {
  return error == ECONNABORTED || error == EPROTO || error == EINTR;
}

// Where it is impossible, there is nothing to be done: the next packets, or the next pause, try
// again.
void want(std::optional<Watch>& watch, Readiness readiness) {
  if (watch) (void)watch->want(readiness);
}

}  // namespace

class SocketTransport::Impl final : public std::enable_shared_from_this<Impl>, public StreamOwner {
 public:
  Impl(Loop& loop, const SocketTransportOptions& options, TransportHandler& handler,
       BoundSockets bound)
      : loop_(loop),
        options_(options),
        handler_(&handler),
        udp_(std::move(bound.udp)),
        listener_(std::move(bound.tcp)),
        address_(bound.address),
        packet_info_(bound.packet_info),
        sender_(bound.family) {}

  void start();
  void close_all();
  void finish(Duration limit, Loop::Task done);

  // --- packets
  void send(const IpAddress& from, const Address& to, BytesView bytes) {
    if (!udp_.is_open()) return;  // nothing would take it out of the batch
    if (sender_.add(to, bytes, packet_info_ ? from : IpAddress{})) flush();
  }
  void flush();

  // --- streams
  void dial(const IpAddress& from, StreamId id, const Address& to);
  void write(StreamId id, Bytes bytes);
  void close(StreamId id);
  void abort(StreamId id);

  [[nodiscard]] const Address& address() const noexcept { return address_; }
  [[nodiscard]] std::uint64_t packets_dropped() const noexcept { return sender_.dropped(); }

  // --- StreamOwner
  void stream_event(StreamSocket& stream, const StreamEvent& event) override;
  void stream_gone(StreamSocket& stream) override;
  void queue_changed(std::ptrdiff_t bytes) override {
    queued_bytes_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(queued_bytes_) + bytes);
  }
  std::span<std::byte> read_buffer() override { return buffers_->stream; }

 private:
  using StreamPointer = std::shared_ptr<StreamSocket>;

  void close_sockets();
  void watch(std::optional<Watch>& watch, const Descriptor& socket, Watch::Handler handler);
  void on_packets_ready(Readiness ready);
  void receive();
  void read_error_queue();
  void wait_sendable();
  void send_waiting();
  void tell_send_failures();
  void accept();
  void accepted(Descriptor socket);
  void pause_accepting(int error);
  StreamPointer take(StreamId id);
  void check_finished();

  Loop& loop_;
  SocketTransportOptions options_;
  TransportHandler* handler_;  // null after the end
  Descriptor udp_;
  Descriptor listener_;
  // Made when it starts, on the loop's thread; each goes before its socket is closed.
  std::optional<Watch> packets_watch_;
  std::optional<Watch> accept_watch_;
  std::optional<Deadline> accept_again_;
  std::optional<Deadline> finish_time_;
  Duration accept_pause_ = kFirstAcceptPause;
  Address address_;
  bool packet_info_;

  std::shared_ptr<LoopBuffers> buffers_;
  UdpSender sender_;
  std::vector<SendFailure> send_failures_;
  bool failures_posted_ = false;

  std::unordered_map<StreamId, StreamPointer> streams_;
  std::list<StreamPointer> closing_;  // oldest first
  std::size_t queued_bytes_ = 0;
  Loop::Task finished_;
};

void SocketTransport::Impl::start() {
  buffers_ = LoopBuffers::of(loop_.context());
  sender_.share(buffers_->batches);
  watch(packets_watch_, udp_, [this](Readiness ready) { on_packets_ready(ready); });
  watch(accept_watch_, listener_, [this](Readiness) { accept(); });
}

void SocketTransport::Impl::watch(std::optional<Watch>& watch, const Descriptor& socket,
                                  Watch::Handler handler) {
  watch.emplace(loop_.context(), socket.get(), std::move(handler));
  const int error = watch->want({.read = true});
  if (error == 0) return;
  handler_->on_accept_error({ErrorCode::system,
                             fmt::format("cannot listen at {}: its sockets cannot be watched: {}",
                                         address_.to_string(), system_text(error)),
                             address_.to_string()});
}

// --- packets ------------------------------------------------------------------------------------

void SocketTransport::Impl::on_packets_ready(Readiness ready) {
  const auto kept = shared_from_this();  // the handler may let go of it
  if (ready.write) send_waiting();
  if (ready.read) receive();
}

void SocketTransport::Impl::receive() {
  for (int i = 0; i < kBatchesPerTurn; ++i) {
    int error = 0;
    const auto packets = buffers_->packets.receive(udp_.get(), packet_info_, error);
    if (!packets.empty()) {
      handler_->on_packets(packets);
      if (handler_ == nullptr || packets.size() < kBatchPackets) return;
      continue;
    }
    // A spurious wake-up, or one for an error.
    read_error_queue();
    if (handler_ == nullptr || error == 0) return;
  }
}

void SocketTransport::Impl::read_error_queue() {
  for (int i = 0; i < kErrorsPerTurn && handler_ != nullptr; ++i) {
    const auto failure = next_queued_error(udp_.get());
    if (!failure) return;
    handler_->on_send_error(failure->to, failure->error);
  }
}

void SocketTransport::Impl::flush() {
  if (!udp_.is_open()) return;
  sender_.flush(udp_.get(), send_failures_);
  tell_send_failures();
  if (sender_.waiting()) wait_sendable();
}

void SocketTransport::Impl::wait_sendable() { want(packets_watch_, {.read = true, .write = true}); }

void SocketTransport::Impl::send_waiting() {
  sender_.retry(udp_.get(), send_failures_);
  tell_send_failures();
  if (!sender_.waiting()) want(packets_watch_, {.read = true});
}

void SocketTransport::Impl::tell_send_failures() {
  if (send_failures_.empty() || failures_posted_) return;
  failures_posted_ = true;
  loop_.post([self = shared_from_this()] {
    self->failures_posted_ = false;
    const auto failures = std::exchange(self->send_failures_, {});
    for (const SendFailure& failure : failures) {
      if (self->handler_ == nullptr) return;
      self->handler_->on_send_error(failure.to, failure.error);
    }
  });
}

// --- accepting ----------------------------------------------------------------------------------

void SocketTransport::Impl::accept() {
  const auto kept = shared_from_this();  // the handler may let go of it
  for (int i = 0; i < kAcceptsPerTurn && handler_ != nullptr; ++i) {
    Descriptor socket = accept_connection(listener_);
    if (socket.is_open()) {
      accept_pause_ = kFirstAcceptPause;
      accepted(std::move(socket));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (!is_about_one_connection(errno)) return pause_accepting(errno);
  }
}

void SocketTransport::Impl::accepted(Descriptor socket) {
  const auto from = peer_address_of(socket);
  if (!from) return;  // closed already
  const auto id = handler_->on_accept(*from);
  if (!id) return;
  auto stream = std::make_shared<StreamSocket>(loop_, std::move(socket), *id, *from, *this);
  streams_[*id] = stream;
  stream->start();
}

// Accepting fails when descriptors or memory run out. The waiting connection then stays ready, so
// that trying again at once would spin.
void SocketTransport::Impl::pause_accepting(int error) {
  want(accept_watch_, {});
  const Duration pause = accept_pause_;
  accept_pause_ = std::min(2 * accept_pause_, kLongestAcceptPause);
  accept_again_.emplace(loop_, [this] { want(accept_watch_, {.read = true}); });
  accept_again_->set(Loop::now() + pause);
  if (pause > kFirstAcceptPause) return;  // it was said
  handler_->on_accept_error({ErrorCode::system,
                             fmt::format("cannot accept connections at {} for now: {}",
                                         address_.to_string(), system_text(error)),
                             address_.to_string()});
}

// --- streams ------------------------------------------------------------------------------------

void SocketTransport::Impl::dial(const IpAddress& from, StreamId id, const Address& to) {
  if (handler_ == nullptr) return;
  auto stream = std::make_shared<StreamSocket>(loop_, id, to, *this);
  streams_[id] = stream;
  stream->dial(address_.ip.is_unspecified() ? from : IpAddress{});
}

void SocketTransport::Impl::write(StreamId id, Bytes bytes) {
  const auto at = streams_.find(id);
  if (at == streams_.end()) return;
  StreamSocket& stream = *at->second;
  const auto fits = [&](std::size_t limit, std::size_t queued) {
    return queued <= limit && bytes.size() <= limit - queued;
  };
  if (!fits(limits::kStreamQueueBytes, stream.queued_bytes()) ||
      !fits(options_.total_queue_bytes, queued_bytes_)) {
    stream.fail_soon(
        {ErrorCode::too_large,
         fmt::format("the write queue is full: {} more bytes do not fit", bytes.size()),
         {}});
    return;
  }
  stream.write(std::move(bytes));
}

SocketTransport::Impl::StreamPointer SocketTransport::Impl::take(StreamId id) {
  const auto at = streams_.find(id);
  if (at == streams_.end()) return nullptr;
  StreamPointer stream = std::move(at->second);
  streams_.erase(at);
  return stream;
}

void SocketTransport::Impl::close(StreamId id) {
  const StreamPointer stream = take(id);
  if (!stream) return;
  closing_.push_back(stream);
  stream->close(options_.close_timeout);
  if (closing_.size() > options_.closing_streams) StreamPointer(closing_.front())->abort();
}

void SocketTransport::Impl::abort(StreamId id) {
  if (const StreamPointer stream = take(id)) stream->abort();
}

void SocketTransport::Impl::stream_event(StreamSocket& stream, const StreamEvent& event) {
  if (handler_ != nullptr) handler_->on_stream(stream.id(), event);
}

void SocketTransport::Impl::stream_gone(StreamSocket& stream) {
  if (const auto at = streams_.find(stream.id());
      at != streams_.end() && at->second.get() == &stream) {
    streams_.erase(at);
  }
  std::erase_if(closing_, [&](const StreamPointer& other) { return other.get() == &stream; });
  check_finished();
}

// --- the end ------------------------------------------------------------------------------------

void SocketTransport::Impl::close_sockets() {
  accept_again_.reset();
  packets_watch_.reset();
  accept_watch_.reset();
  udp_.close();
  listener_.close();
}

void SocketTransport::Impl::close_all() {
  handler_ = nullptr;
  close_sockets();
  finish_time_.reset();
  const auto streams = std::exchange(streams_, {});
  for (const auto& [id, stream] : streams) stream->abort();
  const auto closing = std::exchange(closing_, {});
  for (const auto& stream : closing) stream->abort();
}

void SocketTransport::Impl::finish(Duration limit, Loop::Task done) {
  handler_ = nullptr;
  close_sockets();
  const auto streams = std::exchange(streams_, {});
  for (const auto& [id, stream] : streams) stream->abort();
  finished_ = std::move(done);
  const auto closing = closing_;
  for (const auto& stream : closing) stream->close_when_written();
  finish_time_.emplace(loop_, [this] {
    const auto late = closing_;
    for (const auto& stream : late) stream->abort();
  });
  finish_time_->set(Loop::now() + limit);
  check_finished();
}

void SocketTransport::Impl::check_finished() {
  if (!finished_ || !closing_.empty()) return;
  finish_time_.reset();
  loop_.post(std::exchange(finished_, nullptr));
}

// --- the outside --------------------------------------------------------------------------------

Result<std::unique_ptr<SocketTransport>> SocketTransport::open(
    Loop& loop, const SocketTransportOptions& options, TransportHandler& handler) {
  auto bound = bind_both(options.bind);
  if (!bound) return std::unexpected(std::move(bound.error()));
  auto impl = std::make_shared<Impl>(loop, options, handler, std::move(*bound));
  return std::unique_ptr<SocketTransport>(new SocketTransport(std::move(impl)));
}

SocketTransport::SocketTransport(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
SocketTransport::~SocketTransport() { impl_->close_all(); }
void SocketTransport::start() { impl_->start(); }
Address SocketTransport::local_address() const { return impl_->address(); }
void SocketTransport::send(const Address& to, BytesView bytes) { send_from({}, to, bytes); }
void SocketTransport::send_from(const IpAddress& from, const Address& to, BytesView bytes) {
  impl_->send(from, to, bytes);
}
void SocketTransport::flush() { impl_->flush(); }
void SocketTransport::dial(StreamId id, const Address& to) { dial_from({}, id, to); }
void SocketTransport::dial_from(const IpAddress& from, StreamId id, const Address& to) {
  impl_->dial(from, id, to);
}
void SocketTransport::write(StreamId id, Bytes bytes) { impl_->write(id, std::move(bytes)); }
void SocketTransport::close(StreamId id) { impl_->close(id); }
void SocketTransport::abort(StreamId id) { impl_->abort(id); }
void SocketTransport::finish(Duration limit, Loop::Task done) {
  impl_->finish(limit, std::move(done));
}
std::uint64_t SocketTransport::packets_dropped() const noexcept { return impl_->packets_dropped(); }

}  // namespace memberlist::net
