#include "http_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <map>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http_limits.hpp"
#include "http_session.hpp"

namespace memberlist::cli {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using AcceptedSocket = tcp::socket::rebind_executor<asio::io_context::executor_type>::other;
using BoostError = boost::system::error_code;

constexpr std::chrono::milliseconds kFirstAcceptPause{10};
constexpr std::chrono::milliseconds kLongestAcceptPause{1000};

void close_on_exec(int socket) { std::ignore = ::fcntl(socket, F_SETFD, FD_CLOEXEC); }

// Lets the kernel detect a peer that has disappeared without closing.
void bound_silence(int socket, std::chrono::milliseconds timeout) {
  const auto milliseconds = static_cast<unsigned>(timeout.count());
  std::ignore =
      ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

}  // namespace

class AdminServer::Impl final : public HttpSessionHost {
 public:
  Impl(const Address& address, std::optional<std::string> token, const HttpLimits& limits)
      : address_(address),
        guard_(address, std::move(token)),
        limits_(limits),
        acceptor_(io_),
        timer_(io_) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() override { stop(); }

  /// Throws boost::system::system_error.
  void bind();
  [[nodiscard]] const Address& address() const { return address_; }
  void prepare(AdminApi& api, EventHub& hub);
  void serve(AdminApi& api, EventHub& hub, LogFunction log);
  void answer(int socket);
  void stop() noexcept;

  const HttpLimits& limits() const override { return limits_; }
  const RequestGuard& guard() const override { return guard_; }
  AdminApi& api() override { return *api_; }
  EventHub& hub() override { return *hub_; }
  bool run_call(std::function<HttpReply()> call, std::function<void(HttpReply)> done) override;
  void run_view(std::function<HttpReply()> view, std::function<void(HttpReply)> done) override;
  bool hold(std::size_t bytes) override;
  void release(std::size_t bytes) override { held_bytes_ -= bytes; }
  bool is_stopping() const override { return stopping_; }
  void forget(const HttpSession& session) override;

 private:
  using Sessions = std::unordered_map<const HttpSession*, std::shared_ptr<HttpSession>>;

  void run(asio::io_context& io) noexcept;
  void run_on(asio::io_context& other, std::function<HttpReply()> answer,
              std::function<void(HttpReply)> done);
  void accept();
  void accepted(AcceptedSocket socket);
  void pause_accepting(std::string_view reason);
  void start(HttpSession::Socket socket, std::string source);
  void make_room();
  void begin_stop();
  void drop_rest();
  void log(LogLevel level, std::string_view text) const noexcept;

  Address address_;
  const RequestGuard guard_;
  const HttpLimits limits_;
  AdminApi* api_ = nullptr;
  EventHub* hub_ = nullptr;
  LogFunction log_;

  asio::io_context io_;
  tcp::acceptor acceptor_;
  asio::steady_timer timer_;  // for the next try to accept, and for the end
  std::optional<std::chrono::milliseconds>
      pause_;  // before the next try to accept, after a failure
  Sessions sessions_;
  std::size_t calls_under_way_ = 0;
  std::size_t elsewhere_ = 0;  // answers that other threads make: of calls and of large views
  std::size_t held_bytes_ = 0;
  bool stopping_ = false;
  std::thread thread_;

