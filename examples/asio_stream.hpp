#pragma once

// The connections of own_loop_asio.cpp.

#include <asio.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "memberlist/engine.hpp"

namespace examples {

using asio::ip::tcp;

/// Makes an operation a part of a coroutine, whose error it leaves in `error`.
inline auto into(asio::error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

/// One connection. Its coroutines keep it alive.
class AsioStream : public std::enable_shared_from_this<AsioStream> {
 public:
  /// `tell` is called with the stream's events, until the stream is closed, aborted or has failed.
  using Tell = std::function<void(const memberlist::StreamEvent&)>;
  AsioStream(tcp::socket socket, Tell tell)
      : socket_(std::move(socket)), linger_(socket_.get_executor()), tell_(std::move(tell)) {}

  void dial(const tcp::endpoint& to) { start(connect(shared_from_this(), to)); }
  void start_reading() { start(read(shared_from_this())); }
  void write(memberlist::Bytes bytes) {
    unsent_.push_back(std::move(bytes));
    if (unsent_.size() == 1) start(write_all(shared_from_this()));
  }
  /// Ends the stream once all is written, and waits a short time for the peer to end it, too.
  void close() {
    tell_ = nullptr;
    linger_.expires_after(std::chrono::seconds(10));
    linger_.async_wait([self = shared_from_this()](const asio::error_code& ended) {
      if (!ended) self->socket_.close();
    });
    if (unsent_.empty()) end();
  }
  void abort() {
    tell_ = nullptr;
    socket_.close();
  }

 private:
  // A coroutine has a pointer to the stream among its arguments, which keeps it alive.
  void start(asio::awaitable<void> work) {
    asio::co_spawn(socket_.get_executor(), std::move(work), asio::detached);
  }
  asio::awaitable<void> connect(std::shared_ptr<AsioStream> self, tcp::endpoint to) {
    asio::error_code error;
    co_await socket_.async_connect(to, into(error));
    if (error) co_return fail(error);
    tell(memberlist::StreamConnected{});
    co_await read(self);
  }
  asio::awaitable<void> read(std::shared_ptr<AsioStream> /*self*/) {
    std::vector<std::byte> room(65'536);
    for (;;) {
      asio::error_code error;
      const auto size = co_await socket_.async_read_some(asio::buffer(room), into(error));
      if (error == asio::error::eof) break;
      if (error) co_return fail(error);
      tell(memberlist::StreamData{std::span(room).first(size)});
    }
    linger_.cancel();
    tell(memberlist::StreamEnd{});
  }
  asio::awaitable<void> write_all(std::shared_ptr<AsioStream> /*self*/) {
    while (!unsent_.empty()) {
      asio::error_code error;
      co_await asio::async_write(socket_, asio::buffer(unsent_.front()), into(error));
      if (error) co_return fail(error);
      unsent_.pop_front();
    }
    if (!tell_) end();
  }
  void end() {
    asio::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void tell(const memberlist::StreamEvent& event) {
    if (const Tell tell = tell_) tell(event);  // a copy: it may close the stream
  }
  void fail(const asio::error_code& error) {
    linger_.cancel();
    socket_.close();
    const Tell tell = std::exchange(tell_, nullptr);
    if (!tell) return;
    tell(memberlist::StreamFailed{{memberlist::ErrorCode::unreachable, error.message(), {}}});
  }

  tcp::socket socket_;
  asio::steady_timer linger_;
  Tell tell_;
  std::deque<memberlist::Bytes> unsent_;  // the first one is being sent
};

}  // namespace examples
