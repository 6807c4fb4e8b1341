#include "net/resolver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "net/dns_channel.hpp"
#include "net/system_lookup.hpp"

namespace memberlist::net {
namespace {

using Found = Result<std::vector<IpAddress>>;

constexpr std::uint16_t kDnsPort = 53;

// RFC 6761: `localhost` and its subdomains are this machine, whatever name servers answer.
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

std::vector<IpAddress> loopback() {
  std::vector<IpAddress> both{IpAddress::v4(127, 0, 0, 1)};
  if (const auto v6 = IpAddress::parse("::1")) both.push_back(*v6);
  return both;
}

Error late_error(const std::string& host) {
  return {ErrorCode::timed_out,
          fmt::format("looking up {} took too long; check the name service, or give an IP address",
                      host),
          host};
}

Error cancelled_error(const std::string& host) {
  return {ErrorCode::cancelled, fmt::format("looking up {} was cancelled", host), host};
}

std::string as_list(const std::vector<Address>& servers) {
  std::string list;
  for (Address server : servers) {
    if (server.port == 0) server.port = kDnsPort;
    list += (list.empty() ? "" : ",") + server.to_string();
  }
  return list;
}

}  // namespace

class Resolver::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(Loop& loop) : loop_(loop) {}

  Result<void> open(const ResolverOptions& options);
  void close();
  void resolve(const std::string& host, Duration timeout, Answer answer);
  void cancel_all();

 private:
  // One pending query. The channels keep it until they have answered, at their own pace; the caller
  // may have been answered (timeout, cancellation) before.
  struct Query {
    Query(std::string name, Answer to) : host(std::move(name)), answer(std::move(to)) {}
    std::optional<Deadline> deadline;
    std::optional<Deadline> patience;  // with TCP alone
    std::string host;
    Answer answer;
    std::uint64_t at_system = 0;    // the query of the system's resolver, if any
    bool by_tcp = false;            // under way by TCP
    bool went_ordinary = false;     // queried the usual way, or not needed any more
    std::optional<Error> ordinary;  // why that failed
  };
  using QueryPointer = std::shared_ptr<Query>;

  /// Calls `late` after this time, while the query and this resolver still exist.
  void call_after(Duration time, const QueryPointer& query, std::optional<Deadline>& deadline,
                  void (*late)(Impl&, const QueryPointer&));
  void ask_system(const QueryPointer& query);
  Result<void> read_configuration();
  void ask_by_tcp(const QueryPointer& query, Duration timeout);
  void ask_ordinarily(const QueryPointer& query);
  void nothing_by_tcp(const QueryPointer& query);
  void nothing_ordinarily(const QueryPointer& query, Error why);
  void finish(const QueryPointer& query, Found found);

  Loop& loop_;
  DnsChannelOptions how_;
  std::unique_ptr<SystemLookup> system_;  // either this, or the two channels
  std::shared_ptr<DnsChannel> tcp_;
  std::shared_ptr<DnsChannel> ordinary_;
  std::vector<QueryPointer> open_;
};

Result<void> Resolver::Impl::open(const ResolverOptions& options) {
  if (options.servers.empty()) {
    system_ = std::make_unique<SystemLookup>(loop_);
    return {};
  }
  how_ = {as_list(options.servers), options.try_timeout, options.tries};
  return read_configuration();
}

// A channel reads the search list once. New channels read it again; queries of the old ones have no
// result any more.
Result<void> Resolver::Impl::read_configuration() {
  auto ordinary = DnsChannel::open(loop_, how_);
  if (!ordinary) return std::unexpected(std::move(ordinary.error()));
  DnsChannelOptions how = how_;
  how.by_tcp = true;
  auto tcp = DnsChannel::open(loop_, how);
  if (!tcp) return std::unexpected(std::move(tcp.error()));
  // Deferred: one of the channels may be calling this.
  loop_.post([old_ordinary = std::exchange(ordinary_, std::move(*ordinary)),
              old_tcp = std::exchange(tcp_, std::move(*tcp))] {});
  return {};
}

void Resolver::Impl::close() {
  cancel_all();
  system_.reset();
  tcp_.reset();
  ordinary_.reset();
}