  asio::io_context call_io_;
  asio::executor_work_guard<asio::io_context::executor_type> call_work_{call_io_.get_executor()};
  asio::io_context view_io_;
  asio::executor_work_guard<asio::io_context::executor_type> view_work_{view_io_.get_executor()};
  std::vector<std::jthread> other_threads_;
};

void AdminServer::Impl::bind() {
  const tcp::endpoint endpoint(asio::ip::make_address(address_.ip.to_string()), address_.port);
  acceptor_.open(endpoint.protocol());
  close_on_exec(acceptor_.native_handle());
  // Not SO_REUSEPORT: a second agent must not share the port.
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  // Treat it like any other error: Asio would wait for the next client, even if one is waiting
  // already.
  acceptor_.set_option(tcp::acceptor::enable_connection_aborted(true));
  acceptor_.bind(endpoint);
  acceptor_.listen();
  address_.port = acceptor_.local_endpoint().port();
}

void AdminServer::Impl::prepare(AdminApi& api, EventHub& hub) {
  api_ = &api;
  hub_ = &hub;
  for (std::size_t i = 0; i < limits_.call_threads; ++i) {
    other_threads_.emplace_back([this] { run(call_io_); });
  }
  // Large views have a separate thread: they do not wait for calls, and small ones do not wait for
  // them.
  other_threads_.emplace_back([this] { run(view_io_); });
}

void AdminServer::Impl::serve(AdminApi& api, EventHub& hub, LogFunction log) {
  log_ = std::move(log);
  prepare(api, hub);
  accept();
  thread_ = std::thread([this] { run(io_); });
}

// Nothing that goes wrong in one handler ends the others.
void AdminServer::Impl::run(asio::io_context& io) noexcept {
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception& error) {
      log(LogLevel::error, error.what());
    }
  }
}

void AdminServer::Impl::answer(int socket) {
  io_.restart();
  start(HttpSession::Socket(io_, HttpSession::Protocol(AF_UNIX, 0), socket), "");
  io_.run();
}

void AdminServer::Impl::log(LogLevel level, std::string_view text) const noexcept {
  try {
    if (log_) log_(level, fmt::format("admin API at {}: {}", address_.to_string(), text));
  } catch (const std::exception&) {  // no memory for a line of the log: there will be more of them
    return;
  }
}

// --- connections ---------------------------------------------------------------------------------

void AdminServer::Impl::accept() {
  acceptor_.async_accept(io_, [this](const BoostError& error, AcceptedSocket socket) {
    if (stopping_) return;
    if (error) return pause_accepting(error.message());
    try {
      accepted(std::move(socket));
      return accept();
    } catch (const std::exception& failure) {  // no memory
      pause_accepting(failure.what());
    }
  });
}

// Accepting fails when descriptors or memory run out, or when a client is gone already. The waiting
// connection may stay ready, so that trying again at once would spin.
void AdminServer::Impl::pause_accepting(std::string_view reason) {
  if (!pause_) log(LogLevel::warning, fmt::format("cannot accept connections for now: {}", reason));
  pause_ = pause_ ? std::min(2 * *pause_, kLongestAcceptPause) : kFirstAcceptPause;
  timer_.expires_after(*pause_);
  timer_.async_wait([this](const BoostError& stopped) {
    if (!stopped && !stopping_) accept();
  });
}

void AdminServer::Impl::accepted(AcceptedSocket socket) {
  if (std::exchange(pause_, std::nullopt)) log(LogLevel::info, "accepts connections again");
  close_on_exec(socket.native_handle());
  bound_silence(socket.native_handle(), limits_.unacknowledged_timeout);
  BoostError gone;
  const auto peer = socket.remote_endpoint(gone);
  make_room();
  if (!gone && sessions_.size() < limits_.connections) {
    start(HttpSession::Socket(std::move(socket)), peer.address().to_string());
  }
}

void AdminServer::Impl::start(HttpSession::Socket socket, std::string source) {
  const auto session =
      std::make_shared<HttpSession>(std::move(socket), std::move(source), io_, *this);
  session->start();
  sessions_[session.get()] = session;
}

// Closes one connection if the limit is reached: of those that wait for their client, one without a
// token before one with it; one of the source that has most of them; the one that has waited
// longest. So a client that connects and sends nothing takes places only from itself.
void AdminServer::Impl::make_room() {
  if (sessions_.size() < limits_.connections) return;
  std::map<std::string_view, std::size_t> per_source;
  for (const auto& [key, session] : sessions_) {
    per_source[session->source()] += session->waits_for_client() ? 1 : 0;
  }
  HttpSession* last = nullptr;
  const auto rank = [&](const HttpSession& session) {
    return std::tuple(!session.has_shown_token(), per_source[session.source()],
                      -session.since().time_since_epoch());
  };
  for (const auto& [key, session] : sessions_) {
    if (session->waits_for_client() && (last == nullptr || rank(*last) < rank(*session))) {
      last = session.get();
    }
  }
  if (last != nullptr) last->close();
}

