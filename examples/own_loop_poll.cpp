// Your own event loop, on plain poll(): a complete member on one thread, with only the engine and
// the sockets of the system. It shows the members that join and leave; the end of the input
// (Ctrl-D) leaves.
//
//   own_loop_poll ann 127.0.0.1:7946
//   own_loop_poll ben 127.0.0.1:7947 127.0.0.1:7946     joins through ann
//
// own_loop.hpp has the part that does not depend on the loop, plain_sockets.hpp the system calls.

#include <poll.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "own_loop.hpp"
#include "plain_sockets.hpp"

namespace ml = memberlist;
using examples::now;
using examples::prepared;
using examples::RawAddress;

namespace {

constexpr auto kLinger = std::chrono::seconds(10);  // for the peer to end a stream that we closed

class PollLoop final : public examples::OwnLoop {
 public:
  explicit PollLoop(const examples::BoundSockets& bound)
      : udp_(bound.udp), listener_(bound.listener) {}

  // One round: waits until a socket is ready, or the engine wants to be called.
  void turn() {
    std::vector<pollfd> waits{
        {reads_input_ ? STDIN_FILENO : -1, POLLIN, 0}, {udp_, POLLIN, 0}, {listener_, POLLIN, 0}};
    std::vector<ml::StreamId> ids;
    for (const auto& [id, stream] : streams_) {
      ids.push_back(id);
      waits.push_back(stream.wanted());
    }
    ml::TimePoint next = next_deadline();
    if (!closing_.empty()) next = std::min(next, closing_.front().first);
    const auto time = std::clamp<ml::Duration>(next - now(), ml::Duration::zero(), kLinger);
    const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(time);
    ::poll(waits.data(), waits.size(), static_cast<int>(rounded_up.count()));
    if (now() >= next_deadline()) deadline();
    if (waits[0].revents != 0) read_input();
    if (waits[1].revents != 0) receive();
    if (waits[2].revents != 0) accept();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (waits[i + 3].revents != 0) serve(ids[i], waits[i + 3].revents);
    }
    for (; !closing_.empty() && closing_.front().first <= now(); closing_.pop_front()) {
      streams_.erase(closing_.front().second);
    }
  }

 private:
  // --- what the engine wants
  void on(ml::SendPacket& packet) override {  // best effort: what cannot be sent now is lost
    RawAddress to(packet.to);
    ::sendto(udp_, packet.bytes.data(), packet.bytes.size(), 0, to.get(), to.size);
  }
  void on(ml::DialStream& wanted) override {
    RawAddress to(wanted.to);
    const int fd = prepared(::socket(AF_INET, SOCK_STREAM, 0));
    if (::connect(fd, to.get(), to.size) == 0 || errno == EINPROGRESS) {
      streams_.try_emplace(wanted.id, fd, true);
    } else {
      fail_later(wanted.id, std::strerror(errno));
      ::close(fd);
    }
  }
  void on(ml::WriteStream& wanted) override { streams_.at(wanted.id).write(wanted.bytes); }
  void on(ml::CloseStream& wanted) override {
    streams_.at(wanted.id).close();
    closing_.emplace_back(now() + kLinger, wanted.id);
  }
  void on(ml::AbortStream& wanted) override { streams_.erase(wanted.id); }

  // --- what happens
  void read_input() {
    std::array<char, 512> ignored{};
    if (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) return;
    reads_input_ = false;
    leave();
  }
  void receive() {
    RawAddress from;
    const auto size = ::recvfrom(udp_, room_.data(), room_.size(), 0, from.get(), &from.size);
    if (size >= 0) packet(from.address(), std::span(room_).first(static_cast<std::size_t>(size)));
  }
  void accept() {
    RawAddress from;
    const int fd = prepared(::accept(listener_, from.get(), &from.size));
    const auto id = fd < 0 ? std::nullopt : accepted(from.address());
    if (id) streams_.try_emplace(*id, fd);
    if (fd >= 0 && !id) ::close(fd);
    act();
  }
  void serve(ml::StreamId id, int ready) {
    const auto at = streams_.find(id);
    if (at == streams_.end()) return;  // gone in this round
    const auto event = at->second.serve(ready, room_);
    if (!event) return;
    const bool closed = at->second.closed();
    const bool failed = std::holds_alternative<ml::StreamFailed>(*event);
    if (failed || (closed && std::holds_alternative<ml::StreamEnd>(*event))) streams_.erase(at);
    if (!closed) stream(id, *event);
  }

  int udp_;
  int listener_;
  bool reads_input_ = true;
  std::vector<std::byte> room_ = std::vector<std::byte>(65'536);
  std::map<ml::StreamId, examples::PlainStream> streams_;
  std::deque<std::pair<ml::TimePoint, ml::StreamId>> closing_;  // and when we wait no longer
};

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = examples::Arguments::parse(argc, argv);
  if (!arguments) return 2;
  const auto bound = examples::bind_both(arguments->bind);
  if (!bound) {
    std::cerr << "cannot bind " + arguments->bind.to_string() + ": " + std::strerror(errno) + '\n';
    return 1;
  }
  PollLoop loop(*bound);
  if (!loop.begin(arguments->name, bound->address, arguments->seed)) return 1;
  while (!loop.ended()) loop.turn();
  return loop.exit_code();
}
