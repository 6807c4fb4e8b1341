#include "http_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <map>
#include <system_error>
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
using namespace http_limits;
using AcceptedSocket = tcp::socket::rebind_executor<asio::io_context::executor_type>::other;
using BoostError = boost::system::error_code;

constexpr std::chrono::milliseconds kFirstAcceptPause{10};
constexpr std::chrono::milliseconds kLongestAcceptPause{1000};

void close_on_exec(int socket) { std::ignore = ::fcntl(socket, F_SETFD, FD_CLOEXEC); }

// Lets the kernel find out about a peer that is gone without a word.
void bound_silence(int socket) {
  const unsigned milliseconds = std::chrono::milliseconds(kUnacknowledgedTimeout).count();
  std::ignore =
      ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

// Threads for calls that wait. The first is there from the start, the others come when they are
// needed; without them calls only wait longer.
class CallThreads {
 public:
  ~CallThreads() { stop(); }

  void start() { add_thread(); }

  // On one thread only. `under_way` counts this call, too.
  void run(std::function<void()> call, std::size_t under_way) {
    asio::post(io_, std::move(call));
    if (under_way > threads_.size() && threads_.size() < kMaxCallThreads) {
      try {
        add_thread();
      } catch (const std::system_error&) {  // none to be had: those that are there do it
        return;
      }
    }
  }

  void stop() noexcept {
    work_.reset();
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }

 private:
  void add_thread() {
    threads_.reserve(kMaxCallThreads);
    threads_.emplace_back([this] { io_.run(); });
  }

  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::vector<std::thread> threads_;
};

}  // namespace

class AdminServer::Impl final : public HttpSessionHost {
 public:
  Impl(const Address& address, std::optional<std::string> token)
      : address_(address), token_(std::move(token)), acceptor_(io_), accept_timer_(io_) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() override { stop(); }

  BoostError bind();
  [[nodiscard]] const Address& address() const { return address_; }
  void prepare(AdminApi& api, EventHub& hub);
  void serve(AdminApi& api, EventHub& hub, LogFunction log);
  void answer(int socket);
  void stop() noexcept;

  const RequestGuard& guard() const override { return *guard_; }
  AdminApi& api() override { return *api_; }
  EventHub& hub() override { return *hub_; }
  bool run_call(std::function<HttpReply()> call, std::function<void(HttpReply)> done) override;
  bool take_upload(std::size_t bytes) override;
  void give_back_upload(std::size_t bytes) override { upload_bytes_ -= bytes; }
  bool is_stopping() const override { return stopping_; }
  void forget(const HttpSession& session) override;

 private:
  using Sessions = std::unordered_map<const HttpSession*, std::shared_ptr<HttpSession>>;

  void run();
  void accept();
  void accepted(HttpSession::Socket socket, const std::string& source);
  void pause_accepting(const BoostError& error);
  void make_room();
  void begin_stop();
  void drop_rest();
  void log(LogLevel level, std::string_view text) const noexcept;

  Address address_;
  std::optional<std::string> token_;
  std::optional<RequestGuard> guard_;
  AdminApi* api_ = nullptr;
  EventHub* hub_ = nullptr;
  LogFunction log_;

  asio::io_context io_;
  tcp::acceptor acceptor_;
  asio::steady_timer accept_timer_;
  std::chrono::milliseconds accept_pause_ = kFirstAcceptPause;
  Sessions sessions_;
  std::size_t calls_under_way_ = 0;
  std::size_t upload_bytes_ = 0;
  bool accepting_ = false;  // or waits before the next try
  bool stopping_ = false;
  CallThreads calls_;
  std::thread thread_;
};

BoostError AdminServer::Impl::bind() {
  BoostError error;
  const auto ip = asio::ip::make_address(address_.ip.to_string(), error);
  if (error) {
    return error;
  }
  const tcp::endpoint endpoint(ip, address_.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) {
    close_on_exec(acceptor_.native_handle());
    // Not SO_REUSEPORT: a second agent must not share the port.
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  }
  if (!error) {
    // An error as every other one: Asio would wait for the next client, whoever waits already.
    acceptor_.set_option(tcp::acceptor::enable_connection_aborted(true), error);
  }
  if (!error) {
    acceptor_.bind(endpoint, error);
  }
  if (!error) {
    acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  }
  if (!error) {
    address_.port = acceptor_.local_endpoint(error).port();
  }
  return error;
}

void AdminServer::Impl::prepare(AdminApi& api, EventHub& hub) {
  guard_.emplace(address_, token_);
  api_ = &api;
  hub_ = &hub;
  calls_.start();
}

void AdminServer::Impl::serve(AdminApi& api, EventHub& hub, LogFunction log) {
  log_ = std::move(log);
  prepare(api, hub);
  thread_ = std::thread([this] { run(); });
}

// Nothing that goes wrong in one handler ends the others, or the accepting of connections.
void AdminServer::Impl::run() {
  for (;;) {
    try {
      if (!accepting_ && !stopping_) {
        accept();
      }
      io_.run();
      return;
    } catch (const std::exception& error) {
      log(LogLevel::error, error.what());
      std::this_thread::sleep_for(kFirstAcceptPause);
    }
  }
}

void AdminServer::Impl::answer(int socket) {
  io_.restart();
  auto session = std::make_shared<HttpSession>(
      HttpSession::Socket(io_, HttpSession::Protocol(AF_UNIX, 0), socket), "", io_, *this);
  sessions_[session.get()] = session;
  session->start();
  session.reset();
  io_.run();
}

void AdminServer::Impl::log(LogLevel level, std::string_view text) const noexcept {
  try {
    if (log_) {
      log_(level, fmt::format("admin API at {}: {}", address_.to_string(), text));
    }
  } catch (const std::exception&) {  // no memory for a line of the log: there will be more of them
    return;
  }
}

