#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "memberlist/address.hpp"

namespace memberlist::cli {

/// The parts of a request that access control looks at. Views of the request's own text.
struct RequestHead {
  std::size_t host_count = 0;  ///< how many Host headers there are
  std::string_view host;
  std::optional<std::string_view> origin;
  std::optional<std::string_view> fetch_site;  ///< Sec-Fetch-Site
  std::string_view authorization;
};

/// Why a request is not served.
struct Refusal {
  int status = 403;
  std::string_view code;
  std::string message;
};

/// Protects the admin API from requests that a web page can send through a browser: requests for
/// another host name (DNS rebinding) and from another origin (request forgery); and from clients
/// without the token. With a token any host name is accepted: no web page knows the token.
class RequestGuard {
 public:
  /// `bound` is the listening address. Without a token anyone who can connect has access.
  RequestGuard(Address bound, std::optional<std::string> token);

  /// `std::nullopt` if the request may be served.
  [[nodiscard]] std::optional<Refusal> check(const RequestHead& head) const;
  [[nodiscard]] bool wants_token() const noexcept { return token_.has_value(); }

 private:
  [[nodiscard]] bool host_is_ours(std::string_view host) const;
  [[nodiscard]] std::optional<Refusal> check_host(const RequestHead& head) const;
  [[nodiscard]] std::optional<Refusal> check_caller(const RequestHead& head) const;
  [[nodiscard]] bool has_token(const RequestHead& head) const;

  Address bound_;
  std::optional<std::string> token_;
};

/// Compares the texts in a time that depends only on their lengths.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace memberlist::cli
