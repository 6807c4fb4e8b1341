#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "admin_api.hpp"
#include "event_hub.hpp"
#include "http_guard.hpp"
#include "http_limits.hpp"
#include "http_routes.hpp"

namespace memberlist::cli {

class HttpSession;

/// Shared state of the connections of a server. Used on the server's thread only.
class HttpSessionHost {
 public:
  virtual ~HttpSessionHost() = default;

  [[nodiscard]] virtual const HttpLimits& limits() const = 0;
  [[nodiscard]] virtual const RequestGuard& guard() const = 0;
  [[nodiscard]] virtual AdminApi& api() = 0;
  [[nodiscard]] virtual EventHub& hub() = 0;
  /// Runs `call` on another thread, and then `done` with its reply on the server's. False if too
  /// many wait already.
  [[nodiscard]] virtual bool run_call(std::function<HttpReply()> call,
                                      std::function<void(HttpReply)> done) = 0;
  /// The same for a view that takes time: it does not wait for calls, and is never refused.
  virtual void run_view(std::function<HttpReply()> view, std::function<void(HttpReply)> done) = 0;
  /// Reserves memory for a large body. False if others use too much; must be released.
  [[nodiscard]] virtual bool hold(std::size_t bytes) = 0;
  virtual void release(std::size_t bytes) = 0;
  /// Whether each connection ends with its next answer.
  [[nodiscard]] virtual bool is_stopping() const = 0;
  /// The session has closed its connection.
  virtual void forget(const HttpSession& session) = 0;
};

/// One connection: one request after the other, or a stream of events. Everything happens on the
/// server's thread; whatever waits for the client has a deadline.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  using Protocol = boost::asio::generic::stream_protocol;
  using Executor = boost::asio::io_context::executor_type;
  using Socket = boost::asio::basic_stream_socket<Protocol, Executor>;
  using Clock = std::chrono::steady_clock;

  /// `source` is the client's IP address. The host must outlive the session.
  HttpSession(Socket socket, std::string source, boost::asio::io_context& io,
              HttpSessionHost& host);
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;
  ~HttpSession() = default;

  void start();
  /// Ends the connection at once.
  void close();

  /// Whether the connection waits for the client: to send its request, or to read its answer.
  [[nodiscard]] bool waits_for_client() const noexcept { return state_ == State::client; }
  /// Whether there is an answer that was not written to its end.
  [[nodiscard]] bool is_answering() const noexcept { return serializer_ != nullptr; }
  /// When it entered this state.
  [[nodiscard]] Clock::time_point since() const noexcept { return since_; }
  [[nodiscard]] bool has_shown_token() const noexcept { return has_shown_token_; }
  [[nodiscard]] const std::string& source() const noexcept { return source_; }

 private:
  using Error = boost::beast::error_code;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;
  using Serializer = boost::beast::http::response_serializer<boost::beast::http::string_body>;
  enum class State : std::uint8_t { client, call, events, closed };

  /// A handler of an asynchronous operation that keeps the session until then.
  template <class... Arguments>
  auto then(void (HttpSession::*step)(Arguments...));

  void enter(State state);
  void wait_for_request();
  void read_head();
  void on_head(Error error, std::size_t bytes);
  void on_malformed(Error error);
  void read_body();
  void on_continue(Error error, std::size_t bytes);
  void on_body(Error error, std::size_t bytes);
  void serve_request();
  void wipe_request();
  [[nodiscard]] bool hold_memory(std::size_t bytes);
  void release_memory();
  void reply_view(HttpReply answer);
  void reply(HttpReply reply);
  void refuse(HttpReply reply);
  void write_answer();
  void on_answer(Error error, std::size_t bytes);
  void finish_request();
  void linger();
  void on_lingered(Error error, std::size_t bytes);

  void stream_events();
  void on_events_head(Error error, std::size_t bytes);
  void watch_reader();
  void write_next_line();
  void wait_for_line();
  void write_events(std::string bytes);
  template <class Buffers>
  void write_chunk(const Buffers& buffers);
  void on_events_written(Error error, std::size_t bytes);

  boost::beast::basic_stream<Protocol, Executor> stream_;
  std::string source_;
  boost::asio::io_context& io_;
  HttpSessionHost& host_;
  const HttpLimits& limits_;
  State state_ = State::client;
  Clock::time_point since_ = Clock::now();
  bool has_shown_token_ = false;
  bool closes_ = false;  // after the answer

  boost::beast::flat_buffer buffer_;
  std::unique_ptr<Parser> parser_;
  HttpTarget target_{{}};
  const Route* route_ = nullptr;
  std::size_t held_bytes_ = 0;  // of the host's memory
  Response response_;
  std::unique_ptr<Serializer> serializer_;

  std::shared_ptr<EventSubscription> subscription_;
  boost::asio::steady_timer heartbeat_;
  std::string line_;  // of the stream of events, while it is written
  bool writing_ = false;
  bool last_written_ = false;
};

}  // namespace memberlist::cli
