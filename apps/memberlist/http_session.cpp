#include "http_session.hpp"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <limits>
#include <utility>

#include "secret_text.hpp"

namespace memberlist::cli {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using Request = http::request<http::string_body>;

constexpr unsigned kVersion = 11;  // HTTP/1.1

// Between the views of two libraries.
std::string_view ours(beast::string_view text) { return {text.data(), text.size()}; }
beast::string_view theirs(std::string_view text) { return {text.data(), text.size()}; }

template <class Name>
std::optional<std::string_view> header(const Request& request, Name name) {
  const auto found = request.find(name);
  return found != request.end() ? std::optional(ours(found->value())) : std::nullopt;
}

RequestHead head_of(const Request& request) {
  return {request.count(http::field::host), ours(request[http::field::host]),
          header(request, http::field::origin), header(request, "Sec-Fetch-Site"),
          ours(request[http::field::authorization])};
}

// A request's body is at most as long as its route takes, and how long it is, is known before.
std::optional<HttpReply> refusal_of_body(const Request& request, std::uint64_t length,
                                         const Route& route) {
  if (request.count(http::field::transfer_encoding) > 0 ||
      request.count(http::field::content_encoding) > 0) {
    return to_http(
        error_reply(411, "length_required",
                    "send the body plain, with a Content-Length: neither chunked nor compressed"));
  }
  if (length > route.max_body_bytes) {
    return to_http(
        error_reply(413, "too_large",
                    fmt::format("the body is over the limit of {} bytes", route.max_body_bytes)));
  }
  return std::nullopt;
}

HttpReply busy(std::string_view message) { return to_http(error_reply(503, "busy", message)); }

HttpReply failed() { return to_http(error_reply(500, "system", "the request failed")); }

// The answer of a route; what goes wrong in it is the request's own problem.
HttpReply answer_of(const Route& route, AdminApi& api, const HttpTarget& target,
                    const std::string& body) {
  try {
    return route.answer(api, target, body);
  } catch (const std::exception&) {
    return failed();
  }
}

template <class Message>
void set_common_headers(Message& message) {
  message.set(http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
}

}  // namespace

template <class... Arguments>
auto HttpSession::then(void (HttpSession::*step)(Arguments...)) {
  return [self = shared_from_this(), step](Arguments... arguments) {
    if (self->state_ == State::closed) return;
    try {
      (self.get()->*step)(std::move(arguments)...);
    } catch (const std::exception&) {  // no memory: this connection's end, and nobody else's
      self->close();
    }
  };
}

HttpSession::HttpSession(Socket socket, std::string source, asio::io_context& io,
                         HttpSessionHost& host)
    : stream_(std::move(socket)),
      source_(std::move(source)),
      io_(io),
      host_(host),
      limits_(host.limits()),
      heartbeat_(io) {}

void HttpSession::start() { read_head(); }

void HttpSession::close() {
  if (state_ == State::closed) return;
  enter(State::closed);
  wipe_request();
  subscription_ = nullptr;
  heartbeat_.cancel();
  stream_.close();
  release_memory();
  host_.forget(*this);
}

void HttpSession::enter(State state) {
  state_ = state;
  since_ = Clock::now();
}

// --- a request -----------------------------------------------------------------------------------

// Between two requests a client may be silent for longer than within one.
void HttpSession::wait_for_request() {
  enter(State::client);
  stream_.expires_after(limits_.idle_timeout);
  if (buffer_.size() > 0) return read_head();
  stream_.async_read_some(buffer_.prepare(HttpLimits::kMaxHeadBytes),
                          [self = shared_from_this()](Error error, std::size_t bytes) {
                            if (error || self->state_ == State::closed) return self->close();
                            self->buffer_.commit(bytes);
                            self->read_head();
                          });
}

void HttpSession::read_head() {
  parser_ = std::make_unique<Parser>();
  parser_->header_limit(HttpLimits::kMaxHeadBytes);
  // The routes have the limits. (Without a number Boost 1.74 refuses every body.)
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  stream_.expires_after(limits_.head_timeout);
  http::async_read_header(stream_, buffer_, *parser_, then(&HttpSession::on_head));
}

void HttpSession::on_head(Error error, std::size_t /*bytes*/) {
  if (error) return on_malformed(error);
  const Request& request = parser_->get();
  if (const auto refusal = host_.guard().check(head_of(request))) {
    return refuse(to_http(error_reply(refusal->status, refusal->code, refusal->message)));
  }
  has_shown_token_ = host_.guard().wants_token();
  if (request.target().size() > HttpLimits::kMaxTargetBytes) {
    return refuse(to_http(error_reply(
        414, "too_large",
        fmt::format("the path is over the limit of {} bytes", HttpLimits::kMaxTargetBytes))));
  }
  target_ = HttpTarget(ours(request.target()));
  const auto route = find_route(ours(request.method_string()), target_.path);
  if (!route) return refuse(route.error());
  route_ = *route;
  read_body();
}

void HttpSession::on_malformed(Error error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return refuse(to_http(error_reply(431, "too_large", "the head of the request is too long")));
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error.category() != http::make_error_code(http::error::bad_method).category()) {
    return close();
  }
  refuse(to_http(error_reply(400, "bad_request", "the request is malformed")));
}

