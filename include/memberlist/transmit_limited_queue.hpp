#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/bytes.hpp"
#include "memberlist/export.hpp"

namespace memberlist {

/// One message for a TransmitLimitedQueue.
struct Broadcast {
  /// At most 65,535 bytes; a longer message is finished at once, unsent. A message must fit a
  /// packet (`max_packet_payload()`) to be sent; a longer one stays until it is pruned.
  Bytes message{};
  /// Replaces the queued message of the same name. Empty: the message is unique and replaces none.
  std::string name{};
  /// Whether this message makes a queued one obsolete, given its name and message. Called for every
  /// queued message, so leave it unset if a name is enough. Must not call the queue.
  std::function<bool(std::string_view name, BytesView message)> invalidates{};
  /// Called once, when the message was sent often enough, replaced, invalidated, pruned or reset;
  /// on the thread whose call caused that, without any lock held, so it may call the queue.
  std::function<void()> finished{};
};

/// A queue of application messages that are piggybacked on gossip. Each is sent a number of times
/// that grows with the logarithm of the cluster's size (protocol 7, Queue), which is right if every
/// receiver passes the message on. `Memberlist::broadcast` needs no such queue; this one is for
/// applications with their own dissemination. It is independent of any Memberlist: fill packets
/// from it in `Policy::fill_broadcasts`.
///
///     class Gossip final : public memberlist::Policy {
///      public:
///       void fill_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
///                            std::vector<memberlist::Bytes>& messages) override {
///         queue.get_broadcasts(overhead_bytes, limit_bytes, messages);
///       }
///       // A receiver of a new message calls queue.queue({.message = ...}) to pass it on.
///       memberlist::TransmitLimitedQueue queue{[this] { return members.load(); }};
///       std::atomic<std::size_t> members{1};  // updated by the handler of member events
///     };
///
/// Thread-safe; no call blocks on the network. Holds at most 8,192 messages and 64 MiB; beyond that
/// it drops those that `prune` would drop.
class MEMBERLIST_API TransmitLimitedQueue {
 public:
  /// `member_count` returns the current number of members, including this one; called by
  /// `get_broadcasts`. Each message is sent `retransmit_mult` * ceil(log10(members + 1)) times, and
  /// at least once.
  explicit TransmitLimitedQueue(std::function<std::size_t()> member_count,
                                std::uint32_t retransmit_mult = 4);
  TransmitLimitedQueue(const TransmitLimitedQueue&) = delete;
  TransmitLimitedQueue& operator=(const TransmitLimitedQueue&) = delete;
  /// Drops queued messages without calling their `finished`.
  ~TransmitLimitedQueue();

  /// Queues a message; messages that it replaces or invalidates are finished before this returns.
  void queue(Broadcast broadcast);
  /// Appends the messages for one packet: each costs its size + `overhead_bytes`, in total at most
  /// `limit_bytes`. Messages sent least often come first, among these the longest that still fits,
  /// and with equal length the newest. Each is counted as sent.
  void get_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
                      std::vector<Bytes>& messages);
  /// Number of queued messages.
  [[nodiscard]] std::size_t num_queued() const;
  /// Drops messages until `max_retained` are left: the most often sent first, among these the
  /// shortest.
  void prune(std::size_t max_retained);
  /// Drops everything.
  void reset();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace memberlist
