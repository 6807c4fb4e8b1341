#include "memberlist/config.hpp"

#include <chrono>

#include <fmt/format.h>

#include "base/knob_table.hpp"
#include "base/limits.hpp"
#include "base/own_packet.hpp"

namespace memberlist {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Result<void> check_name(const Config& config) {
  if (config.name.empty()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("name is empty; it must have 1 to {} bytes", limits::kNameBytes),
                "name");
  }
  if (config.name.size() <= limits::kNameBytes) return {};
  return bad_knob("name", fmt::format("{} bytes long", config.name.size()),
                  fmt::format("1 to {} bytes long", limits::kNameBytes));
}

Result<void> check_sizes(const Config& config) {
  if (config.meta.size() > limits::kMetaBytes) {
    return bad_knob("meta", fmt::format("{} bytes long", config.meta.size()),
                    fmt::format("at most {} bytes long", limits::kMetaBytes), ErrorCode::too_large);
  }
  if (config.label.size() > limits::kLabelBytes) {
    return bad_knob("label", fmt::format("{} bytes long", config.label.size()),
                    fmt::format("at most {} bytes long", limits::kLabelBytes));
  }
  for (const Bytes& key : config.keys) {
    if (key.size() == 16 || key.size() == 24 || key.size() == 32) continue;
    return fail(ErrorCode::crypto,
                fmt::format("a key of keys is {} bytes long; it must be 16, 24 or 32 bytes long",
                            key.size()),
                "keys");
  }
  return {};
}

Result<void> check_advertise(const Config& config) {
  if (!config.advertise) return {};
  const IpAddress& ip = config.advertise->ip;
  if (!ip.is_unspecified() && !ip.is_multicast()) return {};
  return bad_knob("advertise", config.advertise->to_string(),
                  "an address that others can reach, neither unspecified nor multicast",
                  ErrorCode::no_address);
}

Result<void> check_dns_servers(const Config& config) {
  if (config.dns_servers.size() > limits::kNameServers) {
    return bad_knob("dns_servers", fmt::format("{} addresses long", config.dns_servers.size()),
                    fmt::format("at most {} addresses long", limits::kNameServers));
  }
  for (const Address& server : config.dns_servers) {
    const IpAddress& ip = server.ip;
    if (!ip.is_unspecified() && !ip.is_multicast() && ip.scope_id() == 0) continue;
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("dns_servers has {}; each must be the address of one machine, without a "
                    "zone",
                    server.to_string()),
        "dns_servers");
  }
  return {};
}

Result<void> check_probe_times(const Config& config) {
  const bool probing = config.probe_interval != Duration::zero();
  if (!probing || config.probe_timeout <= config.probe_interval) return {};
  return bad_knob("probe_timeout", format_duration(config.probe_timeout),
                  fmt::format("between 1ms and 10m and not above probe_interval ({})",
                              format_duration(config.probe_interval)));
}

Result<void> check_delegate_versions(const Config& config) {
  const std::uint8_t min = config.delegate_protocol_min;
  const std::uint8_t max = config.delegate_protocol_max;
  const std::uint8_t current = config.delegate_protocol_version;
  if (min > max) {
    return bad_knob("delegate_protocol_min", fmt::format("{}", min),
                    fmt::format("between 0 and 255 and not above delegate_protocol_max ({})", max));
  }
  if (min <= current && current <= max) return {};
  return bad_knob(
      "delegate_protocol_version", fmt::format("{}", current),
      fmt::format("between delegate_protocol_min ({}) and delegate_protocol_max ({})", min, max));
}

Result<void> check_packet_size(const Config& config) {
  const std::size_t needed =
      own_packet_bytes(config.name.size(), config.meta.size(), config.label.size());
  if (config.udp_buffer_size >= needed) return {};
  // It is the meta data that does not fit, or the name and the label alone are too long.
  const bool fits_without_meta = config.udp_buffer_size >= needed - config.meta.size();
  return bad_knob("udp_buffer_size", fmt::format("{}", config.udp_buffer_size),
                  fmt::format("between 512 and 65507 and at least {} to hold this member's name, "
                              "meta data and label",
                              needed),
                  fits_without_meta ? ErrorCode::too_large : ErrorCode::invalid_argument);
}

}  // namespace

Result<void> check_own_meta(const Config& config, std::size_t meta_bytes) {
  if (meta_bytes > limits::kMetaBytes) {
    return fail(ErrorCode::too_large,
                fmt::format("meta data of {} bytes: at most {} are allowed", meta_bytes,
                            limits::kMetaBytes),
                "meta");
  }
  const std::size_t without = own_packet_bytes(config.name.size(), 0, config.label.size());
  if (without + meta_bytes <= config.udp_buffer_size) return {};
  return fail(ErrorCode::too_large,
              fmt::format("meta data of {} bytes: with udp_buffer_size {} at most {} fit into a "
                          "packet beside this member's name and label",
                          meta_bytes, config.udp_buffer_size, config.udp_buffer_size - without),
              "meta");
}

Config Config::for_profile(Profile profile) {
  Config config;
  switch (profile) {
    case Profile::lan:
      break;
    case Profile::wan:
      config.tcp_timeout = seconds(30);
      config.suspicion_mult = 6;
      config.push_pull_interval = seconds(60);
      config.probe_timeout = seconds(3);
      config.probe_interval = seconds(5);
      config.gossip_nodes = 4;
      config.gossip_interval = milliseconds(500);
      config.gossip_to_the_dead_time = seconds(60);
      break;
    case Profile::local:
      config.tcp_timeout = seconds(1);
      config.indirect_checks = 1;
      config.retransmit_mult = 2;
      config.suspicion_mult = 3;
      config.push_pull_interval = seconds(15);
      config.probe_timeout = milliseconds(200);
      config.gossip_interval = milliseconds(100);
      config.gossip_to_the_dead_time = seconds(15);
      break;
  }
  return config;
}

Result<void> Config::validate() const {
  for (const Knob& knob : knob_table()) {
    if (auto checked = check_knob(knob, *this); !checked) return checked;
  }
  for (const auto check : {check_name, check_sizes, check_advertise, check_dns_servers,
                           check_probe_times, check_delegate_versions, check_packet_size}) {
    if (auto checked = check(*this); !checked) return checked;
  }
  return {};
}

}  // namespace memberlist
