#pragma once

#include <array>
#include <cstddef>

#include "memberlist/member.hpp"
#include "swim/member_table.hpp"
#include "wire/messages.hpp"

namespace memberlist::swim {

/// The six version bytes of a record (protocol 4, `Vsn`).
[[nodiscard]] inline std::array<std::byte, 6> version_bytes(const MemberRecord& record) noexcept {
  return {std::byte{record.protocol.min},          std::byte{record.protocol.max},
          std::byte{record.protocol.current},      std::byte{record.delegate_protocol.min},
          std::byte{record.delegate_protocol.max}, std::byte{record.delegate_protocol.current}};
}

/// The alive message with what this node holds of a member. Its parts are views into the entry's
/// record and into this object.
class AliveMessage {
 public:
  explicit AliveMessage(const MemberEntry& entry) noexcept
      : entry_(entry), versions_(version_bytes(*entry.record)) {}

  [[nodiscard]] wire::Alive get() const noexcept {
    const MemberRecord& record = *entry_.record;
    return {entry_.incarnation,  record.name, record.address.ip.wire_bytes(),
            record.address.port, record.meta, versions_};
  }

 private:
  const MemberEntry& entry_;
  std::array<std::byte, 6> versions_;
};

}  // namespace memberlist::swim
