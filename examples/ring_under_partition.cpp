// The test of an application: does its ring (ring.hpp) survive a network partition? Both halves
// have to go on without the other, and afterwards everything has to be as it was.
//
// All members are in this process, on a network in memory whose links can be cut. They run in real
// time, so the test waits for conditions, never for a fixed time. It ends with 0 if all is well.

#include <chrono>
#include <iostream>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "await.hpp"
#include "memberlist/memberlist.hpp"
#include "memberlist/memory_network.hpp"
#include "ring.hpp"

namespace ml = memberlist;

namespace {

// The application: a member, and the ring that it goes by.
class Server {
 public:
  Server(const ml::MemoryNetwork& network, const std::string& name) {
    ml::Config config = ml::Config::local();
    config.name = name;
    config.probe_interval = std::chrono::milliseconds(200);  // finds the dead sooner
    config.probe_timeout = std::chrono::milliseconds(100);
    ml::Handlers handlers;
    handlers.on_events = [view = view_](ml::Memberlist& own, std::span<const ml::Event>) {
      const std::lock_guard lock(view->mutex);
      view->ring = examples::Ring(own.members());
    };
    auto created = ml::Memberlist::create(std::move(config), std::move(handlers),
                                          {.runtime = {}, .transport = network.transport()});
    if (!created) throw std::runtime_error(created.error().message);
    list_ = std::make_unique<ml::Memberlist>(std::move(*created));
  }

  [[nodiscard]] ml::Address address() const { return list_->local_address(); }
  [[nodiscard]] const std::string& name() const { return list_->config().name; }
  [[nodiscard]] examples::Ring ring() const {
    const std::lock_guard lock(view_->mutex);
    return view_->ring;
  }
  // Whether the owner of the key, as this member sees it, is there to answer.
  [[nodiscard]] bool serves(const std::string& key) const {
    const std::string owner = ring().owner(key);
    return owner == name() || list_->ping(owner).has_value();
  }
  [[nodiscard]] bool join(const Server& other) const {
    const ml::JoinOutcome joined = list_->join({other.address().to_string()});
    if (!joined) std::cerr << joined.error().message << '\n';
    return joined.has_value();
  }

 private:
  struct View {
    std::mutex mutex;
    examples::Ring ring;
  };
  std::shared_ptr<View> view_ = std::make_shared<View>();
  std::unique_ptr<ml::Memberlist> list_;
};

using Servers = std::span<const Server>;
constexpr int kKeys = 100;

std::string key(int number) { return "key-" + std::to_string(number); }

// Whether these have the same ring, with as many members.
bool agree(Servers servers) {
  for (const Server& server : servers) {
    const examples::Ring ring = server.ring();
    if (ring.size() != servers.size() || ring != servers.front().ring()) return false;
  }
  return true;
}

bool all_serve(Servers servers) {
  for (const Server& server : servers) {
    for (int i = 0; i < kKeys; ++i) {
      if (!server.serves(key(i))) return false;
    }
  }
  return true;
}

// Whether each of these owns what it did before.
bool keep_their_keys(Servers servers, const examples::Ring& before) {
  for (int i = 0; i < kKeys; ++i) {
    for (const Server& server : servers) {
      const bool owned = before.owner(key(i)) == server.name();
      if (owned && server.ring().owner(key(i)) != server.name()) return false;
    }
  }
  return true;
}

void each_link(Servers left, Servers right, const auto& change) {
  for (const Server& one : left) {
    for (const Server& other : right) change(one.address(), other.address());
  }
}

bool failed = false;

void expect(const std::string& what, bool holds) {
  std::cout << (holds ? "ok: " : "FAILED: ") + what + '\n';
  failed = failed || !holds;
}

}  // namespace

int main() {
  ml::MemoryNetwork network;
  std::vector<Server> servers;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) servers.emplace_back(network, name);
  const Servers all(servers);
  const Servers left = all.first(3);
  const Servers right = all.last(3);

  for (const Server& server : all.subspan(1)) expect("joins", server.join(all.front()));
  expect("all have the same ring", examples::await([&] { return agree(all); }));
  expect("all serve", examples::await([&] { return all_serve(all); }));
  const examples::Ring before = all.front().ring();

  each_link(left, right, [&](const auto& one, const auto& other) { network.cut(one, other); });
  expect("each half has its own ring",
         examples::await([&] { return agree(left) && agree(right); }));
  expect("both halves serve", examples::await([&] { return all_serve(left) && all_serve(right); }));
  expect("only keys of the other half have moved", examples::await([&] {
           return keep_their_keys(left, before) && keep_their_keys(right, before);
         }));

  each_link(left, right, [&](const auto& one, const auto& other) { network.mend(one, other); });
  expect("one half joins the other again", right.front().join(left.front()));
  expect("the ring is the same again",
         examples::await([&] { return agree(all) && all.front().ring() == before; }));
  expect("all serve", examples::await([&] { return all_serve(all); }));
  return failed ? 1 : 0;
}
