#include "http_routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "agent_metrics.hpp"

namespace memberlist::cli {

namespace {

constexpr std::string_view kMemberPath = "/v1/members/";

std::string decode_percent(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    unsigned char byte = 0;
    const char* const end = text.data() + std::min<std::size_t>(3, text.size());
    if (text.size() >= 3 && text.front() == '%' &&
        std::from_chars(text.data() + 1, end, byte, 16).ptr == end) {
      out.push_back(static_cast<char>(byte));
      text.remove_prefix(3);
    } else {
      out.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return out;
}

// Cuts `text` at the first `at`; the second part is empty if there is none.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char at) {
  const std::size_t end = std::min(text.find(at), text.size());
  return {text.substr(0, end), text.substr(std::min(end + 1, text.size()))};
}

using Kind = Route::Kind;

template <ApiReply (AdminApi::*Call)(const std::string&)>
HttpReply call(AdminApi& api, const HttpTarget& /*target*/, const std::string& body) {
  return to_http((api.*Call)(body));
}

template <ApiReply (AdminApi::*View)() const>
HttpReply view(AdminApi& api, const HttpTarget& /*target*/, const std::string& /*body*/) {
  return to_http((api.*View)());
}

HttpReply members(AdminApi& api, const HttpTarget& target, const std::string& /*body*/) {
  return to_http(api.members(target.parameter("status")));
}

HttpReply member(AdminApi& api, const HttpTarget& target, const std::string& /*body*/) {
  return to_http(api.member(target.path.substr(kMemberPath.size())));
}

HttpReply metrics(AdminApi& api, const HttpTarget& /*target*/, const std::string& /*body*/) {
  return {200, api.metrics(), AgentMetrics::kContentType};
}

HttpReply leave(AdminApi& api, const HttpTarget& /*target*/, const std::string& /*body*/) {
  return to_http(api.leave());
}

constexpr std::array kRoutes{
    Route{"GET", "/v1/members", Kind::large_view, members},
    Route{"GET", kMemberPath, Kind::view, member},
    Route{"GET", "/v1/info", Kind::view, view<&AdminApi::info>},
    Route{"GET", "/metrics", Kind::view, metrics},
    Route{"GET", "/v1/events", Kind::events},
    Route{"POST", "/v1/leave", Kind::call, leave},
    Route{"POST", "/v1/join", Kind::call, call<&AdminApi::join>},
    Route{"PUT", "/v1/meta", Kind::call, call<&AdminApi::meta>},
    Route{"POST", "/v1/ping", Kind::call, call<&AdminApi::ping>},
    Route{"POST", "/v1/send", Kind::call, call<&AdminApi::send>, false,
          HttpLimits::kMaxMessageBodyBytes},
    Route{"POST", "/v1/broadcast", Kind::call, call<&AdminApi::broadcast>, false,
          HttpLimits::kMaxMessageBodyBytes},
    Route{"GET", "/v1/keys", Kind::view, view<&AdminApi::keys>},
    Route{"POST", "/v1/keys/add", Kind::call, call<&AdminApi::add_key>, true},
    Route{"POST", "/v1/keys/use", Kind::call, call<&AdminApi::use_key>, true},
    Route{"POST", "/v1/keys/remove", Kind::call, call<&AdminApi::remove_key>, true},
    Route{"PUT", "/v1/keys/verify", Kind::call, call<&AdminApi::verify>},
};

bool leads_to(const Route& route, std::string_view path) {
  return route.path.ends_with('/') ? path.starts_with(route.path) && path.size() > route.path.size()
                                   : path == route.path;
}

}  // namespace

HttpReply to_http(ApiReply reply) { return {reply.status, std::move(reply.body) + "\n"}; }

HttpTarget::HttpTarget(std::string_view target) {
  const auto [encoded_path, encoded_query] = cut(target, '?');
  path = decode_percent(encoded_path);
  query = cut(encoded_query, '#').first;
}

std::string HttpTarget::parameter(std::string_view name) const {
  for (std::string_view rest = query; !rest.empty();) {
    const auto [one, others] = cut(rest, '&');
    const auto [key, value] = cut(one, '=');
    if (decode_percent(key) == name) {
      std::string text(value);
      std::ranges::replace(text, '+', ' ');
      return decode_percent(text);
    }
    rest = others;
  }
  return {};
}

std::span<const Route> routes() noexcept { return kRoutes; }

std::expected<const Route*, HttpReply> find_route(std::string_view method, std::string_view path) {
  const std::span<const Route> all = routes();
  const auto found =
      std::ranges::find_if(all, [path](const Route& route) { return leads_to(route, path); });
  if (found == all.end()) {
    return std::unexpected(to_http(error_reply(404, "not_found", "there is nothing at this path")));
  }
  if (found->method != (method == "HEAD" ? "GET" : method)) {
    HttpReply reply = to_http(error_reply(405, "method_not_allowed",
                                          fmt::format("{} takes {}", found->path, found->method)));
    reply.allow = found->method;
    return std::unexpected(std::move(reply));
  }
  return &*found;
}

}  // namespace memberlist::cli
