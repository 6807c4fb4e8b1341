// A cache that is divided among its members. Each member announces in its meta data how much it can
// hold, relative to the others: its weight. The owner of a key (ring.hpp) loads and keeps its
// value; any other member answers with the owner's name, so that the client asks there. When
// members come, go or change their weight, few keys get another owner, and only those have to be
// loaded again.
//
// Members may disagree about an owner for a moment. Then a client is sent on once more, or a key is
// loaded twice: right for a cache, not for locks.

#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "await.hpp"
#include "memberlist/memberlist.hpp"
#include "ring.hpp"

namespace ml = memberlist;

namespace {

// The part of one member. The handler's thread and others use it.
class Cache {
 public:
  explicit Cache(std::string name) : name_(std::move(name)) {}

  struct Answer {
    std::string owner;
    std::optional<std::string> value;  // if this member is the owner
  };
  Answer get(const std::string& key) {
    const std::lock_guard lock(mutex_);
    Answer answer{ring_.owner(key), std::nullopt};
    if (answer.owner != name_) return answer;
    const auto [entry, is_new] = values_.try_emplace(key);
    if (is_new) {
      entry->second = "value-of-" + key;  // here it would ask a database
      ++loads_;
    }
    answer.value = entry->second;
    return answer;
  }

  // Uses the ring of these members from now on, and drops what others own.
  void follow(const ml::MemberSnapshot& members) {
    const std::lock_guard lock(mutex_);
    ring_ = examples::Ring(members);
    std::erase_if(values_, [&](const auto& entry) { return ring_.owner(entry.first) != name_; });
  }

  [[nodiscard]] examples::Ring ring() const {
    const std::lock_guard lock(mutex_);
    return ring_;
  }
  [[nodiscard]] int take_loads() {
    const std::lock_guard lock(mutex_);
    return std::exchange(loads_, 0);
  }

 private:
  const std::string name_;
  mutable std::mutex mutex_;  // for what follows
  examples::Ring ring_;
  std::map<std::string, std::string> values_;
  int loads_ = 0;
};

struct Node {
  std::string name;
  std::shared_ptr<Cache> cache;
  std::unique_ptr<ml::Memberlist> list;
};

bool add(std::vector<Node>& nodes, const std::string& name, const std::string& weight) {
  const auto cache = std::make_shared<Cache>(name);
  ml::Config config = ml::Config::local();  // timings for members on one machine
  config.name = name;
  config.bind = {ml::IpAddress::v4(127, 0, 0, 1), 0};
  config.meta = ml::to_bytes(weight);
  ml::Handlers handlers;
  // Once for a batch, whatever is in it: many members may come or go at the same time. The first
  // one contains the `join` of this member itself.
  handlers.on_events = [cache](ml::Memberlist& list, std::span<const ml::Event>) {
    cache->follow(list.members());
  };
  auto list = ml::Memberlist::create(std::move(config), std::move(handlers));
  if (!list) return false;
  nodes.push_back({name, cache, std::make_unique<ml::Memberlist>(std::move(*list))});
  const std::string seed = nodes.front().list->local_address().to_string();
  return nodes.size() == 1 || nodes.back().list->join({seed}).has_value();
}

// As a client does it: ask anyone, and then whom that one names.
std::optional<std::string> read(const std::vector<Node>& nodes, std::size_t first,
                                const std::string& key) {
  const Cache::Answer answer = nodes[first].cache->get(key);
  if (answer.value) return answer.value;
  for (const Node& node : nodes) {
    if (node.name == answer.owner) return node.cache->get(key).value;
  }
  return std::nullopt;
}

// Waits until all agree about the owners, reads 1,000 keys, and shows who had to load how many.
bool read_all(const std::vector<Node>& nodes, const std::string& what) {
  const bool agree = examples::await([&] {
    const examples::Ring first(nodes.front().list->members());
    for (const Node& node : nodes) {
      const examples::Ring ring = node.cache->ring();
      if (ring.size() != nodes.size() || ring != first) return false;
      if (ring != examples::Ring(node.list->members())) return false;
    }
    return true;
  });
  if (!agree) return false;
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::string key = "key-" + std::to_string(i);
    if (read(nodes, i % nodes.size(), key) != "value-of-" + key) return false;
  }
  std::string line = what;
  for (const Node& node : nodes) {
    line += ' ' + node.name + '=' + std::to_string(node.cache->take_loads());
  }
  std::cout << line + '\n';
  return true;
}

}  // namespace

int main() {
  std::vector<Node> nodes;
  if (!add(nodes, "a", "1") || !add(nodes, "b", "1") || !add(nodes, "c", "2")) return 1;
  if (!read_all(nodes, "at first:") || !read_all(nodes, "again:")) return 1;
  if (!add(nodes, "d", "1") || !read_all(nodes, "d joins:")) return 1;
  (void)nodes[2].list->update_meta(ml::as_bytes("1"));
  if (!read_all(nodes, "c has less room:")) return 1;
  (void)nodes.back().list->leave();
  nodes.pop_back();
  return read_all(nodes, "d leaves:") ? 0 : 1;
}
