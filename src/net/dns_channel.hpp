#pragma once

// Private to this room: the header that shows c-ares.

#include <ares.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/error.hpp"
#include "memberlist/time.hpp"
#include "net/loop_context.hpp"

namespace memberlist::net {

struct DnsChannelOptions {
  /// Name servers as `host:port,host:port`; empty: those of the system's configuration.
  std::string servers;
  /// How long one server may take for one try; each further round waits twice as long.
  Duration try_timeout = std::chrono::seconds(2);
  int tries = 3;  ///< of each server
  /// Query by TCP only, for the unchanged name. Otherwise by UDP (and by TCP if an answer does not
  /// fit), applying the system's search list, too.
  bool by_tcp = false;
};

/// A c-ares channel whose sockets and timer are on a loop. The hosts file is read first; then all
/// name servers are queried in order, until one answers. All calls from the loop's thread, or while
/// the loop is not running.
class DnsChannel : public std::enable_shared_from_this<DnsChannel> {
 public:
  /// At most `limits::kAddressesOfName`, each once, in the order of preference (RFC 6724).
  using Answer = std::function<void(Result<std::vector<IpAddress>>)>;

  /// The loop must outlive the channel. Error: `system`.
  [[nodiscard]] static Result<std::shared_ptr<DnsChannel>> open(Loop& loop,
                                                                const DnsChannelOptions& options);
  explicit DnsChannel(Loop& loop) : loop_(loop), timer_(loop, [this] { process_timeouts(); }) {}
  /// Completes pending queries with `cancelled`.
  ~DnsChannel() { close(); }
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  /// The addresses of both families. Follows aliases (CNAME), also where their addresses are not in
  /// the same answer. Calls `answer` once: from the loop, in the channel's own time, or from within
  /// this call, or from `cancel`. Errors: `unresolved`, `cancelled`, `system` (a socket that cannot
  /// be watched).
  void look_up(const std::string& host, Answer answer);
  /// Completes pending queries with `cancelled`, before it returns.
  void cancel();

 private:
  // c-ares has a raw pointer to this until it calls back, which it always does.
  struct Request {
    DnsChannel& channel;
    std::string host;  // as requested
    std::string name;  // the same, or the alias it led to
    std::size_t aliases = 0;
    Answer answer;
  };
  using RequestPointer = std::unique_ptr<Request>;
  Result<void> set_up(const DnsChannelOptions& options);
  void close();

  void ask_addresses(RequestPointer request);
  void ask_alias(RequestPointer request);
  // c-ares calls these, and is not made for exceptions.
  static void got_addresses(void* request, int status, int timeouts, ares_addrinfo* info) noexcept;
  static void got_alias(void* request, int status, int timeouts, unsigned char* bytes,
                        int size) noexcept;
  static void socket_changed(void* self, ares_socket_t fd, int readable, int writable) noexcept;

  [[nodiscard]] Error error_of(int status, const std::string& host) const;
  void watch(ares_socket_t fd, Readiness wanted);
  void process(ares_socket_t readable, ares_socket_t writable);
  void process_timeouts() { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }
  void arm_timer();

  Loop& loop_;
  Deadline timer_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, Watch> watches_;  // of its sockets, which the channel closes itself
  /// Why a socket could not be watched: what is pending would wait for it in vain, and is cancelled
  /// soon.
  std::optional<std::string> unwatched_;
};

}  // namespace memberlist::net
