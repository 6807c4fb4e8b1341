#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "memberlist/address.hpp"
#include "memberlist/event.hpp"
#include "swim/suspicion.hpp"

namespace memberlist::swim {

/// What is known about the origin of a claim, without copying it. The public Cause is made of it
/// only if an event goes out.
struct Evidence {
  Cause::Kind kind = Cause::Kind::command;
  std::string_view accuser;
  const Address* source = nullptr;
  const Address* speaker = nullptr;  // set if the member at that address makes the claim itself
  bool first_join = false;  // the answer to a join by which this node learns of a cluster at all
  const Suspicion* suspicion = nullptr;
  std::uint32_t indirect_probes = 0;
  std::uint32_t nacks = 0;
  std::optional<std::uint64_t> began;  // the input at which it began, if that is an earlier one

  /// `input` is the number of the current one.
  [[nodiscard]] Cause to_cause(std::uint64_t input) const;
};

}  // namespace memberlist::swim
