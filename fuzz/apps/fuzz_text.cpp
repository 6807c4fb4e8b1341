// Texts that people write (times, addresses, knobs, keys) and that are shown to them. What can be
// read is written as the same text's value, and shown text is safe to show.
//
// Input: which of them (1 byte), the text.

#include <algorithm>
#include <string>
#include <string_view>

#include "api/join_addresses.hpp"
#include "base/text.hpp"
#include "files.hpp"
#include "key_text.hpp"
#include "memberlist/address.hpp"
#include "memberlist/config.hpp"
#include "memberlist/name_text.hpp"
#include "name_views.hpp"
#include "support/input.hpp"
#include "text.hpp"

namespace memberlist::fuzz {
namespace {

constexpr std::uint16_t kPort = 7946;

void check_error(const Error& error) {
  require(error.code == ErrorCode::invalid_argument && !error.message.empty(),
          "a text that cannot be read is a wrong argument, and the error says why");
  require(escape_controls(error.message) == error.message,
          "what an error shows of a text is safe to show");
}

void duration(std::string_view text) {
  const auto parsed = parse_duration(text);
  if (!parsed) return check_error(parsed.error());
  require(*parsed >= Duration::zero(), "no time is negative");
  const auto again = parse_duration(format_duration(*parsed));
  require(again && *again == *parsed, "a written time is read as the same time");
}

void address(std::string_view text) {
  const auto parsed = Address::parse(text, kPort);
  if (!parsed) return check_error(parsed.error());
  const auto again = Address::parse(parsed->to_string(), 0);
  require(again && *again == *parsed, "a written address is read as the same address");
}

void ip_address(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  if (!parsed) return check_error(parsed.error());
  const auto again = IpAddress::parse(parsed->to_string());
  require(again && *again == *parsed, "a written IP address is read as the same");
  const auto raw = IpAddress::from_bytes(parsed->wire_bytes());
  require(raw && raw->bytes() == parsed->bytes(), "and so are its bytes");
}

void network(std::string_view text) {
  const auto parsed = Network::parse(text);
  if (!parsed) return check_error(parsed.error());
  const auto again = Network::parse(parsed->to_string());
  require(again && *again == *parsed, "a written network is read as the same network");
}

void host_port(std::string_view text) {
  const auto parsed = HostPort::parse(text);
  if (!parsed) return check_error(parsed.error());
  require(text.find(parsed->host) != std::string_view::npos, "a host is part of the text");
}

void join_address(std::string_view text) {
  const auto parsed = api::parse_join_address(text, kPort);
  if (!parsed) {
    require(!parsed.error().message.empty(), "an error says what is wrong");
    return;
  }
  require(!parsed->host.empty() && parsed->port != 0 && parsed->text == text,
          "an address to join through has a host and a port");
}

void knob(std::string_view text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  Config config;
  const auto set =
      config.set(text.substr(0, equals), text.substr(std::min(equals + 1, text.size())));
  if (!set) {
    require(!set.error().message.empty(), "an error says what is wrong");
    return;
  }
  Config other;
  require(other.set(text.substr(0, equals), text.substr(equals + 1)).has_value(),
          "a knob can be set to the same value again");
}

void base64(std::string_view text) {
  const auto ours = base64_decode(text);
  require(!ours || base64_encode(*ours) == text, "base64 has one form");
  const BytesView bytes = as_bytes(text);
  const auto again = base64_decode(base64_encode(bytes));
  require(again && std::ranges::equal(*again, bytes), "base64 holds any bytes");
  (void)cli::parse_key(text, "--key");
}

void shown(std::string_view text) {
  const std::string log = escape_for_log(text);
  require(log.size() <= kLogTextBytes + 3 && is_utf8(log), "a log line gets a bounded, whole text");
  require(std::ranges::none_of(log, [](char c) { return c >= 0 && c < 0x20; }),
          "a log line gets no control character");
  const std::string screen = escape_controls(text);
  require(is_utf8(screen) && escape_controls(screen) == screen,
          "what is escaped has nothing to escape");
  require(cli::display_width(screen) <= screen.size(), "no text is wider than its bytes");
  const std::string name = show_name(text);
  require(escape_controls(name) == name && cli::trim(name) == name,
          "a name that is shown has nothing to escape");
  require(read_name(name) == text, "a name is read as it was shown");
  const std::string cell = cli::csv_name(text);
  require(cell.starts_with('"') || read_name(cell) == text, "and so it is in a CSV line");
  (void)cli::csv_field(text);
  (void)cli::percent_encode(text);
  require(cli::trim(text).size() <= text.size(), "trimming takes away");
  require(
      cli::split(text, ',').size() == 1 + static_cast<std::size_t>(std::ranges::count(text, ',')),
      "every separator separates");
}

constexpr void (*kReaders[])(std::string_view) = {
    duration, address, ip_address, network, host_port, join_address, knob, base64, shown};

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  fuzz::Input input(data, size);
  const std::size_t reader = input.u8() % std::size(fuzz::kReaders);
  const Bytes text = to_bytes(input.rest());
  fuzz::kReaders[reader](as_text(text));
  return 0;
}
