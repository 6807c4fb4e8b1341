#include "memberlist/address.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "base/address_mistakes.hpp"
#include "base/text.hpp"

namespace memberlist {
namespace {

using RawAddress = std::array<std::uint8_t, 16>;

constexpr std::size_t kV4Offset = 12;
constexpr std::uint8_t kV4Bits = 96;  // of the prefix that makes an address IPv4-mapped

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("\"{}\" is not a valid {}", escape_for_log(text), why),
              std::string(text));
}

// A whole text of digits, at most `max`; no sign, no white space.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t max, int base = 10) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

// Four decimal numbers without leading zeros, which some systems read as octal.
bool parse_v4(std::string_view text, std::span<std::uint8_t, 4> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t dot = i + 1 < out.size() ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return false;
    const std::string_view part = text.substr(0, dot);
    if (part.size() > 1 && part.front() == '0') return false;
    const auto value = parse_number(part, 255);
    if (!value) return false;
    out[i] = static_cast<std::uint8_t>(*value);
    text.remove_prefix(std::min(text.size(), dot + 1));
  }
  return true;
}

// Appends one side of `::`: groups of up to four hexadecimal digits, the last perhaps IPv4.
bool append_groups(std::string_view text, RawAddress& out, std::size_t& size) {
  while (!text.empty()) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view group = text.substr(0, colon);
    if (group.find('.') != std::string_view::npos) {
      if (colon != text.size() || size > kV4Offset) return false;
      if (!parse_v4(group, std::span<std::uint8_t, 4>(out.data() + size, 4))) return false;
      size += 4;
      return true;
    }
    const auto value = parse_number(group, 0xffff, 16);
    if (!value || group.size() > 4 || size + 2 > out.size()) return false;
    out[size++] = static_cast<std::uint8_t>(*value >> 8);
    out[size++] = static_cast<std::uint8_t>(*value & 0xffU);
    if (colon == text.size()) return true;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;  // ends with a single colon
  }
  return true;
}

bool parse_v6(std::string_view text, RawAddress& out) {
  const std::size_t gap = text.find("::");
  std::size_t size = 0;
  if (gap == std::string_view::npos) return append_groups(text, out, size) && size == out.size();
  RawAddress tail{};
  std::size_t tail_size = 0;
  const std::string_view before = text.substr(0, gap);
  if (before.find('.') != std::string_view::npos) return false;
  if (!append_groups(before, out, size)) return false;
  if (!append_groups(text.substr(gap + 2), tail, tail_size)) return false;
  if (size + tail_size + 2 > out.size()) return false;  // `::` stands for one group at least
  std::copy_n(tail.begin(), tail_size, out.end() - static_cast<std::ptrdiff_t>(tail_size));
  return true;
}

// RFC 5952: lower case, the longest run of two or more zero groups as `::`.
std::string format_v6(const RawAddress& raw) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i] = static_cast<unsigned>(raw[2 * i]) << 8 | raw[2 * i + 1];
  }
  std::size_t gap = groups.size();
  std::size_t gap_size = 1;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::size_t end = i;
    while (end < groups.size() && groups[end] == 0) ++end;
    if (end - i > gap_size) gap = i, gap_size = end - i;
  }
  std::string out;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i == gap) {
      out += "::";
      i += gap_size - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    out += fmt::format("{:x}", groups[i]);
  }
  return out;
}

// The bits after the prefix set to zero.
RawAddress masked(RawAddress raw, std::size_t prefix_bits) noexcept {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const std::size_t kept =
        prefix_bits > 8 * i ? std::min<std::size_t>(8, prefix_bits - 8 * i) : 0;
    raw[i] = static_cast<std::uint8_t>(raw[i] & (0xff00U >> kept));
  }
  return raw;
}

bool starts_with(const IpAddress& ip, const IpAddress& base, std::size_t prefix_bits) noexcept {
  return masked(ip.bytes(), prefix_bits) == base.bytes();
}

struct Split {
  std::string_view host;
  std::optional<std::string_view> port;
};

