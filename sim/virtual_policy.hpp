#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "memberlist/engine.hpp"

namespace memberlist::sim {

/// A Policy made of functions; an unset one is the default.
class VirtualPolicy final : public Policy {
 public:
  std::function<Result<void>(const MemberRecord&)> on_alive = {};
  std::function<Result<void>(std::span<const MemberRecord>)> on_merge = {};
  std::function<void(std::size_t, std::size_t, std::vector<Bytes>&)> on_fill = {};
  std::function<Bytes(bool)> on_local_state = {};
  std::function<Bytes()> on_ack_payload = {};
  std::function<void(const MemberRecord&, Duration, BytesView)> on_ping = {};
  std::function<bool(const MemberRecord&)> on_tcp_ping = {};

  Result<void> notify_alive(const MemberRecord& peer) override {
    return on_alive ? on_alive(peer) : Policy::notify_alive(peer);
  }
  Result<void> notify_merge(std::span<const MemberRecord> peers) override {
    return on_merge ? on_merge(peers) : Policy::notify_merge(peers);
  }
  void fill_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
                       std::vector<Bytes>& messages) override {
    if (on_fill) return on_fill(overhead_bytes, limit_bytes, messages);
    Policy::fill_broadcasts(overhead_bytes, limit_bytes, messages);
  }
  Bytes local_state(bool join) override {
    return on_local_state ? on_local_state(join) : Policy::local_state(join);
  }
  Bytes ack_payload() override { return on_ack_payload ? on_ack_payload() : Policy::ack_payload(); }
  void notify_ping(const MemberRecord& peer, Duration round_trip, BytesView payload) override {
    if (on_ping) on_ping(peer, round_trip, payload);
  }
  bool allow_tcp_ping(const MemberRecord& peer) override {
    return on_tcp_ping ? on_tcp_ping(peer) : Policy::allow_tcp_ping(peer);
  }
};

}  // namespace memberlist::sim
