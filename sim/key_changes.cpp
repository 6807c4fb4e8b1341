#include "sim/key_changes.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "memberlist/key.hpp"
#include "sim/fault_rules.hpp"

namespace memberlist::sim {
namespace {

constexpr std::size_t kKeyBytes = 32;
/// Who could not be reached is tried again after this time.
constexpr Duration kPatience = std::chrono::seconds(1);

}  // namespace

Bytes KeyChanges::key(std::size_t number) {
  Bytes bytes(kKeyBytes, std::byte{0x5e});
  for (std::size_t i = 0; i < sizeof number; ++i) {
    bytes[i] ^= static_cast<std::byte>(number >> (8 * i));
  }
  return bytes;
}

void KeyChanges::change(Duration step, Random random) {
  changes_.push_back({.step = step, .random = random});
  if (changes_.size() == 1) begin_step();
}

void KeyChanges::begin_step() {
  Change& change = changes_.front();
  keys_ = {key(key_), key(key_ + 1)};
  if (change.steps_done > 0) std::ranges::reverse(keys_);
  if (change.steps_done == kKeySteps - 1) keys_.pop_back();
  ++steps_;
  population_.set_keys(keys_);
  for (NodeId node = 0; node < population_.size(); ++node) {
    world_.after(change.random.below(change.step),
                 [this, node, step = steps_] { visit(node, step); });
  }
  world_.after(change.step, [this] { end_step(); });
}

void KeyChanges::visit(NodeId node, std::size_t step) {
  if (step != steps_ || !world_.running(node)) return;
  if (population_.is_reached(node)) return apply(node);
  world_.after(kPatience, [this, node, step] { visit(node, step); });
}

/// Not before all have done it.
void KeyChanges::end_step() {
  for (NodeId node = 0; node < population_.size(); ++node) {
    if (world_.running(node) && !is_up_to_date(node)) {
      return world_.after(kPatience, [this] { end_step(); });
    }
  }
  if (++changes_.front().steps_done < kKeySteps) {
    return world_.after(kKeyPause, [this] { begin_step(); });
  }
  ++key_;
  changes_.pop_front();
  if (!changes_.empty()) world_.after(kKeyPause, [this] { begin_step(); });
}

void KeyChanges::apply(NodeId node) {
  // Each is accepted: there are two keys at most.
  static_cast<void>(world_.act(node, [&](Engine& engine, TimePoint) {
    Result<void> done;
    for (const Bytes& key : keys_) {
      if (done) done = engine.add_key(key);
    }
    if (done) done = engine.use_key(keys_.front());
    for (const KeyInfo& info : engine.keys()) {
      const bool wanted = std::ranges::any_of(
          keys_, [&](const Bytes& key) { return key_fingerprint(key) == info.fingerprint; });
      if (done && !wanted) done = engine.remove_key(info.fingerprint);
    }
    return done;
  }));
}

bool KeyChanges::is_up_to_date(NodeId node) const {
  return std::ranges::equal(std::as_const(world_).engine(node).keys(), keys_, {},
                            &KeyInfo::fingerprint,
                            [](const Bytes& key) { return key_fingerprint(key); });
}

}  // namespace memberlist::sim
