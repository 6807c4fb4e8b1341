#include "our_agent.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

constexpr Timeout kStopTimeout = 20s;

// A longer or unprintable payload does not go by the command line.
constexpr std::size_t kMaxTextArgument = 1000;

testing::ProcessOptions command_line(const PeerOptions& options,
                                     const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{our_program(), "agent"};
  const auto add = [&](const std::string& option, const std::string& value) {
    argv.push_back("--" + option);
    argv.push_back(value);
  };
  add("events", "json");
  add("http", "127.0.0.1:0");
  add("name", options.name);
  add("bind", options.bind);
  add("profile", options.profile);
  add("log-level", "debug");
  if (!options.label.empty()) add("label", options.label);
  if (!options.meta.empty()) add("meta", options.meta);
  for (const std::string& key : options.keys) add("key", key);
  for (const auto& [knob, value] : options.knobs) add("set", knob + "=" + value);
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return {std::move(argv), {}, {}};
}

bool fits_a_text_argument(const std::string& payload) {
  return payload.size() <= kMaxTextArgument && !payload.starts_with('-') &&
         std::ranges::all_of(payload, [](unsigned char c) { return std::isprint(c) != 0; });
}

/// The bytes as a file, for as long as this lives.
class PayloadFile {
 public:
  explicit PayloadFile(std::string_view payload) {
    std::string pattern = (std::filesystem::temp_directory_path() / "memberlist-XXXXXX").string();
    const int fd = ::mkstemp(pattern.data());
    if (fd < 0) throw std::runtime_error("no temporary file");
    path_ = pattern;
    const ssize_t written = ::write(fd, payload.data(), payload.size());
    ::close(fd);
    if (written != static_cast<ssize_t>(payload.size())) throw std::runtime_error("disk full");
  }
  PayloadFile(const PayloadFile&) = delete;
  PayloadFile& operator=(const PayloadFile&) = delete;
  ~PayloadFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

std::string our_program() { return std::string(MEMBERLIST_BINARY_DIR) + "/bin/memberlist"; }

OurAgent::OurAgent(const PeerOptions& options, const std::vector<std::string>& arguments)
    : process_(command_line(options, arguments)), lines_(process_) {
  const auto ready = lines_.wait_for([](const nlohmann::json&) { return true; }, kReadyTimeout);
  if (!ready.has_value()) throw std::runtime_error("our agent did not start: " + log());
  if (ready->at("event") != "ready") {
    throw std::runtime_error("the first line is not 'ready': " + ready->dump());
  }
  name_ = ready->at("name").get<std::string>();
  address_ = ready->at("address").get<std::string>();
  http_ = ready->at("http").get<std::string>();
}

testing::Completed OurAgent::client(std::vector<std::string> arguments) {
  std::vector<std::string> argv{our_program()};
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()),
              std::make_move_iterator(arguments.end()));
  argv.emplace_back("--http");
  argv.push_back(http_);
  return testing::run({std::move(argv), {}, {}}, kClientTimeout);
}

Outcome OurAgent::done(std::vector<std::string> arguments) {
  const testing::Completed completed = client(std::move(arguments));
  if (completed.status.success()) return {};
  return std::unexpected(completed.error_output);
}

MemberTable OurAgent::members() {
  const testing::Completed completed = client({"members", "--format", "json"});
  if (!completed.status.success()) throw std::runtime_error(completed.error_output);
  return parse_members(nlohmann::json::parse(completed.output));
}

Outcome OurAgent::join(const std::string& address) { return done({"join", address}); }

Outcome OurAgent::leave() { return done({"leave"}); }

Outcome OurAgent::set_meta(const std::string& meta) { return done({"meta", meta}); }

Outcome OurAgent::send(const std::string& to, const std::string& payload, bool reliable) {
  std::vector<std::string> arguments{"send", to};
  const PayloadFile file(payload);
  if (fits_a_text_argument(payload)) {
    arguments.push_back(payload);
  } else {
    arguments.insert(arguments.end(), {"--file", file.path()});
  }
  if (reliable) arguments.emplace_back("--reliable");
  return done(std::move(arguments));
}

Outcome OurAgent::broadcast(const std::string& payload) {
  if (fits_a_text_argument(payload)) return done({"broadcast", payload});
  const PayloadFile file(payload);
  return done({"broadcast", "--file", file.path()});
}

Outcome OurAgent::ping(const std::string& name) { return done({"ping", name}); }

Outcome OurAgent::add_key(const std::string& key) { return change_key("add", key); }

Outcome OurAgent::use_key(const std::string& key) { return change_key("use", key); }

Outcome OurAgent::remove_key(const std::string& key) { return change_key("remove", key); }

Outcome OurAgent::change_key(const std::string& command, const std::string& key) {
  const PayloadFile file(key);
  return done({"keys", command, "--key-file", file.path()});
}

Outcome OurAgent::verify(std::optional<bool> incoming, std::optional<bool> outgoing) {
  std::vector<std::string> arguments{"keys", "verify"};
  if (incoming) arguments.insert(arguments.end(), {"--incoming", *incoming ? "on" : "off"});
  if (outgoing) arguments.insert(arguments.end(), {"--outgoing", *outgoing ? "on" : "off"});
  return done(std::move(arguments));
}

void OurAgent::signal(int number) {
  killed_ = killed_ || number == SIGKILL;
  process_.signal(number);
}

std::string OurAgent::log() { return process_.error_output(); }

void OurAgent::stop() {
  if (killed_) return;
  process_.signal(SIGTERM);
  const auto status = process_.wait(kStopTimeout);
  // A sanitizer's complaint, a leak for one, is an exit code too.
  EXPECT_TRUE(status.has_value()) << name_ << " does not end by SIGTERM";
  if (status.has_value()) {
    EXPECT_TRUE(status->success()) << name_ << " ended with code " << status->code.value_or(-1)
                                   << ", signal " << status->signal << ": " << log();
  }
}

void OurAgent::watch() { watched_from_ = lines_.events().size(); }

std::optional<nlohmann::json> OurAgent::wait_for(const JsonLines::Predicate& wanted,
                                                 Timeout timeout) {
  return lines_.wait_for(wanted, timeout, watched_from_);
}

bool OurAgent::wait_for_status(const std::string& member, const std::string& status,
                               Timeout timeout) {
  const auto shows = [&](const nlohmann::json& event) {
    const auto about = event.find("member");
    return about != event.end() && about->at("name") == member && about->at("status") == status;
  };
  return wait_for(shows, timeout).has_value();
}

}  // namespace memberlist::interop
