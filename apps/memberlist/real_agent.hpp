#pragma once

#include <boost/asio/io_context.hpp>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/event.hpp"
#include "memberlist/sim/scenario.hpp"
#include "output.hpp"
#include "real_process.hpp"

namespace memberlist::cli {

/// A node's agent: this program, with the knobs of the scenario. `contact` is who it joins through.
[[nodiscard]] std::vector<std::string> agent_command(const sim::Scenario& scenario,
                                                     sim::NodeId node,
                                                     std::optional<sim::NodeId> contact);
/// A command of this program that talks to the agent of the network namespace that it runs in.
[[nodiscard]] std::vector<std::string> client_command(std::vector<std::string> words);

/// What an agent reports of one member.
struct MemberChange {
  MemberEventKind kind = MemberEventKind::update;
  sim::NodeId subject = 0;
  bool member = false;  ///< it is alive, or suspect, for this agent
};

/// What a line of an agent's events says of a member; nothing if it is about something else.
[[nodiscard]] std::optional<MemberChange> read_change(std::string_view line);

/// A running agent, and what it reports. Ends with its object.
class RealAgent {
 public:
  struct Handlers {
    std::function<void(const MemberChange&)> on_change;
    std::function<void()> on_end;  ///< the last call; the agent may be destroyed in it
  };

  /// `network`: its namespace. Handlers are called by `io`, never before this returns.
  [[nodiscard]] static std::expected<std::unique_ptr<RealAgent>, CommandError> start(
      boost::asio::io_context& io, std::vector<std::string> command, int network,
      Handlers handlers);
  RealAgent(const RealAgent&) = delete;
  RealAgent& operator=(const RealAgent&) = delete;
  /// No handler is called any more.
  ~RealAgent();

  void signal(int number) const { process_.signal(number); }
  /// Whether others can reach it.
  [[nodiscard]] bool is_ready() const;
  /// Its last words: what it has written to standard error.
  [[nodiscard]] std::string complaint() const { return content_of(errors_); }

 private:
  struct Reader;
  RealAgent(ChildProcess process, std::shared_ptr<Reader> reader, OwnDescriptor errors);

  ChildProcess process_;
  std::shared_ptr<Reader> reader_;  // shared with the read that is going on
  OwnDescriptor errors_;
};

}  // namespace memberlist::cli
