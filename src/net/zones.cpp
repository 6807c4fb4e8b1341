#include "net/zones.hpp"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <memory>

#include "base/text.hpp"

namespace memberlist::net {
namespace {

bool is_number(std::string_view zone) {
  return std::ranges::all_of(zone, [](char c) { return c >= '0' && c <= '9'; });
}

std::string interface_names() {
  struct if_nameindex* const all = ::if_nameindex();
  if (all == nullptr) return "none that can be listed";
  const std::unique_ptr<struct if_nameindex, decltype(&::if_freenameindex)> owned(
      all, &::if_freenameindex);
  std::string names;
  for (const struct if_nameindex* at = all; at->if_name != nullptr; ++at) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", at->if_name);
  }
  return names;
}

// The parts of `fe80::1%eth0:7946`; nothing for other texts.
std::string guess_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view port = text.substr(colon + 1);
  if (text.starts_with('[') || colon < text.find('%') || port.empty() || !is_number(port)) {
    return {};
  }
  return fmt::format("; if {} is the port, write [{}]:{}", port,
                     escape_for_log(text.substr(0, colon)), port);
}

}  // namespace

Result<std::string> number_zone(std::string_view text) {
  const std::size_t percent = text.find('%');
  const bool is_v6 = text.find(':') < percent;
  if (percent == std::string_view::npos || !is_v6) return std::string(text);
  const std::size_t end = std::min(text.find(']', percent), text.size());
  const std::string zone(text.substr(percent + 1, end - percent - 1));
  if (is_number(zone)) return std::string(text);
  // The system would take `eth0:7946` for `eth0`: such were the names of second addresses once.
  const unsigned index = zone.contains(':') ? 0 : ::if_nametoindex(zone.c_str());
  if (index != 0) return fmt::format("{}%{}{}", text.substr(0, percent), index, text.substr(end));
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("\"{}\": this machine has no network interface \"{}\"; it has {}{}",
                  escape_for_log(text), escape_for_log(zone), interface_names(), guess_port(text)),
      std::string(text));
}

}  // namespace memberlist::net
