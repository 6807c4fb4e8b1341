// bench/latency.cpp
//
// How soon a member answers pings, and how regularly it probes, while user messages pour in:
// 100,000 a second by default. The member is in a process of its own, this library's or the one
// that
// --against starts, such as bench/go/udp; it says its UDP port on its standard output, and ends
// with its input. Here are its peer, which pings it a thousand times a second, and the flood.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "wire/messages.hpp"
#include "wire/packet.hpp"

namespace memberlist::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;
using std::chrono::milliseconds;

constexpr IpAddress kLoopback = IpAddress::v4(127, 0, 0, 1);
constexpr auto kBetweenPings = milliseconds(1);
constexpr auto kProbeInterval = milliseconds(1000);  // of the LAN profile
constexpr std::size_t kBatch = 32;
constexpr std::array<std::byte, 6> kVersions{std::byte{1}, std::byte{5}, std::byte{2},
                                             std::byte{0}, std::byte{0}, std::byte{0}};

[[noreturn]] void die(std::string_view what) {
  fmt::print(stderr, "{}\n", what);
  std::exit(1);
}

/// A UDP socket that sends to one member.
class Socket {
 public:
  explicit Socket(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in own = loopback(0);
    sockaddr_in member = loopback(port);
    const auto raw = [](sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); };
    if (::bind(descriptor_, raw(own), sizeof own) != 0 ||
        ::connect(descriptor_, raw(member), sizeof member) != 0) {
      die("no socket");
    }
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(descriptor_); }

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  template <class Message>
  void send(const Message& message) {
    bytes_.clear();
    ByteWriter writer(bytes_);
    wire::encode(writer, message);
    (void)!::send(descriptor_, bytes_.data(), bytes_.size(), 0);
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  int descriptor_;
  Bytes bytes_;
};

/// Sends user messages at a rate until it is stopped; returns how many.
std::size_t flood(const std::stop_token& stop, std::uint16_t port, double rate) {
  const Socket socket(port);
  std::array<std::byte, 65> message{std::byte{8}};  // a user message of 64 bytes
  iovec piece{message.data(), message.size()};
  std::array<mmsghdr, kBatch> batch{};
  for (mmsghdr& one : batch) one.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1};
  std::size_t sent = 0;
  for (const auto began = Clock::now(); !stop.stop_requested();) {
    const auto elapsed = std::chrono::duration<double>(Clock::now() - began).count();
    const auto due = static_cast<std::size_t>(elapsed * rate);
    if (due < sent + kBatch) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      continue;
    }
    ::sendmmsg(socket.descriptor(), batch.data(), kBatch, 0);
    sent += kBatch;
  }
  return sent;
}

/// A member that the one under test knows: pings it, and answers its probes.
class Peer {
 public:
  explicit Peer(std::uint16_t member) : socket_(member) {}

  void run_for(Clock::duration time) {
    const std::uint16_t port = socket_.port();
    socket_.send(wire::Alive{1, "peer", kLoopback.wire_bytes(), port, {}, kVersions});
    auto next_ping = Clock::now();
    for (const auto end = next_ping + time; Clock::now() < end;) {
      const auto now = Clock::now();
      if (now >= next_ping) {
        sent_.emplace(++seq_no_, now);
        socket_.send(wire::Ping{seq_no_, {}, kLoopback.wire_bytes(), port, "peer"});
        next_ping += kBetweenPings;
      }
      const auto patience = std::max(next_ping - Clock::now(), Clock::duration::zero());
      const timespec timeout{0, std::chrono::nanoseconds(patience).count()};
      pollfd waits{socket_.descriptor(), POLLIN, 0};
      if (::ppoll(&waits, 1, &timeout, nullptr) > 0) receive();
    }
  }
  void report(double flooded) {
    if (round_trips_.empty() || probes_.size() < 3)
      die("the member has not answered, or not probed");
    std::ranges::sort(round_trips_);
    const auto quantile = [&](double share) {
      const auto at =
          static_cast<std::size_t>(static_cast<double>(round_trips_.size() - 1) * share);
      return Milliseconds(round_trips_[at]).count();
    };
    Clock::duration late{};
    for (std::size_t i = 1; i < probes_.size(); ++i) {
      late = std::max(late, probes_[i] - probes_[i - 1] - Clock::duration(kProbeInterval));
    }
    const double lost = 1 - static_cast<double>(round_trips_.size()) / seq_no_;
    fmt::print(
        "flood_per_second={:.0f} ping_p50_ms={:.3f} ping_p99_ms={:.3f} ping_max_ms={:.3f} "
        "pings_lost_percent={:.2f} probes={} probe_late_max_ms={:.1f}\n",
        flooded, quantile(0.5), quantile(0.99), quantile(1), 100 * lost, probes_.size(),
        Milliseconds(late).count());
  }

