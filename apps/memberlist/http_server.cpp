#include "http_server.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "http_connection.hpp"
#include "http_guard.hpp"
#include "secret_text.hpp"

namespace memberlist::cli {

namespace {

using namespace std::chrono_literals;

// Every subscriber keeps a connection; the rest is for requests that end soon.
constexpr std::size_t kMaxConnections = EventHub::kMaxSubscribers + 8;
constexpr auto kHeartbeat = 5s;
constexpr const char* kJsonType = "application/json";

// A thread for each connection, made when it comes. At the limit further ones wait to be accepted.
class ConnectionThreads : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> work) override {
    {
      std::unique_lock lock(state_->mutex);
      state_->changed.wait(lock, [this] { return state_->count < kMaxConnections; });
      ++state_->count;
    }
    const auto run = [state = state_, work = std::move(work)] {
      work();
      const std::scoped_lock lock(state->mutex);
      --state->count;
      state->changed.notify_all();
    };
    try {
      std::thread(run).detach();
    } catch (const std::system_error&) {
      run();  // no more threads to be had: slowly is better than not at all
    }
  }

  void shutdown() override {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->count == 0; });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t count = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// The HTTP library's server on connections of ours.
class Server final : public httplib::Server {
 public:
  void stop_connections() noexcept { stop_.raise(); }
  void answer(socket_t socket) { process_and_close_socket(socket); }

 private:
  bool process_and_close_socket(socket_t socket) override {
    Connection connection(socket, stop_);
    switch (connection.read_head()) {
      case Connection::Head::complete:
        break;
      case Connection::Head::too_large:
        return connection.Stream::write(
                   "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
                   "Content-Length: 0\r\n\r\n") > 0;
      case Connection::Head::none:
        return false;
    }
    // One request a connection: an idle one would keep its thread.
    bool closed = false;
    return process_request(connection, true, closed, nullptr);
  }

  StopSignal stop_;
};

void set_reply(httplib::Response& response, const ApiReply& reply) {
  response.status = reply.status;
  response.set_content(reply.body + "\n", kJsonType);
}

std::optional<std::string> header(const httplib::Request& request, const char* name) {
  return request.has_header(name) ? std::optional(request.get_header_value(name)) : std::nullopt;
}

RequestHead head_of(const httplib::Request& request) {
  RequestHead head;
  head.method = request.method;
  head.path = request.path;
  head.target_bytes = request.target.size();
  head.host_count = request.get_header_value_count("Host");
  head.host = request.get_header_value("Host");
  head.origin = header(request, "Origin");
  head.fetch_site = header(request, "Sec-Fetch-Site");
  head.authorization = header(request, "Authorization");
  head.content_length = header(request, "Content-Length");
  head.encoded_body =
      request.has_header("Transfer-Encoding") || request.has_header("Content-Encoding");
  return head;
}

using Handler = httplib::Server::Handler;

// A path, its only method, and what it does.
struct Route {
  std::string_view method;
  std::string path;
  Handler handler;
};

Handler call_with_body(AdminApi& api, ApiReply (AdminApi::*call)(const std::string&)) {
  return [&api, call](const httplib::Request& request, httplib::Response& response) {
    set_reply(response, (api.*call)(request.body));
  };
}

// The same for a body that holds a key: it is wiped, once it was used. The request is the library's
// own object, which is not const.
Handler call_with_key(AdminApi& api, ApiReply (AdminApi::*call)(const std::string&)) {
  return [&api, call](const httplib::Request& request, httplib::Response& response) {
    set_reply(response, (api.*call)(request.body));
    wipe_text(const_cast<std::string&>(request.body));
  };
}

