#include "net/dns_channel.hpp"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {
namespace {

// As in <arpa/nameser.h>, which differs between systems.
constexpr int kClassInternet = 1;
constexpr int kTypeAlias = 5;  // CNAME

struct AddrinfoDeleter {
  void operator()(ares_addrinfo* info) const noexcept { ares_freeaddrinfo(info); }
};
using AddrinfoPointer = std::unique_ptr<ares_addrinfo, AddrinfoDeleter>;

struct HostentDeleter {
  void operator()(hostent* host) const noexcept { ares_free_hostent(host); }
};

std::vector<IpAddress> addresses_of(const ares_addrinfo* info) {
  std::vector<IpAddress> found;
  if (info == nullptr) return found;
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    if (found.size() == limits::kAddressesOfName) break;
    const auto address = from_socket_address(node->ai_addr);
    if (address && std::find(found.begin(), found.end(), address->ip) == found.end()) {
      found.push_back(address->ip);
    }
  }
  return found;
}

// The target of the aliases in an answer; empty if it has none, or cannot be parsed.
std::string alias_of(const unsigned char* bytes, int size) {
  hostent* raw = nullptr;
  if (ares_parse_a_reply(bytes, size, &raw, nullptr, nullptr) != ARES_SUCCESS) return {};
  const std::unique_ptr<hostent, HostentDeleter> host(raw);
  return host != nullptr && host->h_name != nullptr ? host->h_name : std::string();
}

bool is_cancelled(int status) { return status == ARES_ECANCELLED || status == ARES_EDESTRUCTION; }

Error lookup_error(int status, const std::string& host) {
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
    case ARES_SUCCESS:
      return {ErrorCode::unresolved,
              fmt::format("no address was found for {}; check its spelling, or give an IP address",
                          host),
              host};
    default:
      return {ErrorCode::unresolved,
              fmt::format("cannot look up {}: {}; check its spelling, or give an IP address", host,
                          ares_strerror(status)),
              host};
  }
}

// `search .` means "unchanged"; systemd-resolved writes that. c-ares 1.18 appends it, which gives a
// name that ends in two dots, and sends no query.
bool is_root(const char* domain) {
  return std::string_view(domain).find_first_not_of('.') == std::string_view::npos;
}

// The search list that a channel has read, without the root. Empty: that was not in it.
std::optional<std::vector<char*>> list_without_root(const ares_options& read) {
  const std::span<char*> all(read.domains, static_cast<std::size_t>(std::max(read.ndomains, 0)));
  std::vector<char*> kept;
  std::ranges::remove_copy_if(all, std::back_inserter(kept), is_root);
  return kept.size() == all.size() ? std::nullopt : std::optional(std::move(kept));
}

// Makes a channel, whose search list has no root.
int init_channel(ares_channel& channel, ares_options& options, int mask) {
  int status = ares_init_options(&channel, &options, mask);
  if (status != ARES_SUCCESS) return status;
  ares_options read{};
  int read_mask = 0;
  status = ares_save_options(channel, &read, &read_mask);
  const auto domains =
      status == ARES_SUCCESS ? list_without_root(read) : std::optional<std::vector<char*>>();
  if (domains) {
    ares_destroy(std::exchange(channel, nullptr));
    ares_options changed = options;
    changed.domains = const_cast<char**>(domains->data());
    changed.ndomains = static_cast<int>(domains->size());
    status = ares_init_options(&channel, &changed, mask | ARES_OPT_DOMAINS);
  }
  ares_destroy_options(&read);
  return status;
}

}  // namespace

Result<std::shared_ptr<DnsChannel>> DnsChannel::open(Loop& loop, const DnsChannelOptions& options) {
  auto channel = std::make_shared<DnsChannel>(loop);
  if (auto opened = channel->set_up(options); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  return channel;
}

Result<void> DnsChannel::set_up(const DnsChannelOptions& options) {
  // ares_library_init() is for Windows; elsewhere it only sets a global, which is not thread-safe.
  ares_options raw{};
  std::string lookups = "fb";  // the hosts file, then name servers
  raw.lookups = lookups.data();
  raw.timeout =
      static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.try_timeout).count());
  raw.tries = options.tries;
  raw.sock_state_cb = &DnsChannel::socket_changed;
  raw.sock_state_cb_data = this;
  int mask = ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (options.by_tcp) {
    raw.flags = ARES_FLAG_USEVC | ARES_FLAG_NOSEARCH;
    mask |= ARES_OPT_FLAGS;
  }
  int status = init_channel(channel_, raw, mask);
  if (status == ARES_SUCCESS && !options.servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, options.servers.c_str());
  }
  if (status != ARES_SUCCESS) {
    return fail(ErrorCode::system,
                fmt::format("cannot set up the name service: {}", ares_strerror(status)));
  }
  return {};
}