void HttpSession::read_body() {
  const Request& request = parser_->get();
  const std::uint64_t length = parser_->content_length().value_or(0);
  if (auto refusal = refusal_of_body(request, length, *route_)) return refuse(std::move(*refusal));
  if (!hold_memory(length)) return refuse(busy("other large messages are being sent: try again"));
  stream_.expires_after(limits_.body_timeout +
                        std::chrono::seconds(length / HttpLimits::kBodyBytesPerSecond));
  const bool asks = beast::iequals(request[http::field::expect], "100-continue");
  if (asks && length > 0 && buffer_.size() == 0) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    return asio::async_write(stream_, asio::buffer(kContinue), then(&HttpSession::on_continue));
  }
  on_continue({}, 0);
}

void HttpSession::on_continue(Error error, std::size_t /*bytes*/) {
  if (error) return close();
  http::async_read(stream_, buffer_, *parser_, then(&HttpSession::on_body));
}

void HttpSession::on_body(Error error, std::size_t /*bytes*/) {
  if (error) return on_malformed(error);
  serve_request();
}

void HttpSession::serve_request() {
  closes_ = !parser_->get().keep_alive() || parser_->get().version() < kVersion;
  if (route_->kind == Route::Kind::events) return stream_events();
  if (route_->kind == Route::Kind::view) {
    return reply_view(answer_of(*route_, host_.api(), target_, parser_->get().body()));
  }
  // The session, and with it the request, stays until the answer is there.
  enter(State::call);
  const auto answer = [self = shared_from_this()] {
    return answer_of(*self->route_, self->host_.api(), self->target_, self->parser_->get().body());
  };
  if (route_->kind == Route::Kind::large_view) {
    return host_.run_view(answer, then(&HttpSession::reply_view));
  }
  if (!host_.run_call(answer, then(&HttpSession::reply))) {
    reply(busy("too many calls are in progress: try again"));
  }
}

void HttpSession::reply_view(HttpReply answer) {
  const bool fits = hold_memory(answer.body.size());
  reply(fits ? std::move(answer) : busy("other large answers are being read: try again"));
}

// A key must not stay in memory that is used again: neither in the body nor in what was read.
void HttpSession::wipe_request() {
  if (route_ != nullptr && route_->body_has_key && parser_) {
    wipe_text(parser_->get().body());
    const auto spare = buffer_.prepare(buffer_.capacity() - buffer_.size());
    wipe(std::span(static_cast<std::byte*>(spare.data()), spare.size()));
  }
  route_ = nullptr;
}

// What is small is bounded by the number of connections, and what calls answer is small.
bool HttpSession::hold_memory(std::size_t bytes) {
  if (bytes > limits_.large_bytes) {
    if (!host_.hold(bytes)) return false;
    held_bytes_ += bytes;
  }
  return true;
}

void HttpSession::release_memory() { host_.release(std::exchange(held_bytes_, 0)); }

// --- an answer -----------------------------------------------------------------------------------

// An answer to a request that was not read completely, or that the guard refused.
void HttpSession::refuse(HttpReply answer) {
  closes_ = true;
  reply(std::move(answer));
}

void HttpSession::reply(HttpReply answer) {
  enter(State::client);
  const bool head_only = parser_->get().method() == http::verb::head;
  wipe_request();
  closes_ = closes_ || host_.is_stopping();
  response_ = Response(static_cast<http::status>(answer.status), kVersion);
  set_common_headers(response_);
  response_.set(http::field::content_type, theirs(answer.content_type));
  if (!answer.allow.empty()) response_.set(http::field::allow, theirs(answer.allow));
  response_.keep_alive(!closes_);
  response_.content_length(answer.body.size());
  if (!head_only) response_.body() = std::move(answer.body);
  serializer_ = std::make_unique<Serializer>(response_);
  write_answer();
}

void HttpSession::write_answer() {
  stream_.expires_after(limits_.write_timeout);
  http::async_write_some(stream_, *serializer_, then(&HttpSession::on_answer));
}

