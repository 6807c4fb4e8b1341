#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/export.hpp"
#include "memberlist/member.hpp"

namespace memberlist {

/// Equal records of members, each once, for engines that know the same members: a record takes
/// more than all else that an engine holds of a member. Pass it in `EngineEnvironment::records`;
/// the members of a Runtime share one without being asked. What engines do does not depend on it.
///
/// It keeps no record alive: a record ends with the last engine, view or event that has it. Usable
/// from all threads.
class MEMBERLIST_API RecordStore {
 public:
  /// Peers choose what records contain, so the table is keyed: if they may be hostile, `secret`
  /// must come from a secure generator.
  explicit RecordStore(const std::array<std::byte, 16>& secret);
  RecordStore(const RecordStore&) = delete;
  RecordStore& operator=(const RecordStore&) = delete;
  ~RecordStore();  ///< records may outlive it

  /// The record with this content: the one that is in use, or a new one. Never null.
  [[nodiscard]] std::shared_ptr<const MemberRecord> record(std::string_view name,
                                                           const Address& address, BytesView meta,
                                                           const VersionRange& protocol,
                                                           const VersionRange& delegate_protocol);
  /// How many different records are in use.
  [[nodiscard]] std::size_t size() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace memberlist
