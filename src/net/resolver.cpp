#include "net/resolver.hpp"

#include <ares.h>
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <cstring>
#include <map>
#include <utility>

#include "net/loop_context.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {
namespace {

struct AddrinfoDeleter {
  void operator()(ares_addrinfo* info) const noexcept { ares_freeaddrinfo(info); }
};
using AddrinfoPointer = std::unique_ptr<ares_addrinfo, AddrinfoDeleter>;

std::vector<IpAddress> addresses_of(const ares_addrinfo* info) {
  std::vector<IpAddress> found;
  if (info == nullptr) return found;
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    const auto address = from_socket_address(node->ai_addr);
    if (address && std::find(found.begin(), found.end(), address->ip) == found.end()) {
      found.push_back(address->ip);
    }
  }
  return found;
}

// RFC 6761: `localhost` and all below it are this machine, whatever any name server says.
bool is_localhost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::string_view kName = "localhost";
  if (host.size() < kName.size()) return false;
  const std::string_view tail = host.substr(host.size() - kName.size());
  const bool equal = std::equal(tail.begin(), tail.end(), kName.begin(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
  return equal && (host.size() == kName.size() || host[host.size() - kName.size() - 1] == '.');
}

Error resolve_error(int status, const std::string& host) {
  switch (status) {
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return {ErrorCode::cancelled, fmt::format("looking up {} was cancelled", host), host};
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
      return {ErrorCode::unresolved,
              fmt::format("no name server answered for {}; check the name service, or give an IP "
                          "address",
                          host),
              host};
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return {ErrorCode::unresolved,
              fmt::format("no address is known for {}; check its spelling, or give an IP address",
                          host),
              host};
    default:
      return {ErrorCode::unresolved,
              fmt::format("cannot look up {}: {}; check its spelling, or give an IP address", host,
                          ares_strerror(status)),
              host};
  }
}

Error late_error(const std::string& host) {
  return {ErrorCode::timed_out,
          fmt::format("looking up {} took too long; check the name service, or give an IP address",
                      host),
          host};
}

}  // namespace

class Resolver::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(Loop& loop) : io_(loop.context().io), timer_(io_) {}
  ~Impl() { close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> open(const ResolverOptions& options);
  void close();
  void resolve(const std::string& host, Duration timeout, Answer answer);
  void cancel_all();

 private:
  // One open question. The channel keeps a raw pointer to it until its callback, which comes for
  // certain; whoever asked may have been answered (too late, cancelled) before.
  struct Query {
    Query(asio::io_context& io, std::string name, Answer to)
        : deadline(io), host(std::move(name)), answer(std::move(to)) {}
    asio::steady_timer deadline;
    std::string host;
    Answer answer;
    Impl* owner = nullptr;
  };
  // A socket of the channel's. It is the channel that closes it.
  struct Watch {
    explicit Watch(asio::io_context& io, int fd) : descriptor(io, fd) {}
    asio::posix::stream_descriptor descriptor;
    bool read = false, write = false;  // wanted
    bool waits_read = false, waits_write = false;
    bool gone = false;
  };

  static void socket_changed(void* self, ares_socket_t fd, int readable, int writable);
  static void answered(void* query, int status, int timeouts, ares_addrinfo* info);
  void wait(const std::shared_ptr<Watch>& watch, ares_socket_t fd);
  void process(ares_socket_t readable, ares_socket_t writable);
  void arm_timer();
  static void finish(Query& query, Result<std::vector<IpAddress>> result);

  asio::io_context& io_;
  asio::steady_timer timer_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Watch>> watches_;
  std::map<Query*, std::shared_ptr<Query>> queries_;
};

Result<void> Resolver::Impl::open(const ResolverOptions& options) {
  // ares_library_init() is for Windows; elsewhere it only sets a global, which is not thread-safe.
  ares_options raw{};
  std::string lookups = "fb";  // the hosts file, then name servers
  raw.lookups = lookups.data();
  raw.timeout = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options.try_timeout).count());
  raw.tries = options.tries;
  raw.sock_state_cb = &Impl::socket_changed;
  raw.sock_state_cb_data = this;
  const int mask = ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  int status = ares_init_options(&channel_, &raw, mask);
  if (status == ARES_SUCCESS && !options.servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, options.servers.c_str());
  }
  if (status != ARES_SUCCESS) {
    return fail(ErrorCode::system,
                fmt::format("cannot set up the name service: {}", ares_strerror(status)));
  }
  return {};
}

void Resolver::Impl::close() {
  cancel_all();
  timer_.cancel();
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
}

void Resolver::Impl::resolve(const std::string& host, Duration timeout, Answer answer) {
  if (auto literal = IpAddress::parse(host)) return answer(std::vector{*literal});
  auto query = std::make_shared<Query>(io_, host, std::move(answer));
  query->owner = this;
  queries_.emplace(query.get(), query);
  query->deadline.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(timeout));
  query->deadline.async_wait([query](const asio::error_code& stopped) {
    // The question stays with the channel, which gives up on it in its own time.
    if (!stopped) finish(*query, std::unexpected(late_error(query->host)));
  });
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &Impl::answered, query.get());
  arm_timer();
}

