#pragma once

#include <cstddef>
#include <cstdint>

#include "memberlist/time.hpp"

// How timings and amounts grow with the cluster (protocol sections 6 and 7). Pure functions.
namespace memberlist::swim {

/// How often a broadcast is sent among `n` members: mult * ceil(log10(n + 1)); 0 if `n` is 0.
[[nodiscard]] std::uint32_t retransmit_limit(std::uint32_t mult, std::size_t n) noexcept;

/// How long it takes until all of `n` members, or nearly all, have received an update: one gossip
/// tick for each transmission.
[[nodiscard]] Duration spreading_time(std::uint32_t retransmit_mult, std::size_t n,
                                      Duration gossip_interval) noexcept;

/// The shortest life of a suspicion among `n` members: mult * max(1, log10(n)) * interval, with
/// the logarithm's factor cut to three decimals.
[[nodiscard]] Duration suspicion_min_timeout(std::uint32_t mult, std::size_t n,
                                             Duration probe_interval) noexcept;

/// Life of a suspicion, from its start, after `confirmations` by distinct others of the `k` that
/// are expected (Lifeguard, dogpile): from `max` with none down to `min` with all, cut to
/// milliseconds. `min` if `k` is 0.
[[nodiscard]] Duration suspicion_timeout(std::uint32_t confirmations, std::uint32_t k, Duration min,
                                         Duration max) noexcept;

/// Time between push/pulls among `n` members: `base` up to 32, and once more for each doubling
/// that is begun.
[[nodiscard]] Duration push_pull_interval(Duration base, std::size_t n) noexcept;

/// How long a forgotten member's tombstone is kept: an hour, and at least ten push/pulls and two
/// rounds of probes among `n` members, during which all members learn of its end or detect it.
[[nodiscard]] Duration tombstone_time(Duration push_pull_base, Duration probe_interval,
                                      std::size_t n) noexcept;

/// The confirmations that shorten a suspicion to its minimum among `n` members:
/// suspicion_mult - 2, or 0 where the cluster is too small to give them.
[[nodiscard]] std::uint32_t expected_confirmations(std::uint32_t suspicion_mult,
                                                   std::size_t n) noexcept;

}  // namespace memberlist::swim
