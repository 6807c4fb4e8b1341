#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/flat_index.hpp"
#include "memberlist/bytes.hpp"
#include "swim/keyed_hash.hpp"

namespace memberlist::swim {

/// Identifies the operation that waits for a broadcast to be sent; 0 is none.
using BroadcastToken = std::uint64_t;

/// The broadcasts that wait to ride on packets (protocol section 7, Queue). Messages are whole
/// encoded messages, copied in once. Every call is O(log n) for each message that it touches, the
/// order is deterministic, and nothing is allocated beyond the largest fill since `trim`.
class BroadcastQueue {
 public:
  /// What goes first among messages that were sent equally often.
  enum class Order : std::uint8_t {
    largest_first,  ///< the longest, among equal lengths the newest: for membership
    oldest_first,   ///< as queued: for user messages, which should arrive in their order
  };

  /// Names may be what peers chose, so their table is keyed with a secret.
  explicit BroadcastQueue(Order order = Order::largest_first, const SipKey& key = {}) noexcept
      : order_(order), hash_{key} {}
  // A message that no compound can hold (over 65,535 bytes) is not queued; its token is finished.

  /// Queues an update about a member, replacing the queued one. Without its own token it takes over
  /// that of the replaced message: an operation that waits for the old update then waits for the
  /// new one. `input` is the number of the input that it comes from.
  void queue_member(std::uint32_t member_key, BytesView message, BroadcastToken token = 0,
                    std::uint64_t input = 0);
  /// Queues a message, replacing the one queued under that name (a separate name space).
  void queue_named(std::string_view name, BytesView message, BroadcastToken token = 0,
                   std::uint64_t input = 0);
  /// Queues a message that replaces nothing.
  void queue_unique(BytesView message, BroadcastToken token = 0, std::uint64_t input = 0);

  /// Appends to `out` the messages for one packet: each costs its size + `overhead_bytes`, all
  /// together at most `limit_bytes`. Those sent least often come first, and of these, by the
  /// order, all that still fit. Each is counted as sent in `copies` packets more, and is finished
  /// once it was sent `retransmit_limit` times. The views are valid until something is queued or
  /// reset. `inputs` gets the number that each message was queued with.
  void take(std::size_t overhead_bytes, std::size_t limit_bytes, std::uint32_t retransmit_limit,
            std::vector<BytesView>& out, std::uint32_t copies = 1,
            std::vector<std::uint64_t>* inputs = nullptr);

  /// Drops messages down to `max_retained` with `max_bytes` in all: the most often sent first, of
  /// these the last in order first.
  void prune(std::size_t max_retained,
             std::size_t max_bytes = std::numeric_limits<std::size_t>::max());
  /// Drops what is queued about a member.
  void forget_member(std::uint32_t member_key);
  /// Drops those for which `senseless(name, message)` returns true; messages without a name have an
  /// empty one.
  template <class Senseless>
  void drop_if(Senseless&& senseless);
  /// Drops everything, memory included; the tokens are finished.
  void reset();
  /// Gives back what a storm took, if less than a quarter of it is queued now; ends the views that
  /// `take` returned.
  void trim();

  [[nodiscard]] std::size_t size() const noexcept { return messages_.order.size(); }
  /// Sum of the queued messages' sizes.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return messages_.order.empty(); }

  /// No member is left that a message could reach: operations that wait for one are done.
  void finish_tokens();
  /// Appends the tokens of the messages that were sent out, replaced or dropped since the last
  /// call, each once, in that order.
  void drain_finished(std::vector<BroadcastToken>& out);

 private:
  static constexpr std::uint32_t kNoSlot = FlatIndex<>::kNone;

  enum class KeyKind : std::uint8_t { unique, member, named };

  // A message's place. `rank` holds the length and the age so that smaller goes first; `age` is
  // the never repeated number of its queueing, inverted where the newest goes first.
  struct Place {
    std::uint32_t transmits = 0;
    std::uint32_t rank = 0;
    std::uint64_t age = 0;
    std::uint32_t slot = 0;

