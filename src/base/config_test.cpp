#include "memberlist/config.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <variant>

#include <gtest/gtest.h>

#include "base/knob_table.hpp"

namespace memberlist {
namespace {

using namespace std::chrono_literals;

Config named(Config config = {}) {
  config.name = "a";
  return config;
}

// The subject and text of the error that `validate` gives.
Error error_of(const Config& config) {
  const auto checked = config.validate();
  EXPECT_FALSE(checked);
  return checked ? Error{} : checked.error();
}

TEST(Config, ProfilesAreThoseOfTheProtocol) {
  const Config lan = Config::lan();
  EXPECT_EQ(lan.tcp_timeout, 10s);
  EXPECT_EQ(lan.probe_timeout, 500ms);
  EXPECT_EQ(lan.gossip_interval, 200ms);
  EXPECT_EQ(lan.protocol_version, 2);  // what the Go library speaks by default
  const Config wan = Config::wan();
  EXPECT_EQ(wan.tcp_timeout, 30s);
  EXPECT_EQ(wan.suspicion_mult, 6U);
  EXPECT_EQ(wan.push_pull_interval, 60s);
  EXPECT_EQ(wan.probe_timeout, 3s);
  EXPECT_EQ(wan.probe_interval, 5s);
  EXPECT_EQ(wan.gossip_nodes, 4U);
  EXPECT_EQ(wan.gossip_interval, 500ms);
  EXPECT_EQ(wan.gossip_to_the_dead_time, 60s);
  const Config local = Config::local();
  EXPECT_EQ(local.tcp_timeout, 1s);
  EXPECT_EQ(local.indirect_checks, 1U);
  EXPECT_EQ(local.retransmit_mult, 2U);
  EXPECT_EQ(local.suspicion_mult, 3U);
  EXPECT_EQ(local.push_pull_interval, 15s);
  EXPECT_EQ(local.probe_timeout, 200ms);
  EXPECT_EQ(local.gossip_interval, 100ms);
  EXPECT_EQ(local.gossip_to_the_dead_time, 15s);
  for (const Profile profile : {Profile::lan, Profile::wan, Profile::local}) {
    EXPECT_TRUE(named(Config::for_profile(profile)).validate());
  }
}

TEST(ConfigValidate, NamesKnobValueAndLimits) {
  Config config = named();
  config.probe_timeout = 2s;
  const Error above = error_of(config);
  EXPECT_EQ(above.code, ErrorCode::invalid_argument);
  EXPECT_EQ(above.subject, "probe_timeout");
  EXPECT_EQ(
      above.message,
      "probe_timeout is 2s; it must be between 1ms and 10m and not above probe_interval (1s)");
  config.probe_interval = 0s;  // no probes: no relation to keep
  EXPECT_TRUE(config.validate());
  config.suspicion_mult = 0;
  EXPECT_EQ(error_of(config).message, "suspicion_mult is 0; it must be between 1 and 255");
  config = named();
  config.gossip_interval = 10us;
  EXPECT_EQ(error_of(config).message,
            "gossip_interval is 10us; it must be 0 (off) or between 1ms and 1h");
  config = named();
  config.protocol_version = 6;
  EXPECT_EQ(error_of(config).message, "protocol_version is 6; it must be between 1 and 5");
}

TEST(ConfigValidate, ChecksEveryKnobAtBothEnds) {
  for (const Knob& knob : knob_table()) {
    if (std::holds_alternative<bool Config::*>(knob.field)) continue;
    const auto with = [&knob](std::int64_t value) {
      Config config = named();
      std::visit(
          [&](auto field) {
            using Value = std::remove_reference_t<decltype(config.*field)>;
            config.*field = static_cast<Value>(value);
          },
          knob.field);
      return config;
    };
    EXPECT_TRUE(check_knob(knob, with(knob.min))) << knob.info.name;
    EXPECT_TRUE(check_knob(knob, with(knob.max))) << knob.info.name;
    const bool whole_byte = knob.min == 0 && knob.max == 255 &&
                            std::holds_alternative<std::uint8_t Config::*>(knob.field);
    if (!whole_byte) {
      EXPECT_EQ(error_of(with(knob.max + 1)).subject, knob.info.name);
    }
    if (knob.min > 0) {
      EXPECT_EQ(check_knob(knob, with(0)).has_value(), knob.zero_is_off) << knob.info.name;
    }
    if (knob.min > 1) {
      EXPECT_EQ(error_of(with(knob.min - 1)).subject, knob.info.name);
    }
  }
}

TEST(ConfigValidate, ChecksWhatIsNoKnob) {
  Config config;
  EXPECT_EQ(error_of(config).subject, "name");
  config.name = std::string(256, 'x');
  EXPECT_EQ(error_of(config).message, "name is 256 bytes long; it must be 1 to 255 bytes long");
  config = named();
  config.meta.resize(513);
  EXPECT_EQ(error_of(config).message, "meta is 513 bytes long; it must be at most 512 bytes long");
  config = named();
  config.label = std::string(256, 'l');
  EXPECT_EQ(error_of(config).subject, "label");
  config = named();
  config.advertise = Address{IpAddress::v4(0, 0, 0, 0), 1};
  EXPECT_EQ(error_of(config).subject, "advertise");
  const IpAddress zoned = IpAddress::parse("fe80::53%1").value_or(IpAddress());
  for (const Address& server :
       {Address{}, Address{IpAddress::v4(224, 0, 0, 1), 53}, Address{zoned, 53}}) {
    config = named();
    config.dns_servers = {{IpAddress::v4(10, 0, 0, 1), 0}, server};
    EXPECT_EQ(error_of(config).subject, "dns_servers");
  }
  config.dns_servers.assign(17, {IpAddress::v4(10, 0, 0, 1), 53});
  EXPECT_EQ(error_of(config).message,
            "dns_servers is 17 addresses long; it must be at most 16 addresses long");
  config.dns_servers.pop_back();
  EXPECT_TRUE(config.validate());
  for (const std::size_t size : {0U, 1U, 15U, 17U, 31U, 33U, 64U}) {
    config = named();
    config.keys = {Bytes(16), Bytes(size)};
    EXPECT_EQ(error_of(config).subject, "keys") << size;
  }
  config.keys = {Bytes(16), Bytes(24), Bytes(32)};
  EXPECT_TRUE(config.validate());
}

TEST(ConfigValidate, ChecksRelations) {
  Config config = named();
  config.delegate_protocol_min = 2;
  EXPECT_EQ(error_of(config).subject, "delegate_protocol_min");
  config.delegate_protocol_max = 5;
  EXPECT_EQ(error_of(config).subject, "delegate_protocol_version");
  config.delegate_protocol_version = 6;
  EXPECT_EQ(error_of(config).subject, "delegate_protocol_version");
  config.delegate_protocol_version = 4;
  EXPECT_TRUE(config.validate());
  config.udp_buffer_size = 512;
  EXPECT_TRUE(config.validate());
  config.meta.resize(512);
  EXPECT_EQ(error_of(config).subject, "udp_buffer_size");
}

TEST(ConfigSet, SetsEveryKind) {
  Config config;
  EXPECT_TRUE(config.set("probe_interval", "200ms"));
  EXPECT_EQ(config.probe_interval, 200ms);
  EXPECT_TRUE(config.set("push_pull_interval", "0"));
  EXPECT_EQ(config.push_pull_interval, 0s);
  EXPECT_TRUE(config.set("gossip_nodes", "7"));
  EXPECT_EQ(config.gossip_nodes, 7U);
  EXPECT_TRUE(config.set("protocol_version", "5"));
  EXPECT_EQ(config.protocol_version, 5);
  EXPECT_TRUE(config.set("enable_compression", "false"));
  EXPECT_FALSE(config.enable_compression);
}

TEST(ConfigSet, RefusesAndChangesNothing) {
  struct Case {
    const char* knob;
    const char* value;
    const char* message;
  };
  for (const auto& [knob, value, message] : std::initializer_list<Case>{
           {"probe_timout", "1s", "there is no knob \"probe_timout\"; did you mean probe_timeout?"},
           {"x", "1s", "there is no knob \"x\""},
           {"probe_timeout", "soon",
            "probe_timeout is \"soon\"; it must be a time (such as 250ms, 5s or 2m), between 1ms "
            "and 10m"},
           {"probe_timeout", "0", "probe_timeout is 0; it must be between 1ms and 10m"},
           {"gossip_nodes", "-1", "gossip_nodes is -1; it must be between 0 and 255"},
           {"gossip_nodes", "3x",
            "gossip_nodes is \"3x\"; it must be a whole number between 0 and 255"},
           {"protocol_version", "257", "protocol_version is 257; it must be between 1 and 5"},
           {"disable_tcp_pings", "yes", "disable_tcp_pings is \"yes\"; it must be true or false"},
       }) {
    Config config;
    const auto result = config.set(knob, value);
    ASSERT_FALSE(result) << knob;
    EXPECT_EQ(result.error().message, message);
    EXPECT_EQ(result.error().subject, knob);
    EXPECT_EQ(config.probe_timeout, 500ms);
    EXPECT_EQ(config.gossip_nodes, 3U);
    EXPECT_EQ(config.protocol_version, 2);
  }
}

TEST(Knobs, AreAllThatTheCommandLinePromises) {
  const std::set<std::string_view> promised = {"tcp_timeout",
                                               "indirect_checks",
                                               "retransmit_mult",
                                               "suspicion_mult",
                                               "suspicion_max_timeout_mult",
                                               "push_pull_interval",
                                               "probe_timeout",
                                               "probe_interval",
                                               "awareness_max_multiplier",
                                               "gossip_nodes",
                                               "gossip_interval",
                                               "gossip_to_the_dead_time",
                                               "protocol_version",
                                               "delegate_protocol_min",
                                               "delegate_protocol_max",
                                               "delegate_protocol_version",
                                               "enable_compression",
                                               "gossip_verify_incoming",
                                               "gossip_verify_outgoing",
                                               "skip_inbound_label_check",
                                               "disable_tcp_pings",
                                               "dead_node_reclaim_time",
                                               "require_node_names",
                                               "udp_buffer_size",
                                               "queue_check_interval",
                                               "handoff_queue_depth",
                                               "max_members"};
  std::set<std::string_view> present;
  for (const KnobInfo& knob : knobs()) {
    EXPECT_TRUE(present.insert(knob.name).second) << knob.name;
    EXPECT_FALSE(knob.meaning.empty());
  }
  // Others may come.
  EXPECT_TRUE(std::ranges::includes(present, promised));
}

// As a table shows them, e.g. `0 (off) or 1ms to 1h`.
std::string limits_of(const Knob& knob) {
  if (std::holds_alternative<bool Config::*>(knob.field)) return "true or false";
  const bool time = std::holds_alternative<Duration Config::*>(knob.field);
  const auto text = [time](std::int64_t value) {
    return time ? format_duration(Duration(value)) : std::to_string(value);
  };
  return (knob.zero_is_off ? "0 (off) or " : "") + text(knob.min) + " to " + text(knob.max);
}

TEST(Knobs, ShowTheLimitsThatAreChecked) {
  for (const Knob& knob : knob_table()) {
    EXPECT_EQ(knob.info.limits, limits_of(knob)) << knob.info.name;
  }
}

}  // namespace
}  // namespace memberlist
