#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../support/process.hpp"
#include "build_paths.hpp"

namespace memberlist::cli_test {

using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

/// Generous: a sanitized program on a busy machine. Nothing waits that long when it works.
inline constexpr std::chrono::seconds kPatience{30};

/// Runs the program to its end.
testing::Completed run(Arguments arguments, Environment environment = {},
                       std::string_view input = {});

/// How many lines the text has.
std::size_t line_count(const std::string& text);

/// The command line of an agent that writes events as JSON, on ports that the kernel chooses, with
/// with gossip quick enough for tests. `more` may give another --bind, --http or --name.
Arguments agent_arguments(const std::string& name, const Arguments& more = {});

/// More arguments for an agent that shall find out within a second that another was killed.
Arguments quick_to_suspect(const Arguments& more = {});

/// A running agent. Ends with its object.
class Agent {
 public:
  /// Starts it and waits for its ready line; throws std::runtime_error if that does not come.
  explicit Agent(const std::string& name, const Arguments& more = {}, Environment environment = {});
  /// The same with a command line of the caller's; `--events json` must be part of it.
  static Agent with_arguments(const Arguments& arguments, Environment environment = {});

  const Json& ready() const { return ready_; }
  std::string address() const { return ready_.at("address"); }
  std::string http() const { return ready_.at("http"); }
  testing::Process& process() { return process_; }

  /// The first event from now on that is called `event` and fits; null if none comes in time.
  Json wait_for(std::string_view event, const std::function<bool(const Json&)>& fits = {});
  /// The same about one member.
  Json wait_for_member(std::string_view event, std::string_view name);

  /// Runs a client command against this agent.
  testing::Completed client(Arguments arguments, std::string_view input = {}) const;
  /// The answer of a client command as JSON, null if it failed.
  Json client_json(Arguments arguments) const;

 private:
  struct Whole {};
  Agent(Whole, const Arguments& arguments, Environment environment);

  testing::Process process_;
  Json ready_;
};

/// A file that is there for as long as its object.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A TCP connection to `HOST:PORT`, IPv4. Throws std::runtime_error if there is no answer.
class OpenConnection {
 public:
  /// `from`: an address of this machine to connect from; empty: the kernel's choice.
  explicit OpenConnection(const std::string& address, const std::string& from = {});
  OpenConnection(const OpenConnection&) = delete;
  OpenConnection& operator=(const OpenConnection&) = delete;
  ~OpenConnection();

  void write(std::string_view bytes) const;
  std::string read_to_end() const;

 private:
  int fd_;
};

struct HttpAnswer {
  int status = 0;
  std::string head;
  std::string body;
};

/// Sends the bytes to `HOST:PORT` and reads the complete answer; tests that omit the Host header
/// use this. Throws std::runtime_error if there is no answer.
HttpAnswer raw_http(const std::string& address, const std::string& request);

/// The same for a request with this method, path, body, and extra header lines.
HttpAnswer http(const std::string& address, const std::string& method, const std::string& path,
                const std::string& body = {}, const Arguments& headers = {});

}  // namespace memberlist::cli_test
