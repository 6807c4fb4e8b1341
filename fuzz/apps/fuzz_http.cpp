// The agent's HTTP server, from the connection's bytes to the answer, over a pair of sockets.
//
// Input: options (1 byte, see below), then what the client sends.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "admin_api.hpp"
#include "event_hub.hpp"
#include "http_server.hpp"
#include "json_views.hpp"
#include "quiet_member.hpp"
#include "support/input.hpp"

namespace memberlist::fuzz {
namespace {

constexpr unsigned kTokenWanted = 0x01;
constexpr unsigned kReaderGone = 0x02;
// What a pair of sockets buffers in one direction without a reader.
constexpr std::size_t kMostBytes = std::size_t{32} * 1024;

// Servers that never accept, with and without a token. While no client reads the events there are
// none: a subscription would wait for them.
class Agent {
 public:
  Agent() {
    closed_hub_.close({});
    open_hub_.ready({{"event", "ready"}});
    for (auto* server : {&open_, &guarded_}) server->prepare(closed_api_, closed_hub_);
    streaming_.prepare(open_api_, open_hub_);
  }

  void answer(unsigned options, int socket) {
    if ((options & kReaderGone) != 0) return streaming_.answer(socket);
    ((options & kTokenWanted) != 0 ? guarded_ : open_).answer(socket);
  }

 private:
  static cli::AdminServer bind(std::optional<std::string> token) {
    auto server = cli::AdminServer::bind({IpAddress::v4(127, 0, 0, 1), 0}, std::move(token));
    require(server.has_value(), "a server on loopback can be made");
    return *std::move(server);
  }

  Memberlist list_ = quiet_member();
  cli::EventHub closed_hub_{cli::EventFormat::off};
  cli::EventHub open_hub_{cli::EventFormat::off};
  cli::AgentMetrics metrics_;
  cli::AdminApi closed_api_{list_, closed_hub_, metrics_, "127.0.0.1:7947", [] {}};
  cli::AdminApi open_api_{list_, open_hub_, metrics_, "127.0.0.1:7947", [] {}};
  cli::AdminServer open_ = bind(std::nullopt);
  cli::AdminServer guarded_ = bind("secret");
  cli::AdminServer streaming_ = bind(std::nullopt);
};

std::string read_all(int socket) {
  std::string all;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

// An answer's body is JSON or the page of metrics (none to HEAD, and when told to go on).
void check_answer(std::string_view answer) {
  require(answer.starts_with("HTTP/1.1 "), "an answer starts with a status line");
  const std::size_t end = answer.find("\r\n\r\n");
  require(end != std::string_view::npos, "an answer's head is whole");
  const std::string_view head = answer.substr(0, end);
  const std::string_view body = answer.substr(end + 4);
  if (body.empty()) return;
  if (head.find("Content-Type: text/plain") != std::string_view::npos) {
    require(body.starts_with("# HELP memberlist_"), "a text is the page of metrics");
  } else {
    require(nlohmann::json::accept(body), "an answer's body is JSON");
  }
}

// One answer for each request: no body has a line that starts like another answer.
void check(std::string_view answers) {
  while (!answers.empty()) {
    const std::size_t next = answers.find("\nHTTP/1.1 ");
    const std::size_t size = next == std::string_view::npos ? answers.size() : next + 1;
    check_answer(answers.substr(0, size));
    answers.remove_prefix(size);
  }
}

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist::fuzz;
  static Agent agent;
  if (size > kMostBytes) return -1;
  Input input(data, size);
  const unsigned options = input.u8();
  std::array<int, 2> sockets{-1, -1};
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) == 0,
          "there are sockets");
  const std::string_view request = input.text();
  require(::send(sockets[0], request.data(), request.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(request.size()),
          "a request fits into the socket");
  if ((options & kReaderGone) != 0) {
    ::close(sockets[0]);
    agent.answer(options, sockets[1]);
    return 0;
  }
  ::shutdown(sockets[0], SHUT_WR);
  // Many short requests have longer answers than a pair of sockets holds.
  std::string answers;
  std::thread reader([&] { answers = read_all(sockets[0]); });
  agent.answer(options, sockets[1]);
  reader.join();
  check(answers);
  ::close(sockets[0]);
  return 0;
}