// --- connections ---------------------------------------------------------------------------------

void AdminServer::Impl::accept() {
  acceptor_.async_accept(io_, [this](const BoostError& error, AcceptedSocket socket) {
    accepting_ = false;
    if (stopping_) {
      return;
    }
    if (error) {
      return pause_accepting(error);
    }
    if (accept_pause_ != kFirstAcceptPause) {
      log(LogLevel::info, "accepts connections again");
    }
    accept_pause_ = kFirstAcceptPause;
    BoostError gone;
    const auto peer = socket.remote_endpoint(gone);
    if (!gone) {
      accepted(HttpSession::Socket(std::move(socket)), peer.address().to_string());
    }
    accept();
  });
  accepting_ = true;
}

// Accepting fails when descriptors or memory run out, or when a client is gone already. The waiting
// connection may stay ready, so that trying again at once would spin.
void AdminServer::Impl::pause_accepting(const BoostError& error) {
  if (accept_pause_ == kFirstAcceptPause) {
    log(LogLevel::warning, "cannot accept connections for now: " + error.message());
  }
  accept_timer_.expires_after(accept_pause_);
  accept_timer_.async_wait([this](const BoostError& stopped) {
    accepting_ = false;
    if (!stopped && !stopping_) {
      accept();
    }
  });
  accepting_ = true;
  accept_pause_ = std::min(2 * accept_pause_, kLongestAcceptPause);
}

void AdminServer::Impl::accepted(HttpSession::Socket socket, const std::string& source) {
  close_on_exec(socket.native_handle());
  bound_silence(socket.native_handle());
  make_room();
  if (sessions_.size() >= kMaxConnections) {
    return;
  }
  const auto session = std::make_shared<HttpSession>(std::move(socket), source, io_, *this);
  sessions_[session.get()] = session;
  session->start();
}

// Closes one connection, if there are as many as there may be: of those that wait for their client,
// one without a token before one with it; one of the source that has most of them; the one that has
// waited longest. So who only connects and says nothing takes places from nobody but themselves.
void AdminServer::Impl::make_room() {
  if (sessions_.size() < kMaxConnections) {
    return;
  }
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
  if (last != nullptr) {
    last->close();
  }
}

void AdminServer::Impl::forget(const HttpSession& session) {
  sessions_.erase(&session);
  if (stopping_ && sessions_.empty()) {
    accept_timer_.cancel();
  }
}

bool AdminServer::Impl::take_upload(std::size_t bytes) {
  if (bytes > kMaxUploadBytes - upload_bytes_) {
    return false;
  }
  upload_bytes_ += bytes;
  return true;
}

bool AdminServer::Impl::run_call(std::function<HttpReply()> call,
                                 std::function<void(HttpReply)> done) {
  if (stopping_ || calls_under_way_ >= kMaxCalls) {
    return false;
  }
  calls_.run(
      [this, call = std::move(call), done = std::move(done), busy = asio::make_work_guard(io_)] {
        asio::post(io_, [this, done, reply = call()]() mutable {
          --calls_under_way_;
          done(std::move(reply));
        });
      },
      calls_under_way_ + 1);
  ++calls_under_way_;
  return true;
}

// --- the end -------------------------------------------------------------------------------------

void AdminServer::Impl::begin_stop() {
  stopping_ = true;
  BoostError ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  const Sessions open = sessions_;
  for (const auto& [key, session] : open) {
    if (session->waits_for_client() && !session->is_answering()) {
      session->close();
    }
  }
}

// All calls are done, and the hub has ended its streams: what is left are answers on their way.
void AdminServer::Impl::drop_rest() {
  if (sessions_.empty()) {
    return;
  }
  accept_timer_.expires_after(kStopTimeout);
  accept_timer_.async_wait([this](const BoostError& /*cancelled*/) {
    const Sessions open = sessions_;
    for (const auto& [key, session] : open) {
      session->close();
    }
  });
}

void AdminServer::Impl::stop() noexcept {
  if (thread_.joinable()) {
    std::promise<void> begun;
    asio::post(io_, [&] {
      begin_stop();
      begun.set_value();
    });
    begun.get_future().wait();
    calls_.stop();
    asio::post(io_, [this] { drop_rest(); });
    thread_.join();
  }
  calls_.stop();
  sessions_.clear();
}

// --- the server ----------------------------------------------------------------------------------

AdminServer::AdminServer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
AdminServer::AdminServer(AdminServer&&) noexcept = default;
AdminServer& AdminServer::operator=(AdminServer&&) noexcept = default;
AdminServer::~AdminServer() = default;

std::expected<AdminServer, CommandError> AdminServer::bind(const Address& address,
                                                           std::optional<std::string> token) {
  auto impl = std::make_unique<Impl>(address, std::move(token));
  if (const auto error = impl->bind()) {
    return std::unexpected(CommandError{
        kExitFailed,
        fmt::format("the admin address {} cannot be used: {}: give another with --http HOST:PORT "
                    "(port 0: any that is free), or --http off",
                    address.to_string(), error.message())});
  }
  return AdminServer(std::move(impl));
}

Address AdminServer::address() const { return impl_->address(); }
void AdminServer::serve(AdminApi& api, EventHub& hub, LogFunction log) {
  impl_->serve(api, hub, std::move(log));
}
void AdminServer::prepare(AdminApi& api, EventHub& hub) { impl_->prepare(api, hub); }
void AdminServer::answer(int socket) { impl_->answer(socket); }
void AdminServer::stop() noexcept { impl_->stop(); }

}  // namespace memberlist::cli
