// bench/udp.cpp
//
// What a user message of 64 bytes, not compressed, costs from one process to another over loopback:
// the engine with the transport over sockets, on one thread; or, with --bare, sendmmsg and recvmmsg
// alone, which is the least that it can cost. bench/go/udp does the same with the Go library.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "bench/samples.hpp"
#include "net/loop.hpp"
#include "net/socket_transport.hpp"

namespace memberlist::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kPayloadBytes = 64;
constexpr std::size_t kBatch = 32;
constexpr auto kDrained = std::chrono::milliseconds(300);  // after the last packet was sent
constexpr IpAddress kLoopback = IpAddress::v4(127, 0, 0, 1);

[[noreturn]] void die(std::string_view what) {
  fmt::print(stderr, "{}\n", what);
  std::exit(1);
}

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

Bytes payload() { return Bytes(kPayloadBytes, std::byte{'x'}); }

/// When the next packets are to be sent: as many as can be, or so many a second.
class Pace {
 public:
  Pace(double rate, double seconds) : rate_(rate), seconds_(seconds) {}

  [[nodiscard]] bool over() const { return elapsed() >= seconds_; }
  [[nodiscard]] bool limited() const noexcept { return rate_ > 0; }
  /// How many are due, a batch at most. They count as sent.
  std::size_t take() {
    std::size_t due = kBatch;
    if (limited()) {
      const auto wanted = static_cast<std::size_t>(elapsed() * rate_) + 1;
      due = std::min(due, wanted - std::min(wanted, sent_));
    }
    sent_ += due;
    return due;
  }
  [[nodiscard]] std::size_t sent() const noexcept { return sent_; }
  [[nodiscard]] Clock::duration until_next() const {
    const auto due = Seconds(static_cast<double>(sent_) / rate_);
    return std::chrono::duration_cast<Clock::duration>(due - Seconds(elapsed()));
  }

 private:
  [[nodiscard]] double elapsed() const { return Seconds(Clock::now() - began_).count(); }

  double rate_;
  double seconds_;
  std::size_t sent_ = 0;
  Clock::time_point began_ = Clock::now();
};

/// What has arrived, and when.
struct Arrivals {
  std::size_t count = 0;
  Clock::time_point first;
  Clock::time_point last;

  void add(std::size_t packets) {
    last = Clock::now();
    if (count == 0) first = last;
    count += packets;
  }
};

/// What the receiving process tells the other one.
struct Report {
  std::size_t count = 0;
  double rate = 0;
  double processor_seconds = 0;
};

// --- the library -----------------------------------------------------------------------------

/// The engine and its sockets on one loop.
class Node final : public TransportHandler {
 public:
  Node() : transport_(open(loop_, *this)), engine_(make_engine(Layers(false).config())) {
    transport_->start();
  }

  [[nodiscard]] std::uint16_t port() const { return transport_->local_address().port; }
  [[nodiscard]] const Arrivals& arrivals() const noexcept { return arrivals_; }
  [[nodiscard]] net::Loop& loop() noexcept { return loop_; }

  /// Runs until all is sent.
  void send(const Address& to, Pace& pace) {
    const Bytes message = payload();
    std::function<void()> turn;
    net::Deadline next(loop_, [&turn] { turn(); });
    turn = [&] {
      if (pace.over()) return loop_.stop();
      for (std::size_t due = pace.take(); due > 0; --due) {
        (void)engine_.send_best_effort(net::Loop::now(), to, message);
      }
      carry_out();
      if (pace.limited()) {
        next.set(net::Loop::now() + pace.until_next());
      } else {
        loop_.post(turn);
      }
    };
    loop_.post(turn);
    loop_.run();
  }

  void on_packets(std::span<const ReceivedPacket> packets) override {
    for (const ReceivedPacket& packet : packets) {
      engine_.handle_packet(net::Loop::now(), packet.from, packet.bytes, packet.asked);
    }
    carry_out();
  }
  void on_send_error(const Address& /*to*/, const Error& error) override { die(error.message); }
  std::optional<StreamId> on_accept(const Address& /*from*/) override { return std::nullopt; }
  void on_stream(StreamId /*id*/, const StreamEvent& /*event*/) override {}
  void on_accept_error(const Error& error) override { die(error.message); }

 private:
  static std::unique_ptr<net::SocketTransport> open(net::Loop& loop, TransportHandler& handler) {
    auto transport = net::SocketTransport::open(loop, {.bind = {kLoopback, 0}}, handler);
    if (!transport) die(transport.error().message);
    return std::move(*transport);
  }
  void carry_out() {
    std::size_t arrived = 0;
    for (const Output& output : engine_.outputs()) {
      if (const auto* packet = std::get_if<SendPacket>(&output)) {
        transport_->send_from(packet->from, packet->to, packet->bytes);
      } else if (const auto* event = std::get_if<Event>(&output)) {
        if (std::holds_alternative<UserMessage>(*event)) ++arrived;
      }
    }
    transport_->flush();
    engine_.clear_outputs();
    if (arrived > 0) arrivals_.add(arrived);
  }

  net::Loop loop_;
  Arrivals arrivals_;
  std::unique_ptr<net::SocketTransport> transport_;
  Engine engine_;
};

// --- the bare loops --------------------------------------------------------------------------

