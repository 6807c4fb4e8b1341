#include <gtest/gtest.h>

#include <array>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

constexpr int kThreads = 16;
constexpr int kRounds = 16;
constexpr int kComings = 4;

// One round of everything that can be asked of a member.
void call_everything(Node& node, Node& other, int round) {
  const std::string text = "round " + std::to_string(round);
  (void)node->send(other->local_member().name(), as_bytes(text));
  (void)node->broadcast(as_bytes(text), "name");
  (void)node->members();
  (void)node->member("passer-by-1");
  (void)node->local_member();
  (void)node->counters();
  (void)node->view_digest();
  (void)node->health_score();
  (void)node->max_packet_payload();
  (void)node->keys();
  (void)node->gossip_verify();
  (void)node->wall_clock(node->local_member().since);
  EXPECT_EQ(node->config().bind, node->local_address());
  (void)node->set_gossip_verify(round % 2 == 0, std::nullopt);  // without keys it changes nothing
  (void)node->remove_key(Bytes(16));                            // there is no such key
  (void)node->use_key(Bytes(16));
  switch (round % 10) {
    case 0:
      (void)node->ping(other->local_member().name());
      break;
    case 1:
      (void)node->join({other.address()});
      break;
    case 2:
      (void)node->send(other->local_member().name(), as_bytes(text), Delivery::reliable);
      break;
    case 3:
      (void)node->update_meta(as_bytes(text), std::chrono::milliseconds(200));
      break;
    case 4: {  // ended while it is under way
      std::stop_source stop;
      node->join_async({other.address(), "localhost:1"}, {.stop = stop.get_token()},
                       [&node](const auto&) { (void)node->members(); });
      stop.request_stop();
      break;
    }
    case 5:  // an outcome that goes on with the next call
      node->ping_async(other->local_member().name(), {}, [&node](const auto&) {
        node->update_meta_async(as_bytes("later"), {}, [](const auto&) {});
      });
      break;
    case 6:
      (void)node->send(other->local_address(), as_bytes(text));
      break;
    case 7:
      node->send_async(other->local_member().name(), as_bytes(text), {}, [](const auto&) {});
      break;
    case 8:
      node->join_async({other.address()}, {}, [](const auto&) {});
      break;
    default:
      (void)node->join({"localhost:" + std::to_string(other->local_address().port)});
  }
}

TEST(Threads, MayCallEverythingWhileMembersComeAndGo) {
  std::array<Node, 3> nodes{Node("a"), Node("b"), Node("c")};
  nodes[1].join(nodes[0]);
  nodes[2].join(nodes[0]);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&nodes, t] {
        for (int round = 0; round < kRounds; ++round) {
          call_everything(nodes[t % nodes.size()], nodes[(t + 1) % nodes.size()], round);
        }
      });
    }
    threads.emplace_back([&nodes] {
      for (int i = 0; i < kComings; ++i) {
        Node passer_by("passer-by-" + std::to_string(i));
        (void)passer_by->join({nodes[0].address()});
        (void)passer_by->broadcast(as_bytes("hello"));
        if (i % 2 == 0) (void)passer_by->leave(std::chrono::seconds(1));
      }
    });
  }
  for (Node& node : nodes) {
    for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(node.sees(name, MemberStatus::alive));
    for (int i = 0; i < kComings; ++i) {
      EXPECT_TRUE(eventually([&] {
        const auto gone = node->member("passer-by-" + std::to_string(i));
        return !gone || gone->status == MemberStatus::dead || gone->status == MemberStatus::left;
      }));
    }
  }
}

TEST(Threads, MayAllBeShutDownUnderTheCallers) {
  Node a("a");
  Node b("b");
  b.join(a);
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; a->broadcast(as_bytes("x")); ++round) call_everything(a, b, round);
    });
  }
  EXPECT_TRUE(b.record().heard_message("round 3"));
  a->shutdown();
}

}  // namespace
}  // namespace memberlist::facade_test
