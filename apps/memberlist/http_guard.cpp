#include "http_guard.hpp"

#include <algorithm>
#include <utility>

namespace memberlist::cli {

namespace {

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  // volatile, so that the loop is not cut short at the first difference
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

RequestGuard::RequestGuard(Address bound, std::optional<std::string> token)
    : bound_(bound), token_(std::move(token)) {}

bool RequestGuard::host_is_ours(std::string_view host) const {
  const auto parts = HostPort::parse(host);
  if (!parts) return false;
  if (parts->host == "localhost") return true;
  // The owner of a name can point it to this machine; an address cannot be pointed here.
  const auto ip = IpAddress::parse(parts->host);
  return ip && (ip->is_loopback() || *ip == bound_.ip || bound_.ip.is_unspecified());
}

std::optional<Refusal> RequestGuard::check_host(const RequestHead& head) const {
  if (token_ && head.host_count != 1) {
    return Refusal{400, "bad_request", "a request has exactly one Host"};
  }
  if (!token_ && (head.host_count != 1 || !host_is_ours(lower_case(head.host)))) {
    return Refusal{
        403, "foreign_host",
        "the Host of this request is not this agent: use the address that it listens on"};
  }
  return std::nullopt;
}

std::optional<Refusal> RequestGuard::check_caller(const RequestHead& head) const {
  if (token_ && !has_token(head)) {
    return Refusal{401, "unauthorized",
                   "this agent requires a token: send `Authorization: Bearer TOKEN`"};
  }
  const bool other_origin =
      head.origin && lower_case(*head.origin) != "http://" + lower_case(head.host);
  const bool other_site =
      head.fetch_site && *head.fetch_site != "same-origin" && *head.fetch_site != "none";
  if (other_origin || other_site) {
    return Refusal{403, "foreign_origin", "pages of another origin may not use this API"};
  }
  return std::nullopt;
}

// The name of the scheme is read in any case, and any number of blanks may follow it (RFC 9110,
// section 11.4).
bool RequestGuard::has_token(const RequestHead& head) const {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view given = head.authorization;
  if (lower_case(given.substr(0, kBearer.size())) != kBearer) return false;
  const std::size_t begin = std::min(given.find_first_not_of(' ', kBearer.size()), given.size());
  return token_ && equal_in_constant_time(given.substr(begin), *token_);
}

std::optional<Refusal> RequestGuard::check(const RequestHead& head) const {
  auto refusal = check_host(head);
  return refusal ? refusal : check_caller(head);
}

}  // namespace memberlist::cli
