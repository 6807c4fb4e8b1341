// Which member is in charge of which key: a ring of consistent hashing, kept up to date by member
// events. Each member puts itself at many places of the ring; a key belongs to the next member on
// the ring. When a member comes or goes only the keys that it gets, or had, change hands.
//
// Members may disagree for some seconds after a change, so a key can have two owners for a moment:
// right for caches and for sending work to the right place, not for locks.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "await.hpp"
#include "memberlist/memberlist.hpp"

namespace ml = memberlist;

namespace {

// The same on every machine, which std::hash does not promise: FNV-1a, its bits mixed at the end.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccd;
  return value ^ (value >> 33);
}

// The handler's thread changes it, others ask.
class Ring {
 public:
  // Made anew once for each batch, however many members came and went in it.
  void follow(const ml::Memberlist& list, std::span<const ml::Event> batch) {
    if (std::ranges::none_of(batch, &Ring::comes_or_goes)) return;
    std::map<std::uint64_t, std::string> ring;
    for (const ml::Member& member : list.members()) {
      // A suspect member keeps its keys: it may well refute.
      if (member.status != ml::MemberStatus::alive && member.status != ml::MemberStatus::suspect) {
        continue;
      }
      for (int i = 0; i < kPlaces; ++i) {
        ring[hash(member.name() + '#' + std::to_string(i))] = member.name();
      }
    }
    const std::lock_guard lock(mutex_);
    ring_ = std::move(ring);
  }

  [[nodiscard]] std::string owner(std::string_view key) const {
    const std::lock_guard lock(mutex_);
    if (ring_.empty()) return {};
    const auto next = ring_.lower_bound(hash(key));
    return next == ring_.end() ? ring_.begin()->second : next->second;
  }

 private:
  // Of any member, this one included.
  static bool comes_or_goes(const ml::Event& event) {
    const auto* change = std::get_if<ml::MemberEvent>(&event);
    return change != nullptr && (change->kind == ml::MemberEventKind::join ||
                                 change->kind == ml::MemberEventKind::leave);
  }

  static constexpr int kPlaces = 200;  // of a member: more make the shares more equal
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::string> ring_;
};

struct Node {
  std::shared_ptr<Ring> ring = std::make_shared<Ring>();
  std::unique_ptr<ml::Memberlist> list;
};

ml::Result<Node> start(const std::string& name) {
  Node node;
  ml::Config config = ml::Config::local();  // timings for members on one machine
  config.name = name;
  config.bind = {ml::IpAddress::v4(127, 0, 0, 1), 0};
  ml::Handlers handlers;
  handlers.on_events = [ring = node.ring](const ml::Memberlist& list,
                                          std::span<const ml::Event> batch) {
    ring->follow(list, batch);
  };
  auto list = ml::Memberlist::create(std::move(config), std::move(handlers));
  if (!list) return std::unexpected(list.error());
  node.list = std::make_unique<ml::Memberlist>(std::move(*list));
  return node;
}

constexpr int kKeys = 1000;

std::vector<std::string> owners(const Ring& ring) {
  std::vector<std::string> all;
  all.reserve(kKeys);
  for (int i = 0; i < kKeys; ++i) all.push_back(ring.owner("key-" + std::to_string(i)));
  return all;
}

// The shares of a, b, c and d; equal for all nodes that know the same members.
bool all_agree(const std::vector<Node>& nodes, std::size_t members) {
  std::map<std::string, int> shares;
  for (const std::string& owner : owners(*nodes.front().ring)) ++shares[owner];
  if (shares.size() != members) return false;
  for (const Node& node : nodes) {
    if (owners(*node.ring) != owners(*nodes.front().ring)) return false;
  }
  for (const auto& [name, share] : shares) {
    std::cout << name + " has " + std::to_string(share) + " keys\n";
  }
  return true;
}

}  // namespace

int main() {
  std::vector<Node> nodes;
  for (const char* name : {"a", "b", "c", "d"}) {
    auto node = start(name);
    if (!node) {
      std::cerr << node.error().message << '\n';
      return 1;
    }
    nodes.push_back(std::move(*node));
    if (nodes.size() == 1) continue;
    if (!nodes.back().list->join({nodes.front().list->local_address().to_string()})) return 1;
  }
  if (!examples::await([&] { return all_agree(nodes, 4); })) return 1;

  const auto before = owners(*nodes.front().ring);
  (void)nodes.back().list->leave();
  nodes.pop_back();
  std::cout << "d leaves\n";
  if (!examples::await([&] { return all_agree(nodes, 3); })) return 1;

  const auto after = owners(*nodes.front().ring);
  int moved = 0;
  int moved_from_d = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i]) continue;
    ++moved;
    if (before[i] == "d") ++moved_from_d;
  }
  std::cout << std::to_string(moved) + " keys moved, " + std::to_string(moved_from_d) +
                   " of them from d\n";
  return moved == moved_from_d ? 0 : 1;
}