void Resolver::Impl::resolve(const std::string& host, Duration timeout, Answer answer) {
  if (auto literal = IpAddress::parse(host)) return answer(std::vector{*literal});
  if (!system_ && open_.empty()) {
    if (auto read = read_configuration(); !read) {
      return answer(std::unexpected(std::move(read.error())));
    }
  }
  const auto query = std::make_shared<Query>(host, std::move(answer));
  open_.push_back(query);
  call_after(timeout, query, query->deadline, [](Impl& self, const QueryPointer& late) {
    self.finish(late, std::unexpected(late_error(late->host)));
  });
  if (system_) return ask_system(query);
  const bool has_dot = host.find('.') != std::string::npos;
  if (!has_dot || is_localhost(host)) return ask_ordinarily(query);
  ask_by_tcp(query, timeout);
}

void Resolver::Impl::call_after(Duration time, const QueryPointer& query,
                                std::optional<Deadline>& deadline,
                                void (*late)(Impl&, const QueryPointer&)) {
  deadline.emplace(loop_, [weak = weak_from_this(), weak_query = std::weak_ptr(query), late] {
    const auto self = weak.lock();
    const auto waits = weak_query.lock();
    if (self && waits) late(*self, waits);
  });
  deadline->set(Loop::now() + time);
}

void Resolver::Impl::ask_system(const QueryPointer& query) {
  const std::string name = is_localhost(query->host) ? "localhost" : query->host;
  query->at_system = system_->look_up(name, [this, query](Found found) {
    if (found) return finish(query, std::move(found));
    nothing_ordinarily(query, std::move(found.error()));
  });
}

void Resolver::Impl::ask_by_tcp(const QueryPointer& query, Duration timeout) {
  query->by_tcp = true;
  // Servers that never answer by TCP must not use up the time: after this long the query is also
  // sent by UDP.
  call_after(timeout / 2, query, query->patience,
             [](Impl& self, const QueryPointer& slow) { self.ask_ordinarily(slow); });
  tcp_->look_up(query->host, [this, query](Found found) {
    query->by_tcp = false;
    if (found) return finish(query, std::move(found));
    nothing_by_tcp(query);
  });
}

void Resolver::Impl::nothing_by_tcp(const QueryPointer& query) {
  if (auto why = std::exchange(query->ordinary, std::nullopt)) {
    return finish(query, std::unexpected(*std::move(why)));
  }
  ask_ordinarily(query);
}

void Resolver::Impl::ask_ordinarily(const QueryPointer& query) {
  query->patience.reset();
  if (!query->answer || std::exchange(query->went_ordinary, true)) return;
  // For subdomains c-ares would query name servers.
  const std::string name = is_localhost(query->host) ? "localhost" : query->host;
  ordinary_->look_up(name, [this, query](Found found) {
    if (found) return finish(query, std::move(found));
    nothing_ordinarily(query, std::move(found.error()));
  });
}

void Resolver::Impl::nothing_ordinarily(const QueryPointer& query, Error why) {
  if (is_localhost(query->host) && why.code != ErrorCode::cancelled) {
    return finish(query, loopback());
  }
  if (query->by_tcp) {
    query->ordinary = std::move(why);  // the other way may still succeed
  } else {
    finish(query, std::unexpected(std::move(why)));
  }
}

void Resolver::Impl::finish(const QueryPointer& query, Found found) {
  if (!query->answer) return;  // answered before
  query->deadline.reset();
  query->patience.reset();
  if (system_) system_->forget(query->at_system);
  std::erase(open_, query);
  std::exchange(query->answer, nullptr)(std::move(found));
}

void Resolver::Impl::cancel_all() {
  // Answered first, so that a channel that gives up does not cause a new query.
  const auto open = open_;
  for (const QueryPointer& query : open) {
    finish(query, std::unexpected(cancelled_error(query->host)));
  }
  if (tcp_) tcp_->cancel();
  if (ordinary_) ordinary_->cancel();
}

// --- the outside --------------------------------------------------------------------------------

Result<std::unique_ptr<Resolver>> Resolver::create(Loop& loop, const ResolverOptions& options) {
  auto impl = std::make_shared<Impl>(loop);
  if (auto opened = impl->open(options); !opened) return std::unexpected(std::move(opened.error()));
  return std::unique_ptr<Resolver>(new Resolver(std::move(impl)));
}

Resolver::Resolver(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Resolver::~Resolver() { impl_->close(); }
void Resolver::resolve(const std::string& host, Duration timeout, Answer answer) {
  impl_->resolve(host, timeout, std::move(answer));
}
void Resolver::cancel_all() { impl_->cancel_all(); }

}  // namespace memberlist::net