void HttpSession::on_answer(Error error, std::size_t /*bytes*/) {
  if (error) return close();
  if (!serializer_->is_done()) return write_answer();
  finish_request();
}

void HttpSession::finish_request() {
  serializer_.reset();
  response_ = {};
  parser_.reset();
  release_memory();
  if (closes_) {
    linger();
  } else {
    wait_for_request();
  }
}

// What was sent and not read would make the kernel reset the connection, and the answer might be
// lost with it: what comes is read until the client has closed its side.
void HttpSession::linger() {
  Error ignored;
  static_cast<void>(stream_.socket().shutdown(Socket::shutdown_send, ignored));
  buffer_.clear();
  stream_.expires_after(limits_.linger_timeout);
  on_lingered({}, 0);
}

void HttpSession::on_lingered(Error error, std::size_t /*bytes*/) {
  if (error) return close();
  stream_.async_read_some(buffer_.prepare(HttpLimits::kMaxHeadBytes),
                          then(&HttpSession::on_lingered));
}

// --- events --------------------------------------------------------------------------------------

void HttpSession::stream_events() {
  // Called on whatever thread publishes: the session is looked for on its own.
  const auto wake = [&io = io_, weak = weak_from_this()] {
    asio::post(io, [weak] {
      const auto self = weak.lock();
      if (self && self->state_ == State::events && !self->writing_) self->write_next_line();
    });
  };
  if (parser_->get().method() != http::verb::head) {
    subscription_ = host_.hub().subscribe(wake);
    if (subscription_ == nullptr) {
      return reply(
          to_http(error_reply(503, "too_many_subscribers",
                              fmt::format("{} clients read events already: end one of them",
                                          EventHub::kMaxSubscribers))));
    }
  }
  response_ = Response(http::status::ok, kVersion);
  set_common_headers(response_);
  response_.set(http::field::content_type, "application/x-ndjson");
  closes_ = closes_ || subscription_ == nullptr;
  response_.keep_alive(!closes_);
  response_.chunked(parser_->get().version() >= kVersion);
  serializer_ = std::make_unique<Serializer>(response_);
  enter(State::events);
  writing_ = true;
  stream_.expires_after(limits_.write_timeout);
  http::async_write_header(stream_, *serializer_, then(&HttpSession::on_events_head));
}

void HttpSession::on_events_head(Error error, std::size_t /*bytes*/) {
  if (error) return close();
  if (subscription_ == nullptr) {  // HEAD
    enter(State::client);
    return finish_request();
  }
  watch_reader();
  write_next_line();
}

// A reader sends nothing; the end of its side, or a reset, frees its place at once.
void HttpSession::watch_reader() {
  stream_.expires_never();
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(1),
                          [self = shared_from_this()](Error error, std::size_t) {
                            if (self->state_ == State::events) {
                              return error ? self->close() : self->watch_reader();
                            }
                          });
}

void HttpSession::write_next_line() {
  const auto next = subscription_->next({});
  switch (next.state) {
    case EventSubscription::State::line:
      return write_events(next.line);
    case EventSubscription::State::nothing_yet:
      return wait_for_line();
    case EventSubscription::State::ended:
      last_written_ = true;
      return write_events({});
  }
}

void HttpSession::wait_for_line() {
  writing_ = false;
  heartbeat_.expires_after(limits_.heartbeat);
  heartbeat_.async_wait([self = shared_from_this()](Error error) {
    if (!error && self->state_ == State::events && !self->writing_) self->write_events("\n");
  });
}

// Empty for the end of the stream.
void HttpSession::write_events(std::string bytes) {
  writing_ = true;
  heartbeat_.cancel();
  line_ = std::move(bytes);
  if (!response_.chunked()) {
    write_chunk(asio::buffer(line_));
  } else if (line_.empty()) {
    write_chunk(http::make_chunk_last());
  } else {
    write_chunk(http::make_chunk(asio::buffer(line_)));
  }
}

template <class Buffers>
void HttpSession::write_chunk(const Buffers& buffers) {
  constexpr std::size_t kMostAtOnce = std::size_t{64} * 1024;
  // Asked before each part, so that each has the whole time.
  const auto next_part = [this](Error error, std::size_t /*written*/) {
    if (!error) stream_.expires_after(limits_.write_timeout);
    return error ? 0 : kMostAtOnce;
  };
  asio::async_write(stream_, buffers, next_part, then(&HttpSession::on_events_written));
}

void HttpSession::on_events_written(Error error, std::size_t /*bytes*/) {
  if (error) return close();
  if (!last_written_) return write_next_line();
  close();
}

}  // namespace memberlist::cli