void DnsChannel::close() {
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
}

void DnsChannel::look_up(const std::string& host, Answer answer) {
  ask_addresses(std::make_unique<Request>(Request{*this, host, host, 0, std::move(answer)}));
  arm_timer();
}

void DnsChannel::cancel() { ares_cancel(channel_); }

void DnsChannel::ask_addresses(RequestPointer request) {
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const std::string name = request->name;  // the request may be gone before the call returns
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &DnsChannel::got_addresses,
                   request.release());
}

Error DnsChannel::error_of(int status, const std::string& host) const {
  if (!is_cancelled(status) || !unwatched_) return lookup_error(status, host);
  return {ErrorCode::system, fmt::format("cannot look up {}: {}", host, *unwatched_), host};
}

void DnsChannel::got_addresses(void* raw, int status, int /*timeouts*/,
                               ares_addrinfo* info) noexcept {
  const AddrinfoPointer owned(info);
  RequestPointer request(static_cast<Request*>(raw));
  if (status == ARES_SUCCESS) {
    if (auto found = addresses_of(info); !found.empty()) return request->answer(std::move(found));
  }
  const bool exists = status == ARES_SUCCESS || status == ARES_ENODATA;
  if (exists && request->aliases < limits::kAliasesOfName) {
    DnsChannel& self = request->channel;
    return self.ask_alias(std::move(request));
  }
  request->answer(std::unexpected(request->channel.error_of(status, request->host)));
}

// The name exists but has no address: a name server without recursion answers with the alias
// alone.
void DnsChannel::ask_alias(RequestPointer request) {
  const std::string name = request->name;
  ares_query(channel_, name.c_str(), kClassInternet, kTypeAlias, &DnsChannel::got_alias,
             request.release());
}

void DnsChannel::got_alias(void* raw, int status, int /*timeouts*/, unsigned char* bytes,
                           int size) noexcept {
  RequestPointer request(static_cast<Request*>(raw));
  const std::string alias = status == ARES_SUCCESS ? alias_of(bytes, size) : std::string();
  if (alias.empty() || alias == request->name) {
    const int reason = is_cancelled(status) ? status : static_cast<int>(ARES_ENODATA);
    return request->answer(std::unexpected(request->channel.error_of(reason, request->host)));
  }
  request->name = alias;
  ++request->aliases;
  DnsChannel& self = request->channel;
  self.ask_addresses(std::move(request));
}

// --- the channel's sockets and timer ------------------------------------------------------------

void DnsChannel::socket_changed(void* raw, ares_socket_t fd, int readable, int writable) noexcept {
  static_cast<DnsChannel*>(raw)->watch(fd, {.read = readable != 0, .write = writable != 0});
}

void DnsChannel::watch(ares_socket_t fd, Readiness wanted) {
  if (!wanted.any()) {
    watches_.erase(fd);
    return;
  }
  const auto [at, added] = watches_.try_emplace(fd, loop_.context(), fd, [this, fd](Readiness is) {
    process(is.read ? fd : ARES_SOCKET_BAD, is.write ? fd : ARES_SOCKET_BAD);
  });
  if (const int error = at->second.want(wanted)) {
    unwatched_ = "its socket cannot be watched: " + system_text(error);
  }
}

void DnsChannel::process(ares_socket_t readable, ares_socket_t writable) {
  const auto kept = shared_from_this();  // an answer may let go of it
  if (unwatched_) {
    ares_cancel(channel_);
    unwatched_.reset();
  } else {
    ares_process_fd(channel_, readable, writable);
  }
  arm_timer();
}

void DnsChannel::arm_timer() {
  timeval room{};
  const timeval* next = ares_timeout(channel_, nullptr, &room);
  if (next == nullptr) return timer_.set(kNever);
  const auto patience =
      std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec);
  timer_.set(Loop::now() + (unwatched_ ? Duration::zero() : Duration(patience)));
}

}  // namespace memberlist::net
