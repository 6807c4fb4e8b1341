#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "admin_api.hpp"
#include "http_limits.hpp"

namespace memberlist::cli {

/// A response of the admin API, before it is encoded as HTTP.
struct HttpReply {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json";
  std::string_view allow = {};  ///< the method that the path takes, with 405
};

[[nodiscard]] HttpReply to_http(ApiReply reply);

/// The path of a request and its parameters, with `%XX` decoded. A `%` without two hexadecimal
/// digits stays unchanged.
struct HttpTarget {
  explicit HttpTarget(std::string_view target);

  /// The value of a parameter of the query; empty if it is not there.
  [[nodiscard]] std::string parameter(std::string_view name) const;

  std::string path;
  std::string query;  ///< not decoded
};

/// A path, its only method, and what it does.
struct Route {
  enum class Kind : std::uint8_t {
    view,        ///< reads the latest state, and never waits
    large_view,  ///< the same, and takes time where the cluster is large
    call,        ///< may wait for the network
    events,      ///< a stream; `answer` is null
  };
  std::string_view method;
  std::string_view path;  ///< ends with a slash if any name may follow
  Kind kind = Kind::view;
  HttpReply (*answer)(AdminApi& api, const HttpTarget& target, const std::string& body) = nullptr;
  bool body_has_key = false;  ///< the body is to be wiped
  std::size_t max_body_bytes = HttpLimits::kMaxBodyBytes;
};

/// All routes; docs/http-api.md describes each.
[[nodiscard]] std::span<const Route> routes() noexcept;

/// The route for a request, or 404 or 405. HEAD is taken where GET is.
[[nodiscard]] std::expected<const Route*, HttpReply> find_route(std::string_view method,
                                                                std::string_view path);

}  // namespace memberlist::cli
