#include "wire/foreign.hpp"

#include <algorithm>

namespace memberlist::wire {
namespace {

using namespace std::string_view_literals;

struct Opening {
  std::string_view bytes;
  std::string_view protocol;
};

constexpr Opening kOpenings[] = {
    {"GET "sv, "HTTP"},
    {"HEAD "sv, "HTTP"},
    {"POST "sv, "HTTP"},
    {"PUT "sv, "HTTP"},
    {"PATCH "sv, "HTTP"},
    {"DELETE "sv, "HTTP"},
    {"OPTIONS "sv, "HTTP"},
    {"CONNECT "sv, "HTTP"},
    {"TRACE "sv, "HTTP"},
    {"PRI * HTTP/2"sv, "HTTP"},
    {"HTTP/"sv, "HTTP"},
    {"SSH-"sv, "SSH"},
    // A handshake record, of SSL 3.0 up to TLS 1.3; and of DTLS.
    {"\x16\x03"sv, "TLS"},
    {"\x16\xfe"sv, "TLS"},
    {"PROXY "sv, "the PROXY protocol"},
    {"\r\n\r\n\0\r\nQUIT\n"sv, "the PROXY protocol"},
};

}  // namespace

std::string_view foreign_protocol(BytesView begin) noexcept {
  const std::string_view text = as_text(begin);
  const auto* found = std::ranges::find_if(
      kOpenings, [&](const Opening& opening) { return text.starts_with(opening.bytes); });
  return found == std::end(kOpenings) ? std::string_view{} : found->protocol;
}

}  // namespace memberlist::wire
