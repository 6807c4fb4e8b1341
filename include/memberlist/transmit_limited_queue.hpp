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
  /// At most 65,535 bytes; a longer one is finished at once, unsent. What fits a packet is
  /// `max_packet_payload()`; a longer one than that stays until it is pruned.
  Bytes message;
  /// It takes the place of the queued one of the same name. Empty: it is unique, and of none.
  std::string name{};
  /// Whether it makes a queued one senseless, of which it is told the name and the message. Asked
  /// about every queued one, so leave it unset where a name will do. Must not call the queue.
  std::function<bool(std::string_view name, BytesView message)> invalidates{};
  /// Called once, when it was sent often enough, replaced, invalidated, pruned or reset; on the
  /// thread whose call brought that about, without any lock held: it may call the queue.
  std::function<void()> finished{};
};

/// Messages of the application's own that ride on gossip, each sent a number of times that grows
/// with the logarithm of the cluster's size (protocol 7, Queue): what a cluster needs if whoever
/// hears a message passes it on. `Memberlist::broadcast` needs no such queue; this is for an
/// application with a dissemination of its own. It knows nothing of a list: fill packets from it in
/// `Policy::fill_broadcasts`.
///
///     class Gossip final : public memberlist::Policy {
///      public:
///       void fill_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
///                            std::vector<memberlist::Bytes>& messages) override {
///         queue.get_broadcasts(overhead_bytes, limit_bytes, messages);
///       }
///       // Who hears a message for the first time calls queue.queue({.message = ...}) in turn.
///       memberlist::TransmitLimitedQueue queue{[this] { return members.load(); }};
///       std::atomic<std::size_t> members{1};  // kept by the handler of member events
///     };
///
/// All calls are safe from every thread, and none waits for the network. Holds at most 8,192
/// messages of 64 MiB in all; beyond that those go that `prune` would drop.
class MEMBERLIST_API TransmitLimitedQueue {
 public:
  /// `member_count`: members of the cluster now, this one included; called by `get_broadcasts`.
  /// Each message is sent `retransmit_mult` * ceil(log10(members + 1)) times, and at least once.
  explicit TransmitLimitedQueue(std::function<std::size_t()> member_count,
                                std::uint32_t retransmit_mult = 4);
  TransmitLimitedQueue(const TransmitLimitedQueue&) = delete;
  TransmitLimitedQueue& operator=(const TransmitLimitedQueue&) = delete;
  /// What is still queued is dropped; its `finished` is not called.
  ~TransmitLimitedQueue();

  /// Queues a message; those that it replaces or invalidates are finished before this returns.
  void queue(Broadcast broadcast);
  /// Appends the messages for one packet: each costs its size + `overhead_bytes`, all together at
  /// most `limit_bytes`. Those sent least often come first, of these the longest that still fits,
  /// of equal length the newest. Each is counted as sent.
  void get_broadcasts(std::size_t overhead_bytes, std::size_t limit_bytes,
                      std::vector<Bytes>& messages);
  /// Messages that are queued now.
  [[nodiscard]] std::size_t num_queued() const;
  /// Drops messages down to `max_retained`: the most often sent first, of these the shortest.
  void prune(std::size_t max_retained);
  /// Drops everything.
  void reset();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace memberlist