void Resolver::Impl::cancel_all() {
  const auto open = queries_;
  for (const auto& [key, query] : open) {
    finish(*query, std::unexpected(resolve_error(ARES_ECANCELLED, query->host)));
  }
  if (channel_ != nullptr) ares_cancel(channel_);
}

void Resolver::Impl::answered(void* raw, int status, int /*timeouts*/, ares_addrinfo* info) {
  const AddrinfoPointer owned(info);
  auto* key = static_cast<Query*>(raw);
  Impl& self = *key->owner;
  const auto at = self.queries_.find(key);
  if (at == self.queries_.end()) return;
  const std::shared_ptr<Query> query = at->second;
  self.queries_.erase(at);
  auto found = status == ARES_SUCCESS ? addresses_of(info) : std::vector<IpAddress>{};
  if (found.empty() && status != ARES_ECANCELLED && status != ARES_EDESTRUCTION &&
      is_localhost(query->host)) {
    found.push_back(IpAddress::v4(127, 0, 0, 1));
    if (const auto v6 = IpAddress::parse("::1")) found.push_back(*v6);
  }
  if (!found.empty()) return finish(*query, std::move(found));
  const int reason = status == ARES_SUCCESS ? static_cast<int>(ARES_ENODATA) : status;
  finish(*query, std::unexpected(resolve_error(reason, query->host)));
}

void Resolver::Impl::finish(Query& query, Result<std::vector<IpAddress>> result) {
  query.deadline.cancel();
  if (!query.answer) return;  // answered before
  std::exchange(query.answer, nullptr)(std::move(result));
}

// --- the channel's sockets and timer ------------------------------------------------------------

void Resolver::Impl::socket_changed(void* raw, ares_socket_t fd, int readable, int writable) {
  Impl& self = *static_cast<Impl*>(raw);
  auto at = self.watches_.find(fd);
  if (readable == 0 && writable == 0) {
    if (at == self.watches_.end()) return;
    at->second->gone = true;
    at->second->descriptor.release();  // the channel closes it next
    self.watches_.erase(at);
    return;
  }
  if (at == self.watches_.end()) {
    at = self.watches_.emplace(fd, std::make_shared<Watch>(self.io_, fd)).first;
  }
  at->second->read = readable != 0;
  at->second->write = writable != 0;
  self.wait(at->second, fd);
}

void Resolver::Impl::wait(const std::shared_ptr<Watch>& watch, ares_socket_t fd) {
  using Descriptor = asio::posix::stream_descriptor;
  if (watch->read && !watch->waits_read) {
    watch->waits_read = true;
    watch->descriptor.async_wait(
        Descriptor::wait_read, [self = weak_from_this(), watch, fd](const asio::error_code& error) {
          watch->waits_read = false;
          const auto owner = self.lock();
          if (error || watch->gone || !owner) return;
          if (watch->read) owner->process(fd, ARES_SOCKET_BAD);
          if (!watch->gone) owner->wait(watch, fd);
        });
  }
  if (watch->write && !watch->waits_write) {
    watch->waits_write = true;
    watch->descriptor.async_wait(Descriptor::wait_write, [self = weak_from_this(), watch,
                                                          fd](const asio::error_code& error) {
      watch->waits_write = false;
      const auto owner = self.lock();
      if (error || watch->gone || !owner) return;
      if (watch->write) owner->process(ARES_SOCKET_BAD, fd);
      if (!watch->gone) owner->wait(watch, fd);
    });
  }
}

void Resolver::Impl::process(ares_socket_t readable, ares_socket_t writable) {
  if (channel_ == nullptr) return;
  ares_process_fd(channel_, readable, writable);
  arm_timer();
}

void Resolver::Impl::arm_timer() {
  timeval room{};
  const timeval* next = ares_timeout(channel_, nullptr, &room);
  if (next == nullptr) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::seconds(next->tv_sec) +
                       std::chrono::microseconds(next->tv_usec));
  timer_.async_wait([self = weak_from_this()](const asio::error_code& stopped) {
    const auto owner = self.lock();
    if (!stopped && owner) owner->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

// --- the outside --------------------------------------------------------------------------------

Result<std::unique_ptr<Resolver>> Resolver::create(Loop& loop, const ResolverOptions& options) {
  auto impl = std::make_shared<Impl>(loop);
  if (auto opened = impl->open(options); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  return std::unique_ptr<Resolver>(new Resolver(std::move(impl)));
}

Resolver::Resolver(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Resolver::~Resolver() { impl_->close(); }
void Resolver::resolve(const std::string& host, Duration timeout, Answer answer) {
  impl_->resolve(host, timeout, std::move(answer));
}
void Resolver::cancel_all() { impl_->cancel_all(); }

}  // namespace memberlist::net
