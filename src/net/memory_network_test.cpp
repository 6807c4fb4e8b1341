#include "memberlist/memory_network.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.hpp"

namespace memberlist {
namespace {

// Runs what is posted when the test says so, so that the test knows what has happened by then.
class ManualExecutor final : public Executor {
 public:
  void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  void run() {
    while (!tasks_.empty()) {
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

 private:
  std::deque<std::function<void()>> tasks_;
};

/// A member's end, and all that its handler was told, in order, as text.
class End final : public TransportHandler {
 public:
  End(const MemoryNetwork& network, std::shared_ptr<Executor> executor,
      Address bind = {IpAddress::v4(0, 0, 0, 0), 0}) {
    auto made = network.transport()(
        {.bind = bind, .executor = std::move(executor), .handler = this, .sockets = {}});
    EXPECT_TRUE(made) << made.error().message;
    transport = std::move(*made);
  }

  void on_packets(std::span<const ReceivedPacket> packets) override {
    for (const auto& packet : packets) {
      told.push_back(packet.from.to_string() + " sent " + std::string(as_text(packet.bytes)));
    }
  }
  void on_send_error(const Address& to, const Error&) override {
    told.push_back("could not send to " + to.to_string());
  }
  std::optional<StreamId> on_accept(const Address& from) override {
    told.push_back(from.to_string() + " connects");
    if (refuses) return std::nullopt;
    return accepted = StreamId{100};
  }
  void on_stream(StreamId, const StreamEvent& event) override {
    if (std::holds_alternative<StreamConnected>(event)) told.emplace_back("connected");
    if (const auto* data = std::get_if<StreamData>(&event)) {
      told.emplace_back(as_text(data->bytes.first(std::min<std::size_t>(data->bytes.size(), 20))));
    }
    if (std::holds_alternative<StreamEnd>(event)) told.emplace_back("end");
    if (const auto* failed = std::get_if<StreamFailed>(&event)) {
      told.push_back("failed: " + failed->error.message);
    }
  }
  void on_accept_error(const Error& error) override { told.push_back(error.message); }

  [[nodiscard]] std::vector<std::string> take_told() { return std::exchange(told, {}); }

  std::unique_ptr<Transport> transport;
  std::vector<std::string> told;
  bool refuses = false;
  StreamId accepted{};
};

using Told = std::vector<std::string>;

class MemoryNetworkTransport : public ::testing::Test {
 protected:
  MemoryNetworkTransport() {
    a_.transport->start();
    b_.transport->start();
  }
  /// A stream from `a_`, under the id 1, to `b_`, under `b_.accepted`.
  void connect() {
    a_.transport->dial(kStream, b_.transport->local_address());
    executor_->run();
    a_.told.clear();
    b_.told.clear();
  }

  static constexpr StreamId kStream{1};
  MemoryNetwork network_;
  std::shared_ptr<ManualExecutor> executor_ = std::make_shared<ManualExecutor>();
  End a_{network_, executor_};
  End b_{network_, executor_};
};

TEST_F(MemoryNetworkTransport, CarriesPacketsAndTellsNothingWithinACall) {
  a_.transport->send(b_.transport->local_address(), as_bytes("one"));
  a_.transport->send(b_.transport->local_address(), as_bytes("two"));
  a_.transport->flush();
  EXPECT_TRUE(b_.told.empty());
  executor_->run();
  const std::string from = a_.transport->local_address().to_string();
  EXPECT_EQ(b_.told, (Told{from + " sent one", from + " sent two"}));
  EXPECT_TRUE(a_.told.empty());
}

TEST_F(MemoryNetworkTransport, TellsNothingBeforeTheStart) {
  End late(network_, executor_);
  a_.transport->send(late.transport->local_address(), as_bytes("early"));
  a_.transport->dial(kStream, late.transport->local_address());
  executor_->run();
  EXPECT_TRUE(late.told.empty());
  late.transport->start();
  a_.transport->send(late.transport->local_address(), as_bytes("now"));
  executor_->run();
  EXPECT_EQ(late.told.size(), 1U);
}

// As many as may wait for a member.
TEST_F(MemoryNetworkTransport, WhatComesBeforeTheStartTakesNoRoomAfterIt) {
  End late(network_, executor_);
  const Address to = late.transport->local_address();
  for (int i = 0; i < 5000; ++i) a_.transport->send(to, as_bytes("early"));
  executor_->run();
  late.transport->start();
  a_.transport->send(to, as_bytes("now"));
  executor_->run();
  EXPECT_EQ(late.told, (Told{a_.transport->local_address().to_string() + " sent now"}));
}

TEST_F(MemoryNetworkTransport, ADialToWhoHasNotBegunOrHasEndedFails) {
  End late(network_, executor_);
  a_.transport->dial(kStream, late.transport->local_address());
  executor_->run();
  ASSERT_EQ(a_.take_told().size(), 1U) << "it failed";
  late.transport->start();
  a_.transport->dial(StreamId{2}, late.transport->local_address());
  late.transport->finish({}, [] {});
  executor_->run();
  ASSERT_EQ(a_.told.size(), 1U);
  EXPECT_NE(a_.told.front().find("failed"), std::string::npos) << a_.told.front();
}

TEST_F(MemoryNetworkTransport, WhoHasEndedSendsNothing) {
  a_.transport->finish({}, [] {});
  a_.transport->send(b_.transport->local_address(), as_bytes("late"));
  a_.transport->dial(kStream, b_.transport->local_address());
  executor_->run();
  EXPECT_TRUE(b_.told.empty());
}

TEST_F(MemoryNetworkTransport, APacketThatIsOnItsWayToWhoIsGoneIsLost) {
  std::optional<End> gone(std::in_place, network_, executor_);
  gone->transport->start();
  a_.transport->send(gone->transport->local_address(), as_bytes("x"));
  const Address address = gone->transport->local_address();
  gone.reset();
  executor_->run();
  a_.transport->send(address, as_bytes("y"));
  executor_->run();
  EXPECT_TRUE(a_.told.empty());
}

TEST_F(MemoryNetworkTransport, WhatNobodyTakesIsBounded) {
  for (int i = 0; i < 10'000; ++i) a_.transport->send(b_.transport->local_address(), as_bytes("x"));
  executor_->run();
  EXPECT_EQ(b_.told.size(), 4096U);
  a_.transport->send(b_.transport->local_address(), as_bytes("again"));
  executor_->run();
  EXPECT_EQ(b_.told.size(), 4097U);
}

TEST_F(MemoryNetworkTransport, CarriesAStreamToItsEnd) {
  a_.transport->dial(kStream, b_.transport->local_address());
  a_.transport->write(kStream, to_bytes("early"));
  EXPECT_TRUE(a_.told.empty());
  executor_->run();
  EXPECT_EQ(a_.take_told(), Told{"connected"});
  EXPECT_EQ(b_.take_told(),
            (Told{a_.transport->local_address().to_string() + " connects", "early"}));

  b_.transport->write(b_.accepted, to_bytes("answer"));
  b_.transport->close(b_.accepted);
  a_.transport->write(kStream, to_bytes("to nobody"));
  executor_->run();
  EXPECT_EQ(a_.take_told(), (Told{"answer", "end"}));
  EXPECT_TRUE(b_.take_told().empty());
  a_.transport->close(kStream);
  executor_->run();
  EXPECT_TRUE(a_.told.empty() && b_.told.empty());
}

TEST_F(MemoryNetworkTransport, AnAbortBreaksTheOtherEnd) {
  connect();
  a_.transport->abort(kStream);
  a_.transport->abort(kStream);
  executor_->run();
  EXPECT_TRUE(a_.told.empty());
  EXPECT_EQ(b_.take_told(), Told{"failed: the stream with 10.0.0.1:49152 was broken"});
}

TEST_F(MemoryNetworkTransport, ADialFailsWhereItIsRefusedOrNobodyIs) {
  b_.refuses = true;
  a_.transport->dial(kStream, b_.transport->local_address());
  executor_->run();
  EXPECT_EQ(a_.take_told(), Told{"failed: cannot connect to 10.0.0.2:49152: it was refused"});
  a_.transport->dial(StreamId{2}, {IpAddress::v4(10, 1, 1, 1), 7946});
  EXPECT_TRUE(a_.told.empty());
  executor_->run();
  EXPECT_EQ(a_.take_told(), Told{"failed: cannot connect to 10.1.1.1:7946: no member has this "
                                 "address, or the link is cut"});
}

TEST_F(MemoryNetworkTransport, ACutBreaksStreamsOfThatLinkOnly) {
  End c(network_, executor_);
  c.transport->start();
  connect();
  a_.transport->dial(StreamId{2}, c.transport->local_address());
  executor_->run();
  a_.told.clear();
  c.told.clear();
  network_.cut(b_.transport->local_address(), a_.transport->local_address());
  executor_->run();
  EXPECT_EQ(a_.take_told(), Told{"failed: the stream with 10.0.0.2:49152 was broken"});
  EXPECT_EQ(b_.take_told(), Told{"failed: the stream with 10.0.0.1:49152 was broken"});
  a_.transport->write(StreamId{2}, to_bytes("still here"));
  executor_->run();
  EXPECT_EQ(c.take_told(), Told{"still here"});
}

TEST_F(MemoryNetworkTransport, AStreamThatIsNotReadFails) {
  connect();
  Bytes much(limits::kStreamQueueBytes / 2 + 1, std::byte{'x'});
  a_.transport->write(kStream, much);
  a_.transport->write(kStream, std::move(much));
  executor_->run();
  ASSERT_EQ(a_.told.size(), 1U);
  EXPECT_TRUE(a_.told.front().contains("the receive queue is full")) << a_.told.front();
  EXPECT_EQ(b_.told.back(), "failed: the stream with 10.0.0.1:49152 was broken");
}

TEST_F(MemoryNetworkTransport, FinishBreaksWhatIsOpenAndEndsBehindWhatWasWritten) {
  connect();
  a_.transport->write(kStream, to_bytes("last words"));
  bool done = false;
  a_.transport->finish(std::chrono::seconds(1), [&] { done = true; });
  EXPECT_FALSE(done);
  b_.transport->send(a_.transport->local_address(), as_bytes("x"));
  executor_->run();
  EXPECT_TRUE(done);
  EXPECT_EQ(b_.take_told(),
            (Told{"last words", "failed: the stream with 10.0.0.1:49152 was broken"}));
  EXPECT_TRUE(a_.told.empty());
}

TEST_F(MemoryNetworkTransport, WhoHasFinishedLeavesItsAddressToTheNext) {
  const Address address = b_.transport->local_address();
  b_.transport->finish(std::chrono::seconds(1), [] {});
  executor_->run();
  End next(network_, executor_, address);
  next.transport->start();
  b_.transport.reset();  // it has no claim to the address any more
  a_.transport->send(address, as_bytes("x"));
  executor_->run();
  EXPECT_EQ(next.told.size(), 1U);
}

TEST_F(MemoryNetworkTransport, LosesTheSamePacketsWithTheSameSeed) {
  const auto arrivals = [](std::uint64_t seed) {
    MemoryNetwork network(seed);
    const auto executor = std::make_shared<ManualExecutor>();
    End from(network, executor);
    End to(network, executor);
    to.transport->start();
    network.lose_packets(0.5);
    for (int i = 0; i < 200; ++i) {
      from.transport->send(to.transport->local_address(), as_bytes(std::to_string(i)));
    }
    executor->run();
    return to.take_told();
  };
  EXPECT_EQ(arrivals(1), arrivals(1));
  EXPECT_NE(arrivals(1), arrivals(2));
  EXPECT_GT(arrivals(1).size(), 60U);
  EXPECT_LT(arrivals(1).size(), 140U);
}

}  // namespace
}  // namespace memberlist
