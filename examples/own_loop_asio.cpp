// An event loop of your own, on Asio: a whole member on the io_context that a program has anyway,
// by coroutines. It shows who comes and goes; Ctrl-C leaves, and so does the end of the input
// (Ctrl-D).
//
//   own_loop_asio ann 127.0.0.1:7946
//   own_loop_asio ben 127.0.0.1:7947 127.0.0.1:7946     joins through ann
//
// own_loop.hpp has the part that does not depend on the loop, asio_stream.hpp a connection.

#include <array>
#include <asio.hpp>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "asio_stream.hpp"
#include "own_loop.hpp"

namespace ml = memberlist;
using asio::awaitable;
using asio::ip::tcp;
using asio::ip::udp;
using examples::into;

namespace {

template <class Protocol>
asio::ip::basic_endpoint<Protocol> to_endpoint(const ml::Address& address) {
  return {asio::ip::make_address(address.ip.to_string()), address.port};
}
template <class Endpoint>
ml::Address from_endpoint(const Endpoint& endpoint) {
  const auto ip = ml::IpAddress::parse(endpoint.address().to_string());
  return {ip.value_or(ml::IpAddress{}), endpoint.port()};
}

// Binds `first`, and `second` at the port that it got.
template <class First, class Second>
void bind_in_order(First& first, Second& second, ml::Address at) {
  first = First(first.get_executor(), to_endpoint<typename First::protocol_type>(at));
  at.port = first.local_endpoint().port();
  second = Second(second.get_executor(), to_endpoint<typename Second::protocol_type>(at));
}

class AsioLoop final : public examples::OwnLoop {
 public:
  AsioLoop(asio::io_context& io, const ml::Address& at)
      : io_(io), udp_(io), listener_(io), timer_(io), input_(io, ::dup(STDIN_FILENO)) {
    bind(at);
  }

  [[nodiscard]] ml::Address bound() const { return from_endpoint(udp_.local_endpoint()); }
  void run() {
    start(receive());
    start(accept());
    start(read_input());
    asio::signal_set signals(io_, SIGINT, SIGTERM);
    signals.async_wait([this](const asio::error_code&, int) { leave(); });
    while (!ended()) {
      wait_until(next_deadline());  // it changes with every call of the engine
      io_.run_one();
    }
  }

 private:
  // UDP and TCP at one port. One that the kernel chooses (port 0) is free for one of the two, and
  // another program may have it for the other: then again, and the other one first.
  void bind(const ml::Address& at) {
    for (int attempt = 0;; ++attempt) {
      try {
        return attempt % 2 == 0 ? bind_in_order(listener_, udp_, at)
                                : bind_in_order(udp_, listener_, at);
      } catch (const asio::system_error& error) {
        if (error.code() != asio::error::address_in_use || at.port != 0 || attempt == 128) throw;
      }
    }
  }
  void start(awaitable<void> work) { asio::co_spawn(io_, std::move(work), asio::detached); }

  // --- what the engine wants
  void on(ml::SendPacket& packet) override {  // best effort: what cannot be sent now is lost
    asio::error_code ignored;
    const auto bytes = asio::buffer(packet.bytes.data(), packet.bytes.size());
    udp_.send_to(bytes, to_endpoint<udp>(packet.to), 0, ignored);
  }
  void on(ml::DialStream& wanted) override {
    add(wanted.id, tcp::socket(io_)).dial(to_endpoint<tcp>(wanted.to));
  }
  void on(ml::WriteStream& wanted) override {
    streams_.at(wanted.id)->write(std::move(wanted.bytes));
  }
  void on(ml::CloseStream& wanted) override { streams_.extract(wanted.id).mapped()->close(); }
  void on(ml::AbortStream& wanted) override {
    if (const auto stream = streams_.extract(wanted.id)) stream.mapped()->abort();
  }

  // --- what happens
  void wait_until(ml::TimePoint next) {
    if (std::exchange(armed_, next) == next) return;
    timer_.expires_at(std::chrono::steady_clock::time_point(next.time_since_epoch()));
    timer_.async_wait([this](const asio::error_code& moved) {
      if (moved) return;
      armed_ = ml::kNever;
      deadline();
    });
  }
  awaitable<void> receive() {
    std::vector<std::byte> room(65'536);
    for (udp::endpoint from;;) {
      asio::error_code error;
      const auto size = co_await udp_.async_receive_from(asio::buffer(room), from, into(error));
      if (!error) packet(from_endpoint(from), std::span(room).first(size));
    }
  }
  awaitable<void> accept() {
    for (;;) {
      asio::error_code error;
      auto socket = co_await listener_.async_accept(into(error));
      const auto peer = error ? tcp::endpoint() : socket.remote_endpoint(error);
      const auto id = error ? std::nullopt : accepted(from_endpoint(peer));
      if (!id) continue;
      add(*id, std::move(socket)).start_reading();
      act();
    }
  }
  awaitable<void> read_input() {
    std::array<char, 512> ignored{};
    asio::error_code ended;
    while (!ended) co_await input_.async_read_some(asio::buffer(ignored), into(ended));
    leave();
  }
  examples::AsioStream& add(ml::StreamId id, tcp::socket socket) {
    streams_[id] = std::make_shared<examples::AsioStream>(
        std::move(socket), [this, id](const ml::StreamEvent& event) {
          if (std::holds_alternative<ml::StreamFailed>(event)) streams_.erase(id);
          stream(id, event);
        });
    return *streams_[id];
  }

  asio::io_context& io_;
  udp::socket udp_;
  tcp::acceptor listener_;
  asio::steady_timer timer_;
  ml::TimePoint armed_ = ml::kNever;
  asio::posix::stream_descriptor input_;
  std::map<ml::StreamId, std::shared_ptr<examples::AsioStream>> streams_;
};

}  // namespace

int main(int argc, char** argv) try {
  const auto arguments = examples::Arguments::parse(argc, argv);
  if (!arguments) return 2;
  asio::io_context io;
  AsioLoop loop(io, arguments->bind);
  if (!loop.begin(arguments->name, loop.bound(), arguments->seed)) return 1;
  loop.run();
  return loop.exit_code();
} catch (const std::exception& error) {  // Asio's, if a socket cannot be opened
  std::cerr << error.what() << '\n';
  return 1;
}
