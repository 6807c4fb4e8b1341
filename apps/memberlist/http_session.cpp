#include "http_session.hpp"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <limits>
#include <utility>

#include "http_limits.hpp"
#include "secret_text.hpp"

namespace memberlist::cli {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using namespace http_limits;

constexpr unsigned kVersion = 11;  // HTTP/1.1

std::string text_of(beast::string_view text) { return {text.data(), text.size()}; }

std::optional<std::string> header(const http::fields& fields, http::field name) {
  const auto found = fields.find(name);
  return found != fields.end() ? std::optional(text_of(found->value())) : std::nullopt;
}

RequestHead head_of(const http::request<http::string_body>& request, const HttpTarget& target) {
  RequestHead head;
  head.method = text_of(request.method_string());
  head.path = target.path;
  head.target_bytes = request.target().size();
  head.host_count = request.count(http::field::host);
  head.host = header(request, http::field::host).value_or("");
  head.origin = header(request, http::field::origin);
  const auto site = request.find("Sec-Fetch-Site");
  head.fetch_site = site != request.end() ? std::optional(text_of(site->value())) : std::nullopt;
  head.authorization = header(request, http::field::authorization);
  head.content_length = header(request, http::field::content_length);
  head.encoded_body = request.count(http::field::transfer_encoding) > 0 ||
                      request.count(http::field::content_encoding) > 0;
  return head;
}

HttpReply busy(std::string_view message) { return to_http(error_reply(503, "busy", message)); }

HttpReply failed() {
  return to_http(error_reply(500, "system", "the request could not be carried out"));
}

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
    if (self->state_ == State::closed) {
      return;
    }
    try {
      (self.get()->*step)(arguments...);
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
      heartbeat_(io) {}

HttpSession::~HttpSession() = default;

void HttpSession::start() {
  stream_.expires_after(kHeadTimeout);
  read_head();
}

void HttpSession::close() {
  if (state_ == State::closed) {
    return;
  }
  enter(State::closed);
  wipe_request();
  subscription_ = nullptr;
  heartbeat_.cancel();
  stream_.close();
  host_.give_back_upload(std::exchange(upload_bytes_, 0));
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
  stream_.expires_after(kIdleTimeout);
  if (buffer_.size() > 0) {
    return read_head();
  }
  stream_.async_read_some(buffer_.prepare(kMaxHeadBytes),
                          [self = shared_from_this()](Error error, std::size_t bytes) {
                            if (error || self->state_ == State::closed) {
                              return self->close();
                            }
                            self->buffer_.commit(bytes);
                            self->read_head();
                          });
}

void HttpSession::read_head() {
  parser_.emplace();
  parser_->header_limit(kMaxHeadBytes);
  // The guard has the limits. (Without a number Boost 1.74 refuses every body.)
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  stream_.expires_after(kHeadTimeout);
  http::async_read_header(stream_, buffer_, *parser_, then(&HttpSession::on_head));
}

void HttpSession::on_head(Error error, std::size_t /*bytes*/) {
  if (error) {
    return on_malformed(error);
  }
  const auto& request = parser_->get();
  target_.emplace(std::string_view(request.target().data(), request.target().size()));
  const RequestHead head = head_of(request, *target_);
  if (const auto refusal = host_.guard().check(head)) {
    return refuse(to_http(error_reply(refusal->status, refusal->code, refusal->message)));
  }
  has_shown_token_ = host_.guard().wants_token();
  const auto route = find_route(head.method, target_->path);
  if (!route) {
    return refuse(route.error());
  }
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
  const std::size_t length = parser_->content_length().value_or(0);
  if (length > kMaxBodyBytes) {
    if (!host_.take_upload(length)) {
      return refuse(busy("other large messages are being sent: try again"));
    }
    upload_bytes_ = length;
  }
  const bool asks = beast::iequals(parser_->get()[http::field::expect], "100-continue");
  if (asks && length > 0 && buffer_.size() == 0) {
    response_ = Response(http::status::continue_, kVersion);
    serializer_.emplace(response_);
    return http::async_write(stream_, *serializer_, then(&HttpSession::on_continue));
  }
  on_continue({}, 0);
}

void HttpSession::on_continue(Error error, std::size_t /*bytes*/) {
  if (error) {
    return close();
  }
  const std::size_t length = parser_->content_length().value_or(0);
  stream_.expires_after(kBodyTimeout + std::chrono::seconds(length / kBodyBytesPerSecond));
  http::async_read(stream_, buffer_, *parser_, then(&HttpSession::on_body));
}

void HttpSession::on_body(Error error, std::size_t /*bytes*/) {
  if (error) {
    return on_malformed(error);
  }
  serve_request();
}

void HttpSession::serve_request() {
  closes_ = !parser_->get().keep_alive() || parser_->get().version() < kVersion;
  if (route_->kind == Route::Kind::events) {
    return stream_events();
  }
  if (route_->kind == Route::Kind::view) {
    return reply(answer_of(*route_, host_.api(), *target_, parser_->get().body()));
  }
  // The session, and with it the request, stays until the call is done.
  enter(State::call);
  const auto call = [self = shared_from_this()] {
    return answer_of(*self->route_, self->host_.api(), *self->target_, self->parser_->get().body());
  };
  const bool runs = host_.run_call(call, [self = shared_from_this()](HttpReply answer) {
    if (self->state_ != State::closed) {
      self->reply(std::move(answer));
    }
  });
  if (!runs) {
    reply(busy("too many calls are under way: try again"));
  }
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

// --- an answer -----------------------------------------------------------------------------------

// An answer to what was not read to its end, or comes from somebody whom the guard does not know.
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
  response_.set(http::field::content_type,
                beast::string_view(answer.content_type.data(), answer.content_type.size()));
  if (!answer.allow.empty()) {
    response_.set(http::field::allow, beast::string_view(answer.allow.data(), answer.allow.size()));
  }
  response_.keep_alive(!closes_);
  response_.content_length(answer.body.size());
  if (!head_only) {
    response_.body() = std::move(answer.body);
  }
  serializer_.emplace(response_);
  write_answer();
}

void HttpSession::write_answer() {
  stream_.expires_after(kWriteTimeout);
  http::async_write_some(stream_, *serializer_, then(&HttpSession::on_answer));
}

void HttpSession::on_answer(Error error, std::size_t /*bytes*/) {
  if (error) {
    return close();
  }
  if (!serializer_->is_done()) {
    return write_answer();
  }
  finish_request();
}

void HttpSession::finish_request() {
  serializer_.reset();
  response_ = {};
  parser_.reset();
  host_.give_back_upload(std::exchange(upload_bytes_, 0));
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
  stream_.socket().shutdown(Socket::shutdown_send, ignored);
  buffer_.clear();
  stream_.expires_after(host_.is_stopping() ? kStopTimeout
                                            : std::chrono::milliseconds(kLingerTimeout));
  on_lingered({}, 0);
}

void HttpSession::on_lingered(Error error, std::size_t /*bytes*/) {
  if (error) {
    return close();
  }
  stream_.async_read_some(buffer_.prepare(kMaxHeadBytes), then(&HttpSession::on_lingered));
}

// --- events --------------------------------------------------------------------------------------

void HttpSession::stream_events() {
  // Called on whatever thread publishes: the session is looked for on its own.
  const auto wake = [&io = io_, weak = weak_from_this()] {
    asio::post(io, [weak] {
      const auto self = weak.lock();
      if (self && self->state_ == State::events && !self->writing_) {
        self->write_next_line();
      }
    });
  };
  if (parser_->get().method() != http::verb::head) {
    subscription_ = host_.hub().subscribe(wake);
    if (subscription_ == nullptr) {
      return reply(to_http(error_reply(
          503, "too_many_subscribers",
          fmt::format("{} read the events already: end one of them", EventHub::kMaxSubscribers))));
    }
  }
  response_ = Response(http::status::ok, kVersion);
  set_common_headers(response_);
  response_.set(http::field::content_type, "application/x-ndjson");
  closes_ = closes_ || subscription_ == nullptr;
  response_.keep_alive(!closes_);
  response_.chunked(parser_->get().version() >= kVersion);
  serializer_.emplace(response_);
  enter(State::events);
  writing_ = true;
  stream_.expires_after(kWriteTimeout);
  http::async_write_header(stream_, *serializer_, then(&HttpSession::on_events_head));
}

void HttpSession::on_events_head(Error error, std::size_t /*bytes*/) {
  if (error) {
    return close();
  }
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
  heartbeat_.expires_after(kHeartbeat);
  heartbeat_.async_wait([self = shared_from_this()](Error error) {
    if (!error && self->state_ == State::events && !self->writing_) {
      self->write_events("\n");
    }
  });
}

// Empty for the end of the stream.
void HttpSession::write_events(std::string bytes) {
  writing_ = true;
  heartbeat_.cancel();
  if (response_.chunked()) {
    bytes = fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
  }
  out_ = std::move(bytes);
  out_written_ = 0;
  write_events_rest();
}

void HttpSession::write_events_rest() {
  stream_.expires_after(kWriteTimeout);
  stream_.async_write_some(asio::buffer(out_) + out_written_,
                           then(&HttpSession::on_events_written));
}

void HttpSession::on_events_written(Error error, std::size_t bytes) {
  if (error) {
    return close();
  }
  out_written_ += bytes;
  if (out_written_ < out_.size()) {
    return write_events_rest();
  }
  if (!last_written_) {
    return write_next_line();
  }
  Error ignored;
  stream_.socket().shutdown(Socket::shutdown_send, ignored);
  close();
}

}  // namespace memberlist::cli