void AdminServer::Impl::forget(const HttpSession& session) {
  sessions_.erase(&session);
  if (stopping_ && sessions_.empty()) timer_.cancel();
}

// One may be of any size: a large cluster has one large list of members.
bool AdminServer::Impl::hold(std::size_t bytes) {
  if (held_bytes_ > 0 && bytes > limits_.held_bytes - std::min(held_bytes_, limits_.held_bytes)) {
    return false;
  }
  held_bytes_ += bytes;
  return true;
}

bool AdminServer::Impl::run_call(std::function<HttpReply()> call,
                                 std::function<void(HttpReply)> done) {
  if (stopping_ || calls_under_way_ >= limits_.calls) return false;
  run_on(call_io_, std::move(call), [this, done = std::move(done)](HttpReply reply) {
    --calls_under_way_;
    done(std::move(reply));
  });
  ++calls_under_way_;
  return true;
}

void AdminServer::Impl::run_view(std::function<HttpReply()> view,
                                 std::function<void(HttpReply)> done) {
  run_on(view_io_, std::move(view), std::move(done));
}

void AdminServer::Impl::run_on(asio::io_context& other, std::function<HttpReply()> answer,
                               std::function<void(HttpReply)> done) {
  asio::post(other, [this, answer = std::move(answer), done = std::move(done),
                     busy = asio::make_work_guard(io_)] {
    asio::post(io_, [this, done, reply = answer()]() mutable {
      --elsewhere_;
      done(std::move(reply));
      drop_rest();
    });
  });
  ++elsewhere_;
}

// --- the end -------------------------------------------------------------------------------------

void AdminServer::Impl::begin_stop() {
  stopping_ = true;
  BoostError ignored;
  static_cast<void>(acceptor_.close(ignored));
  timer_.cancel();
  const Sessions open = sessions_;
  for (const auto& [key, session] : open) {
    if (session->waits_for_client() && !session->is_answering()) session->close();
  }
  drop_rest();
}

// Once all answers are made (the hub has ended its streams before): what is left are answers on
// their way.
void AdminServer::Impl::drop_rest() {
  if (stopping_ && elsewhere_ == 0 && !sessions_.empty()) {
    timer_.expires_after(limits_.stop_timeout);
    timer_.async_wait([this](const BoostError& cancelled) {
      if (!cancelled) io_.stop();
    });
  }
}

void AdminServer::Impl::stop() noexcept {
  if (thread_.joinable()) {
    asio::post(io_, [this] { begin_stop(); });
    thread_.join();
  }
  call_work_.reset();
  view_work_.reset();
  other_threads_.clear();
  while (!sessions_.empty()) {
    const auto session = sessions_.begin()->second;
    session->close();
  }
}

// --- the server ----------------------------------------------------------------------------------

AdminServer::AdminServer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
AdminServer::AdminServer(AdminServer&&) noexcept = default;
AdminServer& AdminServer::operator=(AdminServer&&) noexcept = default;
AdminServer::~AdminServer() = default;

std::expected<AdminServer, CommandError> AdminServer::bind(const Address& address,
                                                           std::optional<std::string> token,
                                                           const HttpLimits& limits) {
  try {
    auto impl = std::make_unique<Impl>(address, std::move(token), limits);
    impl->bind();
    return AdminServer(std::move(impl));
  } catch (const boost::system::system_error& error) {
    return std::unexpected(CommandError{
        kExitFailed,
        fmt::format("the admin address {} cannot be used: {}: give another with --http HOST:PORT "
                    "(port 0: any that is free), or --http off",
                    address.to_string(), error.code().message())});
  }
}

Address AdminServer::address() const { return impl_->address(); }
void AdminServer::serve(AdminApi& api, EventHub& hub, LogFunction log) {
  impl_->serve(api, hub, std::move(log));
}
void AdminServer::prepare(AdminApi& api, EventHub& hub) { impl_->prepare(api, hub); }
void AdminServer::answer(int socket) { impl_->answer(socket); }
void AdminServer::stop() noexcept { impl_->stop(); }

}  // namespace memberlist::cli
