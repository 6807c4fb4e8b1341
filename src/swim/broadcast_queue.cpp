#include "swim/broadcast_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/limits.hpp"

// Each update rides on several packets until it was sent often enough, about log(n) times, to reach
// all members with high probability. So a queue has an order by how often each message was sent:
//
//     sent:   0        1        2  ...   limit: dropped, and its token is finished
//           [a b c]  [d e]    [f]
//
// A packet is filled from the left with whatever still fits; what it takes moves one tier to the
// right. Within a tier the longest goes first (or the oldest, for user messages). A newer update
// about the same member, or of the same name, replaces the queued one and starts at the left.
// Messages are in slots that keep their memory, and the order is a set of small keys.
namespace memberlist::swim {
namespace {

// How many messages that do not fit `Order::oldest_first` passes over for one packet. It bounds
// the work where many large messages wait.
constexpr std::size_t kPassedOverPerPacket = 32;

std::uint64_t mix(std::uint64_t value) noexcept {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

// The longest first.
std::uint32_t rank_of_length(std::size_t length) noexcept {
  return std::numeric_limits<std::uint32_t>::max() -
         static_cast<std::uint32_t>(std::min(length, limits::kCompoundPartBytes));
}

}  // namespace

void BroadcastQueue::queue_member(std::uint32_t member_key, BytesView message, BroadcastToken token,
                                  std::uint64_t input) {
  queue(member_key_of(member_key), message, token, input);
}

void BroadcastQueue::queue_named(std::string_view name, BytesView message, BroadcastToken token,
                                 std::uint64_t input) {
  queue(named_key_of(name), message, token, input);
}

void BroadcastQueue::queue_unique(BytesView message, BroadcastToken token, std::uint64_t input) {
  queue({}, message, token, input);
}

BroadcastQueue::Key BroadcastQueue::member_key_of(std::uint32_t member_key) noexcept {
  return {.kind = KeyKind::member, .member_key = member_key, .hash = mix(member_key)};
}

BroadcastQueue::Key BroadcastQueue::named_key_of(std::string_view name) const {
  return {.kind = KeyKind::named, .name = name, .hash = hash_(name)};
}

void BroadcastQueue::queue(const Key& key, BytesView message, BroadcastToken token,
                           std::uint64_t input) {
  if (message.size() > limits::kCompoundPartBytes) {
    if (token != 0) finished_.push_back(token);
    return;
  }
  std::uint32_t index = find(key);
  const bool replaces = index != kNoSlot;
  if (replaces) {
    if (key.kind == KeyKind::member && token == 0) token = take_token(messages_.slots[index]);
    finish_token(messages_.slots[index]);
    bytes_ -= messages_.slots[index].message.size();
  } else {
    index = take_slot(key);
  }
  Slot& slot = messages_.slots[index];
  // The copy comes first: the processor then waits for it and for the old place together.
  slot.message.assign(message.begin(), message.end());
  if (replaces) spare_nodes_.push_back(messages_.order.extract(slot.place));
  slot.token = token;
  slot.input = input;
  if (token != 0) ++waited_for_;
  bytes_ += message.size();
  const std::uint64_t age = next_age_++;
  if (order_ == Order::largest_first) {
    insert({.rank = rank_of_length(message.size()), .age = ~age, .slot = index});
  } else {
    insert({.age = age, .slot = index});
  }
}

void BroadcastQueue::insert(Place place) {
  if (spare_nodes_.empty()) {
    messages_.slots[place.slot].place = messages_.order.insert(messages_.order.begin(), place);
    return;
  }
  OrderIndex::node_type node = std::move(spare_nodes_.back());
  spare_nodes_.pop_back();
  node.value() = place;
  // The newest is before all others, unless a longer one waits.
  messages_.slots[place.slot].place =
      messages_.order.insert(messages_.order.begin(), std::move(node));
}

std::uint32_t BroadcastQueue::take_slot(const Key& key) {
  const std::uint32_t index = free_slot();
  Slot& slot = messages_.slots[index];
  slot.name.assign(key.name);
  slot.hash = key.hash;
  slot.member_key = key.member_key;
  slot.kind = key.kind;
  if (key.kind != KeyKind::unique) by_key_.insert(key.hash, index, slot_hash());
  return index;
}

std::uint32_t BroadcastQueue::free_slot() {
  if (free_slots_.empty()) {
    messages_.slots.emplace_back();
    free_slots_.reserve(messages_.slots.capacity());  // so that ending a message never allocates
    spare_nodes_.reserve(messages_.slots.capacity());
    return static_cast<std::uint32_t>(messages_.slots.size() - 1);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

void BroadcastQueue::take(std::size_t overhead_bytes, std::size_t limit_bytes,
                          std::uint32_t retransmit_limit, std::vector<BytesView>& out,
                          std::uint32_t copies, std::vector<std::uint64_t>* inputs) {
  if (order_ == Order::largest_first) {
    take_largest_first(overhead_bytes, limit_bytes);
  } else {
    take_oldest_first(overhead_bytes, limit_bytes);
  }
  // Back only now, one tier on, so that no message rides twice on a packet.
  for (OrderIndex::node_type& node : taken_) {
    Place& place = node.value();
    out.emplace_back(messages_.slots[place.slot].message);
    if (inputs != nullptr) inputs->push_back(messages_.slots[place.slot].input);
    place.transmits += copies;
    if (place.transmits >= retransmit_limit) {
      release(std::move(node));
    } else {
      const std::uint32_t slot = place.slot;
      messages_.slots[slot].place = messages_.order.insert(std::move(node)).position;
    }
  }
  taken_.clear();
}

void BroadcastQueue::take_largest_first(std::size_t overhead_bytes, std::size_t room) {
  auto at = messages_.order.begin();
  while (at != messages_.order.end() && room >= overhead_bytes) {
    const std::uint32_t tier = at->transmits;
    at = messages_.order.lower_bound(
        Place{.transmits = tier, .rank = rank_of_length(room - overhead_bytes)});
    if (at == messages_.order.end() || at->transmits != tier) {
      continue;  // nothing fits in this tier
    }
    room -= cost(*at, overhead_bytes);
    const auto next = std::next(at);
    taken_.push_back(messages_.order.extract(at));
    at = next;
  }
}

void BroadcastQueue::take_oldest_first(std::size_t overhead_bytes, std::size_t room) {
  std::size_t passed_over = 0;
  auto at = messages_.order.begin();
  while (at != messages_.order.end() && room >= overhead_bytes &&
         passed_over < kPassedOverPerPacket) {
    const auto next = std::next(at);
    if (const std::size_t needed = cost(*at, overhead_bytes); needed <= room) {
      room -= needed;
      taken_.push_back(messages_.order.extract(at));
    } else {
      ++passed_over;
    }
    at = next;
  }
}

void BroadcastQueue::prune(std::size_t max_retained, std::size_t max_bytes) {
  while (messages_.order.size() > max_retained || bytes_ > max_bytes) {
    drop(std::prev(messages_.order.end()));
  }
}

void BroadcastQueue::forget_member(std::uint32_t member_key) {
  if (const std::uint32_t slot = find(member_key_of(member_key)); slot != kNoSlot) {
    drop(messages_.slots[slot].place);
  }
}

void BroadcastQueue::reset() {
  prune(0);
  spare_nodes_.clear();
  spare_nodes_.shrink_to_fit();
  messages_.slots.clear();
  messages_.slots.shrink_to_fit();
  free_slots_.clear();
  free_slots_.shrink_to_fit();
  by_key_.clear();
}

void BroadcastQueue::trim() {
  constexpr std::size_t kFewSlots = 64;
  if (messages_.slots.size() <= kFewSlots || 4 * size() > messages_.slots.size()) return;
  std::vector<std::uint32_t> used;
  for (const Place& place : messages_.order) used.push_back(place.slot);
  std::ranges::sort(used);
  Messages rest;
  rest.slots.reserve(used.size());
  for (const std::uint32_t index : used) {
    OrderIndex::node_type node = messages_.order.extract(messages_.slots[index].place);
    node.value().slot = static_cast<std::uint32_t>(rest.slots.size());
    rest.slots.push_back(std::move(messages_.slots[index]));
    rest.slots.back().place = rest.order.insert(std::move(node)).position;
  }
  messages_ = std::move(rest);
  by_key_.clear();
  for (std::uint32_t index = 0; index < used.size(); ++index) {
    const Slot& slot = messages_.slots[index];
    if (slot.kind != KeyKind::unique) by_key_.insert(slot.hash, index, slot_hash());
  }
  free_slots_ = std::vector<std::uint32_t>();
  free_slots_.reserve(messages_.slots.capacity());
  spare_nodes_ = Nodes();
  spare_nodes_.reserve(messages_.slots.capacity());
}

void BroadcastQueue::finish_tokens() {
  if (waited_for_ == 0) return;
  for (Slot& slot : messages_.slots) finish_token(slot);
}

BroadcastToken BroadcastQueue::take_token(Slot& slot) {
  if (slot.token != 0) --waited_for_;
  return std::exchange(slot.token, 0);
}

void BroadcastQueue::finish_token(Slot& slot) {
  if (const BroadcastToken token = take_token(slot); token != 0) finished_.push_back(token);
}

void BroadcastQueue::drain_finished(std::vector<BroadcastToken>& out) {
  out.insert(out.end(), finished_.begin(), finished_.end());
  finished_.clear();
}

void BroadcastQueue::drop(OrderIndex::iterator place) { release(messages_.order.extract(place)); }

void BroadcastQueue::release(OrderIndex::node_type node) {
  const std::uint32_t index = node.value().slot;
  Slot& slot = messages_.slots[index];
  if (slot.kind != KeyKind::unique) by_key_.erase(slot.hash, index, slot_hash());
  finish_token(slot);
  bytes_ -= slot.message.size();  // the bytes stay: views of the last packet may see them
  free_slots_.push_back(index);
  spare_nodes_.push_back(std::move(node));
}

std::uint32_t BroadcastQueue::find(const Key& key) const {
  if (key.kind == KeyKind::unique) return kNoSlot;
  return by_key_.find(key.hash, [&](std::uint32_t index) {
    const Slot& slot = messages_.slots[index];
    return slot.hash == key.hash && slot.kind == key.kind && slot.member_key == key.member_key &&
           slot.name == key.name;
  });
}

}  // namespace memberlist::swim