/// Datagrams of one system call, all with the same receiver.
class Batch {
 public:
  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      pieces_[i] = {.iov_base = rooms_[i].data(), .iov_len = kPayloadBytes};
      headers_[i].msg_hdr.msg_iov = &pieces_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  void send_to(sockaddr_in& to) {
    for (mmsghdr& header : headers_) {
      header.msg_hdr.msg_name = &to;
      header.msg_hdr.msg_namelen = sizeof to;
    }
  }
  mmsghdr* data() noexcept { return headers_.data(); }

 private:
  std::array<std::array<std::byte, kPayloadBytes>, kBatch> rooms_{};
  std::array<iovec, kBatch> pieces_{};
  std::array<mmsghdr, kBatch> headers_{};
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class BareSocket {
 public:
  BareSocket() : descriptor_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    auto address = loopback(0);
    if (::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      die("no socket");
    }
    const auto buffer = static_cast<int>(net::kReceiveBufferBytes);
    const timeval patience{.tv_sec = 0, .tv_usec = 50'000};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  BareSocket(const BareSocket&) = delete;
  BareSocket& operator=(const BareSocket&) = delete;
  ~BareSocket() { ::close(descriptor_); }

  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  void send(std::uint16_t port, Pace& pace) {
    Batch batch;
    auto to = loopback(port);
    batch.send_to(to);
    while (!pace.over()) {
      const std::size_t due = pace.take();
      if (due > 0) ::sendmmsg(descriptor_, batch.data(), static_cast<unsigned>(due), 0);
      if (pace.limited()) std::this_thread::sleep_for(pace.until_next());
    }
  }
  void receive(Arrivals& arrivals, const std::atomic<bool>& over) {
    Batch batch;
    while (!over) {
      const int got = ::recvmmsg(descriptor_, batch.data(), kBatch, MSG_WAITFORONE, nullptr);
      if (got > 0) arrivals.add(static_cast<std::size_t>(got));
    }
  }

 private:
  int descriptor_;
};

// --- two processes ---------------------------------------------------------------------------

struct Pipe {
  std::array<int, 2> ends{};

  Pipe() {
    if (::pipe(ends.data()) != 0) die("no pipe");
  }
  template <class T>
  void put(const T& value) const {
    if (::write(ends[1], &value, sizeof value) != sizeof value) die("the other process has ended");
  }
  template <class T>
  [[nodiscard]] T get() const {
    T value{};
    if (::read(ends[0], &value, sizeof value) != sizeof value) die("the other process has ended");
    return value;
  }
};

/// Calls `done` when the sender has sent all, and it has had time to arrive.
std::jthread at_the_end(const Pipe& from_sender, std::function<void()> done) {
  return std::jthread([&from_sender, done = std::move(done)] {
    (void)from_sender.get<char>();
    std::this_thread::sleep_for(kDrained);
    done();
  });
}

Arrivals receive(bool bare, const Pipe& from_sender, const Pipe& to_sender) {
  if (bare) {
    BareSocket socket;
    Arrivals arrivals;
    std::atomic<bool> over = false;
    const auto end = at_the_end(from_sender, [&over] { over = true; });
    to_sender.put(socket.port());
    socket.receive(arrivals, over);
    return arrivals;
  }
  Node node;
  const auto end = at_the_end(from_sender, [&node] { node.loop().stop(); });
  to_sender.put(node.port());
  node.loop().run();
  return node.arrivals();
}

void receiving_process(bool bare, const Pipe& from_sender, const Pipe& to_sender) {
  const double before = processor_seconds();
  const Arrivals arrivals = receive(bare, from_sender, to_sender);
  const double took = Seconds(arrivals.last - arrivals.first).count();
  to_sender.put(Report{arrivals.count, static_cast<double>(arrivals.count) / took,
                       processor_seconds() - before});
}

int run(bool bare, double rate, double seconds) {
  const Pipe to_receiver;
  const Pipe to_sender;
  const pid_t receiver = ::fork();
  if (receiver < 0) die("no second process");
  if (receiver == 0) {
    receiving_process(bare, to_receiver, to_sender);
    return 0;
  }
  const auto port = to_sender.get<std::uint16_t>();
  const double before = processor_seconds();
  Pace pace(rate, seconds);
  if (bare) {
    BareSocket().send(port, pace);
  } else {
    Node().send({kLoopback, port}, pace);
  }
  const double used = processor_seconds() - before;
  to_receiver.put('.');
  const auto report = to_sender.get<Report>();
  ::waitpid(receiver, nullptr, 0);
  if (report.count == 0) die("nothing has arrived");
  const auto sent = static_cast<double>(pace.sent());
  fmt::print("receive_ns={:.0f} send_ns={:.0f} per_second={:.0f} lost_percent={:.2f}\n",
             report.processor_seconds * 1e9 / static_cast<double>(report.count), used * 1e9 / sent,
             report.rate, (1 - static_cast<double>(report.count) / sent) * 100);
  return 0;
}

}  // namespace
}  // namespace memberlist::bench

int main(int argc, char** argv) {
  bool bare = false;
  double rate = 0;
  double seconds = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--bare") {
      bare = true;
    } else if (option == "--rate" && i + 1 < argc) {
      rate = std::strtod(argv[++i], nullptr);
    } else if (option == "--seconds" && i + 1 < argc) {
      seconds = std::strtod(argv[++i], nullptr);
    } else {
      fmt::print(stderr, "usage: {} [--bare] [--rate PACKETS_A_SECOND] [--seconds N]\n", argv[0]);
      return 2;
    }
  }
  return memberlist::bench::run(bare, rate, seconds);
}
