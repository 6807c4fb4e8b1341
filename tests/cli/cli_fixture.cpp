#include "cli_fixture.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "../support/own_loopback.hpp"

namespace memberlist::cli_test {

namespace {

// The caller's own environment must not steer the tests.
Environment clean(Environment environment) {
  environment.try_emplace("MEMBERLIST_HTTP", "127.0.0.1:1");
  return environment;
}

Arguments with_program(Arguments arguments) {
  arguments.insert(arguments.begin(), MEMBERLIST_PROGRAM);
  return arguments;
}

}  // namespace

testing::Completed run(Arguments arguments, Environment environment, std::string_view input) {
  return testing::run({with_program(std::move(arguments)), clean(std::move(environment)), {}},
                      kPatience, input);
}

std::size_t line_count(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

Arguments agent_arguments(const std::string& name, const Arguments& more) {
  Arguments all{"agent", "--events", "json", "--profile", "local"};
  // News at once, but patience with a machine that is busy.
  for (const char* knob : {"gossip_interval=20ms", "probe_interval=5s", "probe_timeout=3s"}) {
    all.insert(all.end(), {"--set", knob});
  }
  const std::pair<std::string, std::string> replaceable[] = {
      {"--name", name}, {"--bind", testing::own_loopback_text() + ":0"}, {"--http", "127.0.0.1:0"}};
  for (const auto& [option, value] : replaceable) {
    if (std::ranges::find(more, option) == more.end()) {
      all.insert(all.end(), {option, value});
    }
  }
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Arguments quick_to_suspect(const Arguments& more) {
  Arguments all{"--set", "probe_interval=200ms", "--set", "probe_timeout=100ms"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Agent::Agent(const std::string& name, const Arguments& more, Environment environment)
    : Agent(Whole{}, agent_arguments(name, more), std::move(environment)) {}

Agent Agent::with_arguments(const Arguments& arguments, Environment environment) {
  return {Whole{}, arguments, std::move(environment)};
}

Agent::Agent(Whole, const Arguments& arguments, Environment environment)
    : process_({with_program(arguments), clean(std::move(environment)), {}}) {
  const auto line = process_.read_line(kPatience);
  if (!line) {
    throw std::runtime_error("the agent did not start: " + process_.error_output());
  }
  ready_ = Json::parse(*line);
}

Json Agent::wait_for(std::string_view event, const std::function<bool(const Json&)>& fits) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto left = std::chrono::duration_cast<testing::Process::Timeout>(
        deadline - std::chrono::steady_clock::now());
    const auto line = process_.read_line(std::max(left, testing::Process::Timeout(0)));
    if (!line) {
      return nullptr;
    }
    Json json = Json::parse(*line);
    if (json.at("event") == event && (!fits || fits(json))) {
      return json;
    }
  }
}

Json Agent::wait_for_member(std::string_view event, std::string_view name) {
  return wait_for(event, [name](const Json& json) { return json.at("member").at("name") == name; });
}

testing::Completed Agent::client(Arguments arguments, std::string_view input) const {
  return run(std::move(arguments), {{"MEMBERLIST_HTTP", http()}}, input);
}

Json Agent::client_json(Arguments arguments) const {
  arguments.insert(arguments.end(), {"--format", "json"});
  const auto completed = client(std::move(arguments));
  return completed.status.success() ? Json::parse(completed.output) : Json();
}

TemporaryFile::TemporaryFile(std::string_view content) {
  path_ = (std::filesystem::temp_directory_path() / "memberlist-cli-XXXXXX").string();
  const int fd = ::mkstemp(path_.data());
  if (fd < 0 ||
      ::write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    throw std::runtime_error("cannot write a temporary file");
  }
  ::close(fd);
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

OpenConnection::OpenConnection(const std::string& address, const std::string& from)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  const timeval timeout{kPatience.count(), 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  ::inet_pton(AF_INET, from.c_str(), &own.sin_addr);
  if (!from.empty() && ::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
    ::close(fd_);
    throw std::runtime_error("cannot connect from " + from);
  }
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    ::close(fd_);
    throw std::runtime_error("cannot connect to " + address);
  }
}

OpenConnection::~OpenConnection() { ::close(fd_); }

void OpenConnection::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return;  // refused before all was sent: the answer is there
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string OpenConnection::read_to_end() const {
  std::string all;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      return all;
    }
    all.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

HttpAnswer raw_http(const std::string& address, const std::string& request) {
  const OpenConnection socket(address);
  socket.write(request);
  const std::string answer = socket.read_to_end();
  const std::size_t end = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 ") || end == std::string::npos) {
    throw std::runtime_error("no HTTP answer: " + answer);
  }
  return {std::stoi(answer.substr(9, 3)), answer.substr(0, end), answer.substr(end + 4)};
}

HttpAnswer http(const std::string& address, const std::string& method, const std::string& path,
                const std::string& body, const Arguments& headers) {
  std::string request = method + " " + path + " HTTP/1.1\r\nConnection: close\r\n";
  const bool has_host = std::ranges::any_of(
      headers, [](const std::string& line) { return line.starts_with("Host:"); });
  if (!has_host) {
    request += "Host: " + address + "\r\n";
  }
  for (const std::string& line : headers) {
    request += line + "\r\n";
  }
  if (!body.empty()) {
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return raw_http(address, request + "\r\n" + body);
}

}  // namespace memberlist::cli_test
