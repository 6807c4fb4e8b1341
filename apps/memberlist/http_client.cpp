#include "http_client.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent_options.hpp"
#include "files.hpp"
#include "line_reader.hpp"
#include "memberlist/address.hpp"

namespace memberlist::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto kConnectTimeout = 5s;
// A join waits for each address's dial and exchange.
constexpr auto kAnswerTimeout = 300s;
// The agent sends a blank line every 5 s.
constexpr auto kEventsTimeout = 30s;

// What to try, for errors where the agent's own words do not say.
std::string_view hint(std::string_view code) {
  if (code == "unknown_member") return "`memberlist members` shows who is known";
  if (code == "member_not_alive") return "`memberlist members` shows the state it is in";
  if (code == "unreachable" || code == "timed_out") {
    return "check the address, that a member runs there, and that TCP and UDP get through";
  }
  if (code == "unresolved") return "check the spelling, or give an IP address";
  if (code == "too_many_subscribers") return "or try again later";
  return {};
}

CommandError explain(const Json& answer, int status, const std::string& where) {
  if (status == 401) {
    return {kExitFailed, fmt::format("the agent at {} requires a token, or rejected the one given: "
                                     "give the file with its token with --http-token-file FILE",
                                     where)};
  }
  if (answer.is_object() && answer.contains("error") && answer["error"].is_object()) {
    const Json& error = answer["error"];
    const std::string text = error.value("message", "the agent gives no reason");
    const std::string code = error.value("code", "");
    const std::string_view what_to_try = hint(code);
    return {kExitFailed, what_to_try.empty() ? text : fmt::format("{}: {}", text, what_to_try),
            code};
  }
  return {kExitFailed,
          fmt::format("the server at {} is not a memberlist agent (HTTP status {}): give the "
                      "agent's address with --http HOST:PORT",
                      where, status)};
}

}  // namespace

class AdminClient::Impl {
 public:
  Impl(std::string host, std::uint16_t port, const std::optional<std::string>& token)
      : where_(host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                                   : fmt::format("[{}]:{}", host, port)),
        client_(host, port) {
    client_.set_connection_timeout(kConnectTimeout);
    client_.set_write_timeout(kAnswerTimeout);
    httplib::Headers headers{{"Host", where_}};
    if (token) headers.emplace("Authorization", "Bearer " + *token);
    client_.set_default_headers(std::move(headers));
  }

  std::expected<Json, CommandError> answer(const httplib::Result& result) const {
    if (!result) return std::unexpected(lost(result.error()));
    Json json = Json::parse(result->body, nullptr, false);
    if (result->status != 200 || json.is_discarded()) {
      return std::unexpected(explain(json, result->status, where_));
    }
    return json;
  }

  CommandError lost(httplib::Error error) const {
    if (error == httplib::Error::Connection || error == httplib::Error::ConnectionTimeout) {
      return {kExitFailed,
              fmt::format("no agent answers at {}: start one with `memberlist agent`, or give "
                          "--http HOST:PORT",
                          where_)};
    }
    return {
        kExitFailed,
        fmt::format("the agent at {} broke off its answer: check its log, and that it still runs",
                    where_)};
  }

  httplib::Client& calls() {
    client_.set_read_timeout(kAnswerTimeout);
    return client_;
  }

  std::expected<void, CommandError> events(LineReader::OnEvent on_event) {
    client_.set_read_timeout(kEventsTimeout);
    int status = 0;
    std::string refusal;
    bool wanted = true;
    LineReader reader(std::move(on_event));
    const auto result = client_.Get(
        "/v1/events", {},
        [&](const httplib::Response& response) {
          status = response.status;
          return true;
        },
        [&](const char* data, std::size_t size) {
          if (status != 200) {
            refusal.append(data, size);
            return refusal.size() < LineReader::kMaxLineBytes;
          }
          wanted = reader.feed({data, size});
          return wanted;
        });
    if (!wanted) return {};
    if (result && status != 200) {
      return std::unexpected(explain(Json::parse(refusal, nullptr, false), status, where_));
    }
    if (status == 200) {
      return std::unexpected(CommandError{
          kExitFailed, fmt::format("the agent at {} has ended: start it again with `memberlist "
                                   "agent`, or give another with --http HOST:PORT",
                                   where_)});
    }
    return std::unexpected(lost(result.error()));
  }

 private:
  std::string where_;
  httplib::Client client_;
};

AdminClient::AdminClient(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
AdminClient::AdminClient(AdminClient&&) noexcept = default;
AdminClient& AdminClient::operator=(AdminClient&&) noexcept = default;
AdminClient::~AdminClient() = default;

std::expected<AdminClient, CommandError> AdminClient::open(const AgentTarget& target) {
  const auto parts = HostPort::parse(target.address);
  if (!parts || parts->host.empty()) {
    return std::unexpected(CommandError{
        kExitUsage, fmt::format("--http {}: not an address: give HOST:PORT, e.g. 127.0.0.1:7947",
                                target.address)});
  }
  std::optional<std::string> token;
  if (target.token_file) {
    auto read = read_token_file(*target.token_file);
    if (!read) return std::unexpected(read.error());
    token = std::move(*read);
  }
  return AdminClient(
      std::make_unique<Impl>(parts->host, parts->port.value_or(kDefaultHttpPort), token));
}

std::expected<Json, CommandError> AdminClient::get(const std::string& path) {
  return impl_->answer(impl_->calls().Get(path));
}

std::expected<Json, CommandError> AdminClient::post(const std::string& path, const Json& body) {
  return impl_->answer(impl_->calls().Post(path, to_line(body), "application/json"));
}

std::expected<Json, CommandError> AdminClient::put(const std::string& path, const Json& body) {
  return impl_->answer(impl_->calls().Put(path, to_line(body), "application/json"));
}

std::expected<void, CommandError> AdminClient::events(
    const std::function<bool(const Json&, bool)>& on_event) {
  return impl_->events(on_event);
}

}  // namespace memberlist::cli
