#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/field_count.hpp"
#include "memberlist/behaviour.hpp"
#include "memberlist/config.hpp"
#include "memberlist/sim/scenario.hpp"

// The keys of a scenario's file that are plain values. Reading and writing go through these lists.
namespace memberlist::cli {

/// The largest number of measured latencies in a file.
inline constexpr std::size_t kMaxMeasured = 1024;
/// The largest spread of a log-normal latency.
inline constexpr double kLargestSigma = 3;

/// A key, and what it sets.
template <class T>
struct ScenarioField {
  std::string_view key;
  std::variant<Duration T::*, std::optional<Duration> T::*, double T::*, std::size_t T::*,
               std::optional<std::size_t> T::*, bool T::*>
      member;
};

/// The fields of a table, beside those that are no plain values.
template <class T>
inline constexpr std::array<ScenarioField<T>, 0> kFieldsOf{};

template <>
inline constexpr auto kFieldsOf<sim::Scenario> = std::to_array<ScenarioField<sim::Scenario>>({
    {"nodes", &sim::Scenario::nodes},
    {"formed", &sim::Scenario::formed},
    {"join_within", &sim::Scenario::join_within},
    {"go_nodes", &sim::Scenario::go_nodes},
    {"zones", &sim::Scenario::zones},
    {"encrypted", &sim::Scenario::encrypted},
    {"lasts", &sim::Scenario::lasts},
    {"heal_at_end", &sim::Scenario::heal_at_end},
});

/// Beside `choices`, which come first.
template <>
inline constexpr auto kFieldsOf<Behaviour> = std::to_array<ScenarioField<Behaviour>>({
    {"lha_probe", &Behaviour::lha_probe},
    {"lha_suspicion", &Behaviour::lha_suspicion},
    {"buddy_system", &Behaviour::buddy_system},
    {"stall_rule", &Behaviour::stall_rule},
    {"nack_percent", &Behaviour::nack_percent},
    {"slowed_interval", &Behaviour::slowed_interval},
    {"scaled_timeout", &Behaviour::scaled_timeout},
    {"chosen_helpers", &Behaviour::chosen_helpers},
    {"skipped_accused", &Behaviour::skipped_accused},
    {"late_acks", &Behaviour::late_acks},
    {"unnamed_merges", &Behaviour::unnamed_merges},
    {"checked_takeover", &Behaviour::checked_takeover},
    {"tombstones", &Behaviour::tombstones},
    {"told_contacts", &Behaviour::told_contacts},
    {"told_dead", &Behaviour::told_dead},
    {"answered_accusers", &Behaviour::answered_accusers},
    {"living_targets", &Behaviour::living_targets},
    {"same_news", &Behaviour::same_news},
    {"user_turns", &Behaviour::user_turns},
    {"push_pull_after_join", &Behaviour::push_pull_after_join},
    {"told_once_by_newcomers", &Behaviour::told_once_by_newcomers},
    {"parallel_joins", &Behaviour::parallel_joins},
    {"prompt_leave", &Behaviour::prompt_leave},
    {"counts_the_living", &Behaviour::counts_the_living},
});
static_assert(kFieldsOf<Behaviour>.size() == field_count<Behaviour>(),
              "each switch is a key of a file");

/// Beside `latency`, which may be a table.
template <>
inline constexpr auto kFieldsOf<sim::Link> = std::to_array<ScenarioField<sim::Link>>({
    {"jitter", &sim::Link::jitter},
    {"loss", &sim::Link::loss},
    {"duplicate", &sim::Link::duplicate},
    {"reorder", &sim::Link::reorder},
    {"reorder_delay", &sim::Link::reorder_delay},
    {"corrupt", &sim::Link::corrupt},
    {"mtu", &sim::Link::mtu},
    {"bandwidth", &sim::Link::bandwidth},
    {"queue_bytes", &sim::Link::queue_bytes},
    {"udp_cut", &sim::Link::udp_cut},
    {"udp_refused", &sim::Link::udp_refused},
    {"tcp_cut", &sim::Link::tcp_cut},
    {"tcp_refused", &sim::Link::tcp_refused},
    {"tcp_stall", &sim::Link::tcp_stall},
    {"tcp_reset", &sim::Link::tcp_reset},
    {"tcp_half_close", &sim::Link::tcp_half_close},
});

template <>
inline constexpr auto kFieldsOf<sim::Bursts> = std::to_array<ScenarioField<sim::Bursts>>({
    {"begin", &sim::Bursts::begin},
    {"end", &sim::Bursts::end},
    {"loss", &sim::Bursts::loss},
});

/// Beside `kind`, `nodes` and `direction`.
template <>
inline constexpr auto kFieldsOf<sim::Fault> = std::to_array<ScenarioField<sim::Fault>>({
    {"at", &sim::Fault::at},
    {"lasts", &sim::Fault::lasts},
    {"rate", &sim::Fault::rate},
    {"time", &sim::Fault::time},
    {"every", &sim::Fault::every},
    {"bytes", &sim::Fault::bytes},
    {"udp", &sim::Fault::udp},
    {"tcp", &sim::Fault::tcp},
});

template <>
inline constexpr auto kFieldsOf<sim::Expectations> =
    std::to_array<ScenarioField<sim::Expectations>>({
        {"detected_within", &sim::Expectations::detected_within},
        {"converged_within", &sim::Expectations::converged_within},
        {"false_positives", &sim::Expectations::false_positives},
    });

/// A knob, and what it is in a Config.
struct KnobField {
  std::string_view knob;
  std::variant<Duration Config::*, std::uint32_t Config::*, std::uint8_t Config::*, bool Config::*>
      member;
};

/// Every knob of `knobs()`, to write those that differ from the profile.
inline constexpr KnobField kKnobFields[] = {
    {"tcp_timeout", &Config::tcp_timeout},
    {"indirect_checks", &Config::indirect_checks},
    {"retransmit_mult", &Config::retransmit_mult},
    {"suspicion_mult", &Config::suspicion_mult},
    {"suspicion_max_timeout_mult", &Config::suspicion_max_timeout_mult},
    {"push_pull_interval", &Config::push_pull_interval},
    {"probe_timeout", &Config::probe_timeout},
    {"probe_interval", &Config::probe_interval},
    {"awareness_max_multiplier", &Config::awareness_max_multiplier},
    {"gossip_nodes", &Config::gossip_nodes},
    {"gossip_interval", &Config::gossip_interval},
    {"gossip_to_the_dead_time", &Config::gossip_to_the_dead_time},
    {"dead_node_reclaim_time", &Config::dead_node_reclaim_time},
    {"queue_check_interval", &Config::queue_check_interval},
    {"handoff_queue_depth", &Config::handoff_queue_depth},
    {"udp_buffer_size", &Config::udp_buffer_size},
    {"max_members", &Config::max_members},
    {"protocol_version", &Config::protocol_version},
    {"delegate_protocol_min", &Config::delegate_protocol_min},
    {"delegate_protocol_max", &Config::delegate_protocol_max},
    {"delegate_protocol_version", &Config::delegate_protocol_version},
    {"enable_compression", &Config::enable_compression},
    {"gossip_verify_incoming", &Config::gossip_verify_incoming},
    {"gossip_verify_outgoing", &Config::gossip_verify_outgoing},
    {"skip_inbound_label_check", &Config::skip_inbound_label_check},
    {"disable_tcp_pings", &Config::disable_tcp_pings},
    {"require_node_names", &Config::require_node_names},
};

/// The words of a closed choice, each with its value.
template <class T>
struct ScenarioWord {
  std::string_view word;
  T value;
};

inline constexpr ScenarioWord<Profile> kProfileWords[] = {
    {"lan", Profile::lan}, {"wan", Profile::wan}, {"local", Profile::local}};
inline constexpr ScenarioWord<sim::CheckLevel> kCheckWords[] = {
    {"none", sim::CheckLevel::none},
    {"cluster", sim::CheckLevel::cluster},
    {"packets", sim::CheckLevel::packets},
    {"inside", sim::CheckLevel::inside}};
inline constexpr ScenarioWord<Behaviour> kChoiceWords[] = {{"own", Behaviour{}},
                                                           {"go", Behaviour::go()}};
inline constexpr ScenarioWord<sim::Fault::Direction> kDirectionWords[] = {
    {"both", sim::Fault::Direction::both},
    {"incoming", sim::Fault::Direction::incoming},
    {"outgoing", sim::Fault::Direction::outgoing}};

}  // namespace memberlist::cli