 private:
  void receive() {
    const ssize_t size = ::recv(socket_.descriptor(), room_.data(), room_.size(), MSG_DONTWAIT);
    if (size <= 0) return;
    const BytesView datagram(room_.data(), static_cast<std::size_t>(size));
    if (!opener_.open({}, datagram)) return;
    while (const auto message = opener_.next()) {
      if (!*message) continue;
      if (const auto* ack = std::get_if<wire::Ack>(&**message)) {
        answered(ack->seq_no);
      } else if (const auto* ping = std::get_if<wire::Ping>(&**message)) {
        probes_.push_back(Clock::now());
        socket_.send(wire::Ack{ping->seq_no, {}});
      }
    }
  }
  void answered(std::uint32_t seq_no) {
    const auto sent = sent_.extract(seq_no);
    if (!sent.empty()) round_trips_.push_back(Clock::now() - sent.mapped());
  }

  Socket socket_;
  wire::PacketOpener opener_;
  std::array<std::byte, 65'536> room_{};
  std::uint32_t seq_no_ = 0;
  std::unordered_map<std::uint32_t, Clock::time_point> sent_;
  std::vector<Clock::duration> round_trips_;
  std::vector<Clock::time_point> probes_;
};

/// The member under test, in this library: says its port, and ends with its input.
void be_member() {
  Config config = Config::lan();
  config.name = "member";
  config.bind = {kLoopback, 0};
  std::size_t messages = 0;
  Handlers handlers;
  handlers.on_events = [&](Memberlist&, std::span<const Event> batch) { messages += batch.size(); };
  auto member = Memberlist::create(std::move(config), std::move(handlers));
  if (!member) die(member.error().message);
  fmt::print("{}\n", member->local_address().port);
  std::fflush(stdout);
  std::array<char, 64> ignored{};
  while (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) continue;
  member->shutdown();
}

/// Another process, whose input ends with this object.
class Child {
 public:
  explicit Child(const std::vector<char*>& command) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe(in.data()) != 0 || ::pipe(out.data()) != 0) die("no pipe");
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      for (const int end : {in[0], in[1], out[0], out[1]}) ::close(end);
      if (command.size() > 1) {
        ::execvp(command[0], command.data());
        std::_Exit(127);
      }
      be_member();
      std::exit(0);
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = ::fdopen(out[0], "r");
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::close(to_);
    std::fclose(from_);
    ::waitpid(process_, nullptr, 0);
  }
  [[nodiscard]] std::uint16_t port() {
    unsigned port = 0;
    if (std::fscanf(from_, "%u", &port) != 1) die("the member does not say its port");
    return static_cast<std::uint16_t>(port);
  }

 private:
  pid_t process_ = -1;
  int to_ = -1;
  std::FILE* from_ = nullptr;
};

void measure(double rate, double seconds, const std::vector<char*>& command) {
  Child child(command);
  const std::uint16_t port = child.port();
  Peer peer(port);
  std::size_t sent = 0;
  std::jthread flooder([&](const std::stop_token& stop) { sent = flood(stop, port, rate); });
  peer.run_for(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)));
  flooder.request_stop();
  flooder.join();
  peer.report(static_cast<double>(sent) / seconds);
}

}  // namespace
}  // namespace memberlist::bench

int main(int argc, char** argv) {
  double rate = 100'000;
  double seconds = 10;
  std::vector<char*> command;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--rate" && i + 1 < argc) {
      rate = std::strtod(argv[++i], nullptr);
    } else if (option == "--seconds" && i + 1 < argc) {
      seconds = std::strtod(argv[++i], nullptr);
    } else if (option == "--against" && i + 1 < argc) {
      command.assign(argv + i + 1, argv + argc);
      break;
    } else {
      fmt::print(stderr, "usage: {} [--rate A_SECOND] [--seconds N] [--against COMMAND...]\n",
                 argv[0]);
      return 2;
    }
  }
  command.push_back(nullptr);
  memberlist::bench::measure(rate, seconds, command);
  return 0;
}
