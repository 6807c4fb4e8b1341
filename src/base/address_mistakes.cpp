#include "base/address_mistakes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "memberlist/address.hpp"

namespace memberlist {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size();
}

bool is_ip(std::string_view text) { return IpAddress::parse(text).has_value(); }

// `10.0.0.0/24`
bool is_network(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  return slash != std::string_view::npos && is_number(text.substr(slash + 1)) &&
         is_ip(text.substr(0, slash));
}

// Characters around or between addresses that are none of theirs.
std::string guess_by_characters(std::string_view text) {
  const auto has = [text](std::string_view any) {
    return text.find_first_of(any) != std::string_view::npos;
  };
  if (text.empty()) return "it is empty";
  if (has("'\"`")) return "remove the quotes";
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    return fmt::format("it is a URL; remove \"{}\"", escape_for_log(text.substr(0, scheme + 3)));
  }
  if (is_network(text)) return "it is a network; give the address of one machine";
  if (has(";")) return "separate addresses by commas";
  if (has(",")) return "it has a comma; give each address separately";
  if (has(" \t\r\n")) return "it contains a blank";
  if (has("/")) return "a host has no slash";
  return {};
}

std::string guess_by_port(std::string_view host, std::string_view port) {
  if (host.empty()) return "it has no host before the port";
  if (port.empty()) return "its port is missing after the colon";
  if (!is_port(port)) return "its port must be a number from 0 to 65535";
  return {};
}

std::string guess_by_brackets(std::string_view text) {
  const std::size_t close = text.find(']');
  if (!text.starts_with('[')) return "brackets go around the whole IPv6 address";
  if (close == std::string_view::npos) return "its closing bracket is missing";
  if (!is_ip(text.substr(1, close - 1)) ||
      text.substr(0, close).find(':') == std::string_view::npos) {
    return "only an IPv6 address goes into brackets";
  }
  const std::string_view rest = text.substr(close + 1);
  if (!rest.starts_with(':')) return "after the bracket only :PORT may follow";
  return guess_by_port(text.substr(1, close - 1), rest.substr(1));
}

std::string guess_by_colons(std::string_view text) {
  const auto colons = std::ranges::count(text, ':');
  if (colons == 1) {
    const std::size_t colon = text.find(':');
    return guess_by_port(text.substr(0, colon), text.substr(colon + 1));
  }
  if (colons == 0) return {};
  const std::size_t last = text.rfind(':');
  const std::string_view host = text.substr(0, last);
  const std::string_view port = text.substr(last + 1);
  if (is_port(port) && host.find(':') != std::string_view::npos && is_ip(host)) {
    return fmt::format("if {} is the port, write [{}]:{}", port, host, port);
  }
  return "it has several colons, but is not an IPv6 address";
}

}  // namespace

bool looks_like_ipv4(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::size_t dot = host.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  const bool hexadecimal =
      (last.starts_with("0x") || last.starts_with("0X")) &&
      last.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
  return is_number(last) || hexadecimal;
}

std::string guess_address_mistake(std::string_view text) {
  if (std::string guess = guess_by_characters(text); !guess.empty()) return guess;
  const bool brackets = text.find_first_of("[]") != std::string_view::npos;
  if (std::string guess = brackets ? guess_by_brackets(text) : guess_by_colons(text);
      !guess.empty()) {
    return guess;
  }
  if (looks_like_ipv4(text.substr(0, text.find(':')))) {
    return "an IPv4 address has four numbers from 0 to 255, without leading zeros";
  }
  return "its host contains characters that are not allowed in names";
}

std::optional<std::string> find_doubtful_port(std::string_view text, std::uint16_t port) {
  const std::size_t last = text.rfind(':');
  if (port == 0 || last == std::string_view::npos || text.starts_with('[')) return std::nullopt;
  const std::string_view host = text.substr(0, last);
  if (text.substr(last + 1) != fmt::to_string(port)) return std::nullopt;
  if (host.find(':') == std::string_view::npos || !is_ip(host) || !is_ip(text)) return std::nullopt;
  return fmt::format("if {} is the port, write [{}]:{}; if it belongs to the address, write [{}]",
                     port, host, port, text);
}

}  // namespace memberlist
