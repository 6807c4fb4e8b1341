#pragma once

// A name server on loopback for tests: answers what its script says, by UDP and by TCP at one port
// that the kernel chooses.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "memberlist/address.hpp"
#include "net/socket_address.hpp"
#include "net/test_sockets.hpp"

namespace memberlist::net {

/// What a name server says about one name.
struct TestName {
  std::vector<std::string> addresses = {};  ///< of both families; `::ffff:...` goes into AAAA
  std::string alias = {};                   ///< another name (CNAME)
  /// Whether the answer has the alias's own aliases and addresses, too.
  bool whole_chain = true;
  bool cut_by_udp = false;       ///< UDP gets an empty answer with the truncation bit
  bool silent = false;           ///< no answer at all
  bool silent_by_tcp = false;    ///< no answer by TCP
  bool closes_half_way = false;  ///< half of an answer by TCP, then the end; whole by UDP
  std::string raw = {};          ///< everything behind the question's id, whatever it means
};

class TestNameServer {
 public:
  enum class Ways : std::uint8_t { both, udp, none };

  /// What is not among its `ways` is refused at once, as where nobody listens. A `port` is for
  /// networks of the test's own; 0 is the kernel's choice.
  explicit TestNameServer(Ways ways = Ways::both, std::uint16_t port = 0) : ways_(ways) {
    // The same port for both: what the kernel has free for TCP may be taken for UDP.
    const IpAddress here = IpAddress::v4(127, 0, 0, 1);
    bool bound = false;
    for (int attempt = 0; attempt < limits::kPortAttempts && !bound; ++attempt) {
      tcp_ = PlainSocket(SOCK_STREAM, here);
      tcp_.bind(here, port);
      const SocketAddress raw = to_socket_address(tcp_.local(), Family::v4);
      bound = ::bind(udp_.fd(), raw.get(), raw.length) == 0;
    }
    EXPECT_TRUE(bound);
    if (ways == Ways::both) tcp_.listen();
    if (ways == Ways::none) udp_.connect(udp_.local());  // so it takes nothing from anybody else
    waker_.bind(here);
    thread_ = std::jthread([this] { serve(); });
  }
  ~TestNameServer() {
    stop_ = true;
    PlainSocket(SOCK_DGRAM, IpAddress::v4(127, 0, 0, 1)).send_to(waker_.local(), "");
  }

  [[nodiscard]] Address address() const { return udp_.local(); }
  /// From now on. Names without a script are unknown (NXDOMAIN).
  void set(std::string_view name, TestName script) {
    const std::lock_guard lock(mutex_);
    names_[std::string(name)] = std::move(script);
  }
  /// Questions about a name so far.
  [[nodiscard]] int asked_by_udp(std::string_view name) const { return asked(name).first; }
  [[nodiscard]] int asked_by_tcp(std::string_view name) const { return asked(name).second; }

 private:
  static constexpr char kA = 1, kAlias = 5, kAaaa = 28;
  static constexpr std::size_t kHeaderBytes = 12;

  // One question as it came: a header, a name, its type and class.
  struct Question {
    std::string bytes;
    std::string name;
    char type = 0;
  };
  struct Connection {
    PlainSocket socket;
    std::string unread;
  };

  [[nodiscard]] std::pair<int, int> asked(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto at = asked_.find(std::string(name));
    return at == asked_.end() ? std::pair{0, 0} : at->second;
  }