// Streams the hub's lines until the reader goes away or the hub is closed.
void stream_events(EventHub& hub, httplib::Response& response) {
  auto subscription = hub.subscribe();
  if (subscription == nullptr) {
    set_reply(response, error_reply(503, "too_many_subscribers",
                                    fmt::format("{} read the events already: end one of them",
                                                EventHub::kMaxSubscribers)));
    return;
  }
  response.set_chunked_content_provider(
      "application/x-ndjson",
      [subscription = std::move(subscription)](std::size_t, httplib::DataSink& sink) {
        const auto next = subscription->next(kHeartbeat);
        switch (next.state) {
          case EventSubscription::State::line:
            return sink.write(next.line.data(), next.line.size());
          case EventSubscription::State::nothing_yet:
            return sink.write("\n", 1);  // finds out whether somebody still listens
          case EventSubscription::State::ended:
            break;
        }
        sink.done();
        return true;
      });
}

std::vector<Route> routes_to(AdminApi& api, EventHub& hub) {
  return {
      {"GET", "/v1/members",
       [&api](const auto& request, auto& response) {
         set_reply(response, api.members(request.get_param_value("status")));
       }},
      {"GET", "/v1/info", [&api](const auto&, auto& response) { set_reply(response, api.info()); }},
      {"GET", "/metrics",
       [&api](const auto&, auto& response) {
         response.set_content(api.metrics(), AgentMetrics::kContentType);
       }},
      {"GET", "/v1/events", [&hub](const auto&, auto& response) { stream_events(hub, response); }},
      {"POST", "/v1/leave",
       [&api](const auto&, auto& response) { set_reply(response, api.leave()); }},
      {"POST", "/v1/join", call_with_body(api, &AdminApi::join)},
      {"PUT", "/v1/meta", call_with_body(api, &AdminApi::meta)},
      {"POST", "/v1/ping", call_with_body(api, &AdminApi::ping)},
      {"POST", "/v1/send", call_with_body(api, &AdminApi::send)},
      {"POST", "/v1/broadcast", call_with_body(api, &AdminApi::broadcast)},
      {"GET", "/v1/keys", [&api](const auto&, auto& response) { set_reply(response, api.keys()); }},
      {"POST", "/v1/keys/add", call_with_key(api, &AdminApi::add_key)},
      {"POST", "/v1/keys/use", call_with_key(api, &AdminApi::use_key)},
      {"POST", "/v1/keys/remove", call_with_key(api, &AdminApi::remove_key)},
      {"PUT", "/v1/keys/verify", call_with_body(api, &AdminApi::verify)},
  };
}

const Route* find_route(const std::vector<Route>& routes, std::string_view path) {
  const auto found = std::ranges::find(routes, path, &Route::path);
  return found != routes.end() ? &*found : nullptr;
}

// The answer to what no handler took: another path, or a known one with another method.
void answer_unhandled(const std::vector<Route>& routes, const httplib::Request& request,
                      httplib::Response& response) {
  if (!response.body.empty()) {
    return;
  }
  const Route* route = find_route(routes, request.path);
  if (response.status == 404 && route != nullptr && route->method != request.method) {
    response.set_header("Allow", std::string(route->method));
    set_reply(response, error_reply(405, "method_not_allowed",
                                    fmt::format("{} takes {}", route->path, route->method)));
  } else if (response.status == 404) {
    set_reply(response, error_reply(404, "not_found", "there is nothing at this path"));
  } else {
    set_reply(response, error_reply(response.status, "bad_request", "the request is malformed"));
  }
}

// Whether the HTTP library would wait for a body until the connection closes: without a length
// there is none (RFC 9112, section 6.3), as in `curl -X POST`.
bool lacks_body(const httplib::Request& request) {
  return request.method != "GET" && request.method != "HEAD" &&
         !request.has_header("Content-Length");
}

}  // namespace

