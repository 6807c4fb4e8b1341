#pragma once

// Private to this room: the header that shows c-ares.

#include <ares.h>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/error.hpp"
#include "memberlist/time.hpp"
#include "net/loop.hpp"

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
  explicit DnsChannel(asio::io_context& io) : io_(io), timer_(io) {}
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
  // A socket of the channel, which closes it.
  struct Watch {
    explicit Watch(asio::io_context& io) : descriptor(io) {}
    asio::posix::stream_descriptor descriptor;
    bool read = false, write = false;  // wanted
    bool waits_read = false, waits_write = false;
    bool gone = false;
  };

  Result<void> set_up(const DnsChannelOptions& options);
  void close();

  void ask_addresses(RequestPointer request);
  void ask_alias(RequestPointer request);
  // c-ares calls these, and is not made for exceptions.
  static void got_addresses(void* request, int status, int timeouts, ares_addrinfo* info) noexcept;
  static void got_alias(void* request, int status, int timeouts, unsigned char* bytes,
                        int size) noexcept;
  static void socket_changed(void* self, ares_socket_t fd, int readable, int writable) noexcept;

  [[nodiscard]] std::shared_ptr<Watch> watch(ares_socket_t fd);
  [[nodiscard]] Error error_of(int status, const std::string& host) const;
  void wait(const std::shared_ptr<Watch>& watch, ares_socket_t fd);
  void process(ares_socket_t readable, ares_socket_t writable);
  void arm_timer();

  asio::io_context& io_;
  asio::steady_timer timer_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Watch>> watches_;
  /// Why a socket could not be watched: what is pending would wait for it in vain, and is cancelled
  /// soon.
  std::optional<std::string> unwatched_;
};

}  // namespace memberlist::net