  void serve() {
    while (!stop_) {
      std::vector<pollfd> all{{waker_.fd(), POLLIN, 0}};
      if (ways_ != Ways::none) all.push_back({udp_.fd(), POLLIN, 0});
      if (ways_ == Ways::both) all.push_back({tcp_.fd(), POLLIN, 0});
      const std::size_t first = all.size();
      for (const Connection& open : connections_) all.push_back({open.socket.fd(), POLLIN, 0});
      if (::poll(all.data(), all.size(), -1) < 0) continue;
      // From the back, as those that end are erased.
      for (std::size_t i = all.size(); i-- > first;) {
        if (all[i].revents != 0 && !read_stream(connections_[i - first])) {
          connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i - first));
        }
      }
      if (ways_ != Ways::none && all[1].revents != 0) read_packet();
      if (ways_ == Ways::both && all[2].revents != 0) connections_.push_back({tcp_.accept(), {}});
    }
  }

  void read_packet() {
    std::array<char, 512> room{};
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const ssize_t size = ::recvfrom(udp_.fd(), room.data(), room.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 0) return;
    const Question question = parse({room.data(), static_cast<std::size_t>(size)});
    const TestName script = take(question, false);
    if (script.silent) return;
    const std::string reply = answer(question, script, false);
    ::sendto(udp_.fd(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
  }

  // False: this connection has ended.
  bool read_stream(Connection& from) {
    const auto piece = from.socket.read();
    if (!piece || piece->empty()) return false;
    from.unread += *piece;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(from.unread[i]); };
    while (from.unread.size() >= 2) {
      const std::size_t size = std::size_t{byte(0)} << 8 | byte(1);
      if (from.unread.size() < 2 + size) break;
      const Question question = parse(from.unread.substr(2, size));
      from.unread.erase(0, 2 + size);
      const TestName script = take(question, true);
      if (script.silent || script.silent_by_tcp) continue;
      const std::string reply = answer(question, script, true);
      const std::string framed = number(reply.size()) + reply;
      if (script.closes_half_way) {
        from.socket.write(std::string_view(framed).substr(0, framed.size() / 2));
        return false;
      }
      if (!from.socket.write(framed)) return false;
    }
    return true;
  }

  static Question parse(std::string bytes) {
    Question question{std::move(bytes), {}, 0};
    std::size_t at = kHeaderBytes;
    while (at < question.bytes.size() && question.bytes[at] != 0) {
      const auto length = static_cast<unsigned char>(question.bytes[at]);
      question.name += (question.name.empty() ? "" : ".") + question.bytes.substr(at + 1, length);
      at += length + 1U;
    }
    if (at + 5 > question.bytes.size()) return question;
    question.type = question.bytes[at + 2];
    question.bytes.resize(at + 5);
    return question;
  }

  // The script for a question, which is counted.
  TestName take(const Question& question, bool tcp) {
    const std::lock_guard lock(mutex_);
    auto& [by_udp, by_tcp] = asked_[question.name];
    ++(tcp ? by_tcp : by_udp);
    const auto at = names_.find(question.name);
    if (at != names_.end()) return at->second;
    TestName unknown;
    unknown.raw = std::string("\x84\x83", 2) + number(1) + number(0) + number(0) + number(0) +
                  question.bytes.substr(kHeaderBytes);
    return unknown;
  }

  static std::string number(std::size_t value) {
    return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
  }
  static std::string encoded(std::string_view name) {
    std::string out;
    while (!name.empty()) {
      const std::size_t dot = std::min(name.find('.'), name.size());
      out += static_cast<char>(dot) + std::string(name.substr(0, dot));
      name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return out + '\0';
  }
  static std::string record(const std::string& owner, char type, const std::string& data) {
    return owner + '\0' + type + number(1) + number(0) + number(60) + number(data.size()) + data;
  }

  std::string answer(const Question& question, TestName script, bool tcp) const {
    const std::string id = question.bytes.substr(0, 2);
    if (!script.raw.empty()) return id + script.raw;
    const bool cut = script.cut_by_udp && !tcp;
    std::string records;
    std::size_t count = 0;
    const auto add = [&](const std::string& owner, char type, const std::string& data) {
      records += record(owner, type, data);
      ++count;
    };
    std::string owner("\xc0\x0c", 2);  // the question's name
    for (int hops = 0; !cut && hops < 20; ++hops) {
      if (!script.alias.empty()) add(owner, kAlias, encoded(script.alias));
      for (const std::string& text : script.addresses) {
        const IpAddress ip = IpAddress::parse(text).value_or(IpAddress());
        const bool mapped = text.starts_with("::ffff:");
        const BytesView bytes = mapped ? std::as_bytes(std::span(ip.bytes())) : ip.wire_bytes();
        if (question.type != (bytes.size() == 4 ? kA : kAaaa)) continue;
        add(owner, question.type, std::string(as_text(bytes)));
      }
      if (script.alias.empty() || !script.whole_chain) break;
      owner = encoded(script.alias);
      script = look_at(script.alias);
    }
    return id + (cut ? '\x86' : '\x84') + '\x80' + number(1) + number(count) + number(0) +
           number(0) + question.bytes.substr(kHeaderBytes) + records;
  }
  TestName look_at(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto at = names_.find(name);
    return at == names_.end() ? TestName{} : at->second;
  }

  Ways ways_;
  PlainSocket udp_{SOCK_DGRAM, IpAddress::v4(127, 0, 0, 1)};
  PlainSocket tcp_{SOCK_STREAM, IpAddress::v4(127, 0, 0, 1)};
  PlainSocket waker_{SOCK_DGRAM, IpAddress::v4(127, 0, 0, 1)};
  std::vector<Connection> connections_;
  mutable std::mutex mutex_;
  std::map<std::string, TestName> names_;
  std::map<std::string, std::pair<int, int>> asked_;  // by UDP and TCP
  std::atomic<bool> stop_ = false;
  std::jthread thread_;
};

}  // namespace memberlist::net