// At the colon in front of the port. Nothing: the brackets are wrong.
std::optional<Split> split_port(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
    if (rest.empty()) return Split{host, std::nullopt};
    if (rest.front() != ':') return std::nullopt;
    return Split{host, rest.substr(1)};
  }
  if (std::ranges::count(text, ':') != 1) return Split{text, std::nullopt};
  const std::size_t colon = text.find(':');
  return Split{text.substr(0, colon), text.substr(colon + 1)};
}

// An IP address, or a host name in any language, without characters that can only be mistakes.
bool is_host(std::string_view host) {
  const bool is_ip = IpAddress::parse(host).has_value();
  if (is_ip || host.find(':') != std::string_view::npos) return is_ip;
  const auto unfit = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7f ||
           std::string_view("[]\"'`;,/\\%@?#=$&*!<>(){}|^").find(c) != std::string_view::npos;
  };
  return !host.empty() && !std::ranges::any_of(host, unfit) && !looks_like_ipv4(host);
}

IpAddress v6(std::uint8_t first, std::uint8_t second) noexcept {
  const std::array<std::byte, 16> raw{std::byte{first}, std::byte{second}};
  return IpAddress::from_bytes(raw).value_or(IpAddress());
}

}  // namespace

std::optional<IpAddress> IpAddress::from_bytes(BytesView raw) noexcept {
  const auto byte = [raw](std::size_t i) { return std::to_integer<std::uint8_t>(raw[i]); };
  if (raw.size() == 4) return v4(byte(0), byte(1), byte(2), byte(3));
  IpAddress ip;
  if (raw.size() != ip.bytes_.size()) return std::nullopt;
  for (std::size_t i = 0; i < raw.size(); ++i) ip.bytes_[i] = byte(i);
  return ip;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  constexpr std::string_view kWanted = "IP address (such as 10.0.0.1 or 2001:db8::1)";
  IpAddress ip;
  if (text.find(':') == std::string_view::npos) {
    std::array<std::uint8_t, 4> raw{};
    if (!parse_v4(text, raw)) return bad(text, kWanted);
    return v4(raw[0], raw[1], raw[2], raw[3]);
  }
  const std::size_t percent = text.find('%');
  if (percent != std::string_view::npos) {
    const auto zone =
        parse_number(text.substr(percent + 1), std::numeric_limits<std::uint32_t>::max());
    if (!zone) return bad(text, "IP address: its zone must be a number, such as fe80::1%2");
    ip.scope_id_ = *zone;
  }
  if (!parse_v6(text.substr(0, percent), ip.bytes_)) return bad(text, kWanted);
  if (ip.scope_id_ != 0 && ip.is_v4()) return bad(text, "IP address: IPv4 has no zone");
  return ip;
}

bool IpAddress::is_v4() const noexcept {
  constexpr std::array<std::uint8_t, kV4Offset> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

bool IpAddress::is_unspecified() const noexcept {
  return bytes_ == RawAddress{} || bytes_ == v4(0, 0, 0, 0).bytes_;
}

bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return bytes_[kV4Offset] == 127;
  RawAddress one{};
  one.back() = 1;
  return bytes_ == one;
}

bool IpAddress::is_link_local() const noexcept {
  if (is_v4()) return bytes_[kV4Offset] == 169 && bytes_[kV4Offset + 1] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0U) == 0x80;
}

bool IpAddress::is_multicast() const noexcept {
  if (!is_v4()) return bytes_[0] == 0xff;
  return (bytes_[kV4Offset] & 0xf0U) == 224 || bytes_ == v4(255, 255, 255, 255).bytes_;
}

bool IpAddress::is_private() const noexcept {
  return is_loopback() || is_link_local() || starts_with(*this, v4(10, 0, 0, 0), kV4Bits + 8) ||
         starts_with(*this, v4(172, 16, 0, 0), kV4Bits + 12) ||
         starts_with(*this, v4(192, 168, 0, 0), kV4Bits + 16) ||
         starts_with(*this, v4(100, 64, 0, 0), kV4Bits + 10) || starts_with(*this, v6(0xfc, 0), 7);
}