    // No two have one age, so that it decides.
    friend bool operator<(const Place& a, const Place& b) noexcept {
      const std::uint64_t tier_a = a.tier();
      const std::uint64_t tier_b = b.tier();
      return tier_a != tier_b ? tier_a < tier_b : a.age < b.age;
    }

   private:
    [[nodiscard]] std::uint64_t tier() const noexcept {
      return std::uint64_t{transmits} << 32 | rank;
    }
  };
  using OrderIndex = std::set<Place>;
  struct Slot {
    Bytes message;  // keeps its capacity when the slot is free
    std::string name;
    BroadcastToken token = 0;
    std::uint64_t input = 0;
    std::uint64_t hash = 0;
    std::uint32_t member_key = 0;
    KeyKind kind = KeyKind::unique;
    OrderIndex::iterator place;
  };
  // What a message is queued under.
  struct Key {
    KeyKind kind = KeyKind::unique;
    std::uint32_t member_key = 0;
    std::string_view name{};
    std::uint64_t hash = 0;
  };

  static Key member_key_of(std::uint32_t member_key) noexcept;
  [[nodiscard]] Key named_key_of(std::string_view name) const;
  void queue(const Key& key, BytesView message, BroadcastToken token, std::uint64_t input);
  void insert(Place place);
  [[nodiscard]] std::uint32_t take_slot(const Key& key);
  [[nodiscard]] std::uint32_t free_slot();
  [[nodiscard]] BroadcastToken take_token(Slot& slot);
  void finish_token(Slot& slot);
  // Takes a message out of the order and ends it.
  void drop(OrderIndex::iterator place);
  // Ends a message that is out of the order already.
  void release(OrderIndex::node_type node);
  void take_largest_first(std::size_t overhead_bytes, std::size_t room);
  void take_oldest_first(std::size_t overhead_bytes, std::size_t room);
  [[nodiscard]] std::size_t cost(const Place& place, std::size_t overhead_bytes) const noexcept {
    return messages_.slots[place.slot].message.size() + overhead_bytes;
  }

  [[nodiscard]] std::uint32_t find(const Key& key) const;
  [[nodiscard]] auto slot_hash() const noexcept {
    return [this](std::uint32_t slot) { return messages_.slots[slot].hash; };
  }

  /// The order of messages and the slots that link to their places in it. A copy links to its own.
  struct Messages {
    OrderIndex order;
    std::vector<Slot> slots;

    Messages() = default;
    Messages(const Messages& other) : order(other.order), slots(other.slots) {
      for (auto place = order.begin(); place != order.end(); ++place) {
        slots[place->slot].place = place;
      }
    }
    Messages& operator=(const Messages&) = delete;
    Messages(Messages&&) = default;
    Messages& operator=(Messages&&) = default;
    ~Messages() = default;
  };
  /// Nodes of the order that are kept for reuse, which a copy does without.
  struct Nodes : std::vector<OrderIndex::node_type> {
    Nodes() = default;
    Nodes(const Nodes&) : Nodes() {}
    Nodes& operator=(const Nodes&) = delete;
    Nodes(Nodes&&) = default;
    Nodes& operator=(Nodes&&) = default;
    ~Nodes() = default;
  };

  Messages messages_;
  Nodes spare_nodes_;
  std::vector<std::uint32_t> free_slots_;
  FlatIndex<> by_key_;  // the slots, for replacing
  Nodes taken_;
  std::vector<BroadcastToken> finished_;
  std::size_t waited_for_ = 0;  // messages with a token
  std::size_t bytes_ = 0;
  std::uint64_t next_age_ = 0;
  Order order_;
  NameHash hash_;
};

template <class Senseless>
void BroadcastQueue::drop_if(Senseless&& senseless) {
  for (auto at = messages_.order.begin(); at != messages_.order.end();) {
    const auto here = at++;
    const Slot& slot = messages_.slots[here->slot];
    if (senseless(std::string_view(slot.name), BytesView(slot.message))) drop(here);
  }
}

}  // namespace memberlist::swim
