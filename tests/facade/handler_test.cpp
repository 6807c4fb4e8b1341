#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "memberlist/memberlist.hpp"
#include "node.hpp"

namespace memberlist::facade_test {
namespace {

bool is_join(const Event& event, std::string_view name) {
  const auto* change = std::get_if<MemberEvent>(&event);
  return change != nullptr && change->kind == MemberEventKind::join &&
         change->member.name() == name;
}

TEST(Handler, MayCallEverythingAndShutDown) {
  Node other("other");
  auto finished = std::make_shared<std::promise<void>>();
  Handlers handlers;
  handlers.on_events = [&, finished](Memberlist& list, std::span<const Event> batch) {
    const auto other_joins = [](const Event& event) { return is_join(event, "other"); };
    if (std::ranges::none_of(batch, other_joins)) return;
    EXPECT_EQ(list.members()->size(), 2U);
    EXPECT_TRUE(list.member("other"));
    EXPECT_EQ(list.local_member().name(), "self");
    EXPECT_GT(list.max_packet_payload(), 0U);
    EXPECT_EQ(list.config().name, "self");
    (void)list.counters();
    (void)list.health_score();
    (void)list.view_digest();
    EXPECT_TRUE(list.join({other.address()}));
    EXPECT_TRUE(list.ping("other"));
    EXPECT_TRUE(list.send("other", as_bytes("packet")));
    EXPECT_TRUE(list.send("other", as_bytes("stream"), Delivery::reliable));
    EXPECT_TRUE(list.broadcast(as_bytes("all")));
    EXPECT_TRUE(list.update_meta(as_bytes("new"), kPatience));
    EXPECT_TRUE(list.leave(kPatience));
    list.shutdown();
    EXPECT_FALSE(list.broadcast(as_bytes("late")));
    EXPECT_EQ(list.members()->size(), 2U);
    finished->set_value();
  };
  auto self = Memberlist::create(quick_config("self"), std::move(handlers));
  ASSERT_TRUE(self) << self.error().message;
  ASSERT_TRUE(self->join({other.address()}));
  ASSERT_EQ(finished->get_future().wait_for(kPatience), std::future_status::ready);
  for (const char* text : {"packet", "stream", "all"}) {
    EXPECT_TRUE(other.record().heard_message(text)) << text;
  }
  EXPECT_TRUE(other.sees("self", MemberStatus::left));
}

TEST(Handler, MayDestroyTheMember) {
  Node other("other");
  struct Shared {
    std::unique_ptr<Memberlist> list;
    std::promise<void> joined;
    std::promise<void> destroyed;
  };
  auto shared = std::make_shared<Shared>();
  Handlers handlers;
  handlers.on_event = [shared, ready = shared->joined.get_future().share()](const Event& event) {
    if (!is_join(event, "other")) return;
    ready.wait();
    shared->list.reset();
    shared->destroyed.set_value();
  };
  auto created = Memberlist::create(quick_config_apart("self"), std::move(handlers));
  ASSERT_TRUE(created);
  const Address address = created->local_address();
  shared->list = std::make_unique<Memberlist>(std::move(*created));
  ASSERT_TRUE(shared->list->join({other.address()}));
  shared->joined.set_value();
  ASSERT_EQ(shared->destroyed.get_future().wait_for(kPatience), std::future_status::ready);
  Config again = quick_config("again");
  again.bind = address;
  EXPECT_TRUE(Memberlist::create(again)) << "its ports are free";
}

// --- the handler of batches ---------------------------------------------------------------------

TEST(Handler, IsGivenItsListFromTheFirstEventOn) {
  struct Seen {
    std::string local;
    std::size_t members = 0;
    bool broadcast = false;
    Event first;
  };
  auto seen = std::make_shared<std::promise<Seen>>();
  Handlers handlers;
  handlers.on_events = [seen, is_first = true](Memberlist& list,
                                               std::span<const Event> batch) mutable {
    if (!std::exchange(is_first, false)) return;
    seen->set_value({std::string(list.local_member().name()), list.members().size(),
                     list.broadcast(as_bytes("hello")).has_value(), batch.front()});
  };
  const auto list = Memberlist::create(quick_config("self"), std::move(handlers));
  ASSERT_TRUE(list);
  auto first = seen->get_future();
  ASSERT_EQ(first.wait_for(kPatience), std::future_status::ready);
  const Seen what = first.get();
  EXPECT_EQ(what.local, "self");
  EXPECT_EQ(what.members, 1U);
  EXPECT_TRUE(what.broadcast);
  EXPECT_TRUE(is_join(what.first, "self"));
}

// What each of the two handlers receives of this node's own changes.
std::vector<std::string> own_changes(bool in_batches) {
  auto record = std::make_shared<Record>();
  Handlers handlers;
  if (in_batches) {
    handlers.on_events = [record](Memberlist&, std::span<const Event> batch) {
      for (const Event& event : batch) record->add(event);
    };
  } else {
    handlers.on_event = [record](const Event& event) { record->add(event); };
  }
  auto list = Memberlist::create(quick_config("self"), std::move(handlers));
  if (!list) return {list.error().message};
  EXPECT_TRUE(list->update_meta(as_bytes("new"), kPatience));
  EXPECT_TRUE(list->leave(kPatience));
  list->shutdown();
  std::vector<std::string> changes;
  for (const Event& event : record->events()) {
    const auto* change = std::get_if<MemberEvent>(&event);
    if (change == nullptr) continue;
    EXPECT_TRUE(change->self);
    changes.emplace_back(to_string(change->kind));
  }
  return changes;
}

TEST(Handler, OfBatchesReceivesItsOwnMembersChanges) {
  EXPECT_EQ(own_changes(true), (std::vector<std::string>{"join", "update", "leave"}));
}

TEST(Handler, OfTheFormerShapeDoesNotAsBefore) {
  EXPECT_EQ(own_changes(false), std::vector<std::string>{});
}

TEST(Handler, OfBatchesMayDestroyTheMember) {
  struct Shared {
    std::unique_ptr<Memberlist> list;
    std::promise<void> created;
    std::promise<void> destroyed;
  };
  auto shared = std::make_shared<Shared>();
  Handlers handlers;
  handlers.on_events = [shared, ready = shared->created.get_future().share()](
                           Memberlist& list, std::span<const Event>) {
    ready.wait();
    shared->list.reset();
    EXPECT_EQ(list.local_member().name(), "self") << "it is there until the call is over";
    EXPECT_FALSE(list.broadcast({}));
    shared->destroyed.set_value();
  };
  auto created = Memberlist::create(quick_config_apart("self"), std::move(handlers));
  ASSERT_TRUE(created);
  Config again = quick_config("again");
  again.bind = created->local_address();
  shared->list = std::make_unique<Memberlist>(std::move(*created));
  shared->created.set_value();
  ASSERT_EQ(shared->destroyed.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(Memberlist::create(again)) << "its ports are free";
}

// The application's object may be moved, or not be there yet: the handler has one of its own.
TEST(Handler, KeepsItsListWhenTheMemberIsMoved) {
  std::promise<void> called;
  std::promise<void> moved;
  std::promise<bool> works;
  Handlers handlers;
  handlers.on_events = [&, first = true](Memberlist& list, std::span<const Event>) mutable {
    if (!std::exchange(first, false)) return;
    called.set_value();
    moved.get_future().wait();
    works.set_value(list.local_member().name() == "self" && list.broadcast({}).has_value() &&
                    list.update_meta(as_bytes("new"), kPatience).has_value());
  };
  std::vector<Memberlist> lists;
  auto created = Memberlist::create(quick_config("self"), std::move(handlers));
  ASSERT_TRUE(created);
  called.get_future().wait();
  lists.push_back(std::move(*created));
  auto other = Memberlist::create(quick_config("other"));
  ASSERT_TRUE(other);
  lists.push_back(std::move(*other));  // and once more, as the vector grows
  moved.set_value();
  EXPECT_TRUE(works.get_future().get());
  EXPECT_EQ(as_text(lists[0].local_member().meta()), "new");
}

TEST(Handler, MayEndTheMemberBeforeCreateHasReturned) {
  for (int i = 0; i < 20; ++i) {
    Handlers handlers;
    handlers.on_events = [](Memberlist& list, std::span<const Event>) { list.shutdown(); };
    auto list = Memberlist::create(quick_config("self"), std::move(handlers));
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_TRUE(eventually([&] { return !list->broadcast({}); }));
    EXPECT_EQ(list->local_member().name(), "self");
  }
}

TEST(Handler, KeepsItsListWhileTheMemberIsDestroyed) {
  struct Seen {
    bool ends = false;
    std::size_t members = 0;
    bool left = true;
  };
  std::promise<void> called;
  Seen seen;
  auto held = std::make_shared<int>();
  Handlers handlers;
  handlers.on_events = [&, held, first = true](Memberlist& list, std::span<const Event>) mutable {
    if (!std::exchange(first, false)) return;
    called.set_value();
    seen.ends = eventually([&] { return !list.broadcast({}); });
    seen.members = list.members().size();
    seen.left = list.leave(kPatience).has_value();
  };
  std::weak_ptr<int> handler = held;
  held.reset();
  {
    const auto list = Memberlist::create(quick_config("self"), std::move(handlers));
    handlers = {};
    ASSERT_TRUE(list);
    called.get_future().wait();
  }
  // The destructor has waited for the handler, and let go of it.
  EXPECT_TRUE(seen.ends);
  EXPECT_EQ(seen.members, 1U);
  EXPECT_FALSE(seen.left) << "a command fails from then on";
  EXPECT_TRUE(handler.expired());
}

TEST(Handler, IsOneOfTheTwo) {
  Handlers handlers;
  handlers.on_event = [](const Event&) {};
  handlers.on_events = [](Memberlist&, std::span<const Event>) {};
  const auto list = Memberlist::create(quick_config("self"), std::move(handlers));
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(list.error().subject, "on_event");
}

TEST(Handler, MayBlockWithoutHoldingUpTheProtocol) {
  Node other("other");
  std::promise<void> let_go;
  auto released = let_go.get_future().share();
  auto record = std::make_shared<Record>();
  Handlers handlers;
  handlers.on_event = [record, released](const Event& event) {
    released.wait();
    record->add(event);
  };
  handlers.on_log = [record](const LogRecord& line) { record->add(line); };
  Config config = quick_config("slow");
  config.handoff_queue_depth = 8;
  auto slow = Memberlist::create(config, std::move(handlers));
  ASSERT_TRUE(slow);
  ASSERT_TRUE(slow->join({other.address()}));
  ASSERT_TRUE(other.record().heard(MemberEventKind::join, "slow"));
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(other->send("slow", as_bytes(std::to_string(i)), Delivery::reliable));
  }
  EXPECT_TRUE(eventually([&] { return slow->counters().user_messages >= 40; }));
  EXPECT_TRUE(eventually([&] { return slow->counters().dropped_limit >= 31; }));
  EXPECT_TRUE(record->logged(LogLevel::warning, "the event handler is slow"));
  EXPECT_TRUE(slow->ping("other")) << "the protocol goes on";
  let_go.set_value();
  EXPECT_TRUE(record->heard_message("39"));
  EXPECT_TRUE(record->heard(MemberEventKind::join, "other")) << "never dropped";
  EXPECT_LE(record->count<UserMessage>([](const UserMessage&) { return true; }), 9U);
  EXPECT_EQ(std::ranges::count_if(
                record->lines(),
                [](const LogRecord& line) { return line.text.starts_with("the event handler"); }),
            1);
}

TEST(Handler, HearsWhatWasToldBeforeTheShutdown) {
  Node other("other");
  Node self("self");
  self.join(other);
  ASSERT_TRUE(self->leave(kPatience));
  self->shutdown();
  EXPECT_EQ(self.record().count<LeaveFinished>([](const LeaveFinished&) { return true; }), 1U);
}

TEST(Handler, IsNotNeeded) {
  Node other("other");
  auto list = Memberlist::create(quick_config("mute"));
  ASSERT_TRUE(list);
  ASSERT_TRUE(list->join({other.address()}));
  EXPECT_TRUE(list->send("other", as_bytes("hello")));
  EXPECT_TRUE(other.record().heard_message("hello"));
}

}  // namespace
}  // namespace memberlist::facade_test