BytesView IpAddress::wire_bytes() const noexcept {
  const BytesView all = std::as_bytes(std::span(bytes_));
  return is_v4() ? all.subspan(kV4Offset) : all;
}

std::string IpAddress::to_string() const {
  if (is_v4()) return fmt::format("{}.{}.{}.{}", bytes_[12], bytes_[13], bytes_[14], bytes_[15]);
  std::string out = format_v6(bytes_);
  if (scope_id_ != 0) out += fmt::format("%{}", scope_id_);
  return out;
}

Result<Address> Address::parse(std::string_view text, std::uint16_t default_port) {
  const auto split = HostPort::parse(text);
  if (!split) return std::unexpected(split.error());
  const auto ip = IpAddress::parse(split->host);
  if (!ip) {
    return bad(text,
               "IP address: names are not allowed here; write IP, IP:PORT or [IPV6]:PORT, such as "
               "10.0.0.1:7946 or [::1]:7946");
  }
  if (const auto doubt = find_doubtful_port(text, default_port)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("\"{}\" is ambiguous: {}", escape_for_log(text), *doubt),
                std::string(text));
  }
  return Address{*ip, split->port.value_or(default_port)};
}

std::string Address::to_string() const {
  return ip.is_v4() ? fmt::format("{}:{}", ip.to_string(), port)
                    : fmt::format("[{}]:{}", ip.to_string(), port);
}

Result<Network> Network::parse(std::string_view text) {
  constexpr std::string_view kWanted = "network (such as 10.0.0.0/8 or 2001:db8::/32)";
  const std::size_t slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base || base->scope_id() != 0) return bad(text, kWanted);
  const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  std::uint32_t bits = 128;
  if (slash != std::string_view::npos) {
    const auto prefix = parse_number(text.substr(slash + 1), dotted ? 32 : 128);
    if (!prefix) return bad(text, kWanted);
    bits = dotted ? kV4Bits + *prefix : *prefix;
  }
  Network network;
  network.prefix_bits_ = static_cast<std::uint8_t>(bits);
  const RawAddress raw = masked(base->bytes(), bits);
  network.base_ = IpAddress::from_bytes(std::as_bytes(std::span(raw))).value_or(IpAddress());
  return network;
}

bool Network::contains(const IpAddress& ip) const noexcept {
  // `::/0` means all of IPv6, not that and all of IPv4.
  return ip.is_v4() == base_.is_v4() && starts_with(ip, base_, prefix_bits_);
}

std::string Network::to_string() const {
  const int shown = base_.is_v4() ? prefix_bits_ - kV4Bits : prefix_bits_;
  return fmt::format("{}/{}", base_.to_string(), shown);
}

Result<HostPort> HostPort::parse(std::string_view text) {
  const auto wrong = [text] {
    return bad(text, fmt::format("address: {}; write HOST, HOST:PORT or [IPV6]:PORT",
                                 guess_address_mistake(text)));
  };
  const auto split = split_port(text);
  if (!split || !is_host(split->host)) return wrong();
  HostPort out{.host = std::string(split->host), .port = std::nullopt};
  if (!split->port) return out;
  const auto number = parse_number(*split->port, 65'535);
  if (!number) return wrong();
  out.port = static_cast<std::uint16_t>(*number);
  return out;
}

}  // namespace memberlist

std::size_t std::hash<memberlist::Address>::operator()(
    const memberlist::Address& address) const noexcept {
  std::uint64_t mixed = 0xcbf29ce484222325U;
  const auto add = [&mixed](std::uint64_t value) { mixed = (mixed ^ value) * 0x100000001b3U; };
  for (const std::uint8_t byte : address.ip.bytes()) add(byte);
  add(address.ip.scope_id());
  add(address.port);
  return static_cast<std::size_t>(mixed ^ (mixed >> 32));
}
