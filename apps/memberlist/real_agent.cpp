#include "real_agent.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "json_views.hpp"
#include "real_rules.hpp"
#include "scenario_file.hpp"

namespace memberlist::cli {

namespace {

namespace asio = boost::asio;

constexpr std::string_view kNamePrefix = "node-";
constexpr std::string_view kSelf = "/proc/self/exe";
constexpr std::string_view kPort = "7946";
constexpr std::string_view kAdmin = "127.0.0.1:7947";
constexpr std::size_t kMaxLine = 1 << 20;
// Any key: it is known to who reads this, and the cluster's network has no way out.
constexpr std::string_view kKey = "Xl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl4=";

constexpr std::array kChanges{MemberEventKind::join,   MemberEventKind::leave,
                              MemberEventKind::update, MemberEventKind::suspect,
                              MemberEventKind::alive,  MemberEventKind::dead};

std::string agent_name(sim::NodeId node) { return fmt::format("{}{:05}", kNamePrefix, node); }

std::optional<sim::NodeId> node_of(std::string_view name) {
  if (!name.starts_with(kNamePrefix)) return std::nullopt;
  name.remove_prefix(kNamePrefix.size());
  sim::NodeId node = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), node);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return node;
}

}  // namespace

std::vector<std::string> agent_command(const sim::Scenario& scenario, sim::NodeId node,
                                       std::optional<sim::NodeId> contact) {
  std::vector<std::string> command{std::string(kSelf), "agent",
                                   "--name",           agent_name(node),
                                   "--bind",           fmt::format("{}:{}", ip_of(node), kPort),
                                   "--http",           std::string(kAdmin),
                                   "--events",         "json",
                                   "--log-level",      "error"};
  std::ranges::move(agent_settings(scenario), std::back_inserter(command));
  if (scenario.encrypted) command.insert(command.end(), {"--key", std::string(kKey)});
  if (contact) {
    command.insert(command.end(),
                   {"--join", fmt::format("{}:{}", ip_of(*contact), kPort), "--retry-join"});
  }
  return command;
}

std::vector<std::string> client_command(std::vector<std::string> words) {
  words.insert(words.begin(), std::string(kSelf));
  words.insert(words.end(), {"--http", std::string(kAdmin)});
  return words;
}

std::optional<MemberChange> read_change(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("member")) return std::nullopt;
  const std::string event = json.value("event", "");
  const auto* kind = std::ranges::find(kChanges, event, [](auto k) { return to_string(k); });
  const auto subject = node_of(json["member"].value("name", ""));
  if (kind == kChanges.end() || !subject) return std::nullopt;
  const std::string status = json["member"].value("status", "");
  return MemberChange{.kind = *kind,
                      .subject = *subject,
                      .member = status == to_string(MemberStatus::alive) ||
                                status == to_string(MemberStatus::suspect)};
}

// Reads the events of an agent, one line after the other.
struct RealAgent::Reader : std::enable_shared_from_this<Reader> {
  Reader(asio::io_context& io, int fd, Handlers to) : output(io, fd), handlers(std::move(to)) {}

  void read_line() {
    asio::async_read_until(
        output, asio::dynamic_buffer(received, kMaxLine), '\n',
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
          self->take(error, size);
        });
  }

  void take(const boost::system::error_code& error, std::size_t size) {
    if (closed) return;
    if (error) return handlers.on_end();
    ready = true;  // which is what the first line says
    const auto change = read_change(std::string_view(received).substr(0, size));
    received.erase(0, size);
    read_line();
    if (change) handlers.on_change(*change);
  }

  void close() {
    closed = true;
    output.close();
  }

  asio::posix::stream_descriptor output;
  Handlers handlers;
  std::string received;
  bool ready = false;
  bool closed = false;
};

std::expected<std::unique_ptr<RealAgent>, CommandError> RealAgent::start(
    asio::io_context& io, std::vector<std::string> command, int network, Handlers handlers) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return std::unexpected(CommandError{
        kExitFailed, "cannot start an agent: " + std::generic_category().message(errno)});
  }
  OwnDescriptor output(pipe[0]);
  const OwnDescriptor written(pipe[1]);
  OwnDescriptor errors = memory_file();
  auto process = ChildProcess::start({.arguments = std::move(command),
                                      .network = network,
                                      .output = written.get(),
                                      .errors = errors.get()});
  if (!process) return std::unexpected(process.error());
  auto reader = std::make_shared<Reader>(io, output.release(), std::move(handlers));
  reader->read_line();
  return std::unique_ptr<RealAgent>(
      new RealAgent(std::move(*process), std::move(reader), std::move(errors)));
}

RealAgent::RealAgent(ChildProcess process, std::shared_ptr<Reader> reader, OwnDescriptor errors)
    : process_(std::move(process)), reader_(std::move(reader)), errors_(std::move(errors)) {}

RealAgent::~RealAgent() { reader_->close(); }

bool RealAgent::is_ready() const { return reader_->ready; }

}  // namespace memberlist::cli