class AdminServer::Impl {
 public:
  Impl(const Address& address, std::optional<std::string> token)
      : address_(address), token_(std::move(token)) {
    server_.new_task_queue = [] { return new ConnectionThreads; };
    // Not SO_REUSEPORT, which the library would set: a second agent must not share the port.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() { stop(); }

  // 0, or why not.
  int bind() {
    const std::string host = address_.ip.to_string();
    errno = 0;
    if (address_.port != 0) {
      return server_.bind_to_port(host, address_.port) ? 0 : (errno != 0 ? errno : EADDRINUSE);
    }
    const int port = server_.bind_to_any_port(host);
    if (port <= 0) {
      return errno != 0 ? errno : EADDRNOTAVAIL;
    }
    address_.port = static_cast<std::uint16_t>(port);
    return 0;
  }

  const Address& address() const { return address_; }

  void prepare(AdminApi& api, EventHub& hub) {
    add_guard();
    add_routes(api, hub);
  }

  void answer(int socket) { server_.answer(socket); }

  void serve(AdminApi& api, EventHub& hub) {
    prepare(api, hub);
    thread_ = std::thread([this] {
      server_.listen_after_bind();
      listening_ended_ = true;
    });
    // Until it runs, stop() would have no effect.
    while (!server_.is_running() && !listening_ended_) {
      std::this_thread::sleep_for(1ms);
    }
  }

  void stop() {
    server_.stop();
    server_.stop_connections();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

 private:
  void add_guard() {
    server_.set_pre_routing_handler(
        [this, guard = RequestGuard(address_, token_)](const httplib::Request& request,
                                                       httplib::Response& response) {
          response.set_header("Cache-Control", "no-store");
          response.set_header("X-Content-Type-Options", "nosniff");
          if (const auto refusal = guard.check(head_of(request))) {
            set_reply(response, error_reply(refusal->status, refusal->code, refusal->message));
            return httplib::Server::HandlerResponse::Handled;
          }
          if (!lacks_body(request)) {
            return httplib::Server::HandlerResponse::Unhandled;
          }
          const Route* route = find_route(routes_, request.path);
          if (route != nullptr && route->method == request.method) {
            route->handler(request, response);
          } else {
            response.status = 404;
          }
          return httplib::Server::HandlerResponse::Handled;
        });
    server_.set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
      answer_unhandled(routes_, request, response);
    });
    server_.set_exception_handler([](const auto&, auto& response, std::exception_ptr) {
      set_reply(response, error_reply(500, "system", "the request could not be carried out"));
    });
  }

  void add_routes(AdminApi& api, EventHub& hub) {
    routes_ = routes_to(api, hub);
    for (const Route& route : routes_) {
      if (route.method == "GET") {
        server_.Get(route.path, route.handler);
      } else if (route.method == "PUT") {
        server_.Put(route.path, route.handler);
      } else {
        server_.Post(route.path, route.handler);
      }
    }
    server_.Get(R"(/v1/members/([\s\S]+))", [&api](const auto& request, auto& response) {
      set_reply(response, api.member(request.matches[1].str()));
    });
  }

  Address address_;
  std::optional<std::string> token_;
  std::vector<Route> routes_;
  Server server_;
  std::thread thread_;
  std::atomic<bool> listening_ended_ = false;
};

AdminServer::AdminServer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
AdminServer::AdminServer(AdminServer&&) noexcept = default;
AdminServer& AdminServer::operator=(AdminServer&&) noexcept = default;
AdminServer::~AdminServer() = default;

std::expected<AdminServer, CommandError> AdminServer::bind(const Address& address,
                                                           std::optional<std::string> token) {
  auto impl = std::make_unique<Impl>(address, std::move(token));
  if (const int error = impl->bind(); error != 0) {
    return std::unexpected(CommandError{
        kExitFailed,
        fmt::format("the admin address {} cannot be used: {}: give another with --http HOST:PORT "
                    "(port 0: any that is free), or --http off",
                    address.to_string(), std::generic_category().message(error))});
  }
  return AdminServer(std::move(impl));
}

Address AdminServer::address() const { return impl_->address(); }
void AdminServer::serve(AdminApi& api, EventHub& hub) { impl_->serve(api, hub); }
void AdminServer::prepare(AdminApi& api, EventHub& hub) { impl_->prepare(api, hub); }
void AdminServer::answer(int socket) { impl_->answer(socket); }
void AdminServer::stop() { impl_->stop(); }

}  // namespace memberlist::cli
