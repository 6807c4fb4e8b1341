#include "net/socket_transport.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "../../tests/support/own_loopback.hpp"
#include "net/test_sockets.hpp"

namespace memberlist::net {
namespace {

IpAddress own_ip() {
  const auto [a, b, c, d] = testing::own_loopback();
  return IpAddress::v4(a, b, c, d);
}

using std::chrono::seconds;

const IpAddress kLocal4 = IpAddress::v4(127, 0, 0, 1);

IpAddress local6() { return IpAddress::parse("::1").value_or(IpAddress{}); }

// What a Transport told, to be waited for from the test's thread.
class Recorder final : public TransportHandler {
 public:
  struct Packet {
    Address from;
    std::string text;
    IpAddress asked;
  };
  struct Stream {
    Address from;  // accepted streams
    bool connected = false;
    std::string data;
    bool ended = false;
    std::optional<Error> failure;
  };

  void on_packets(std::span<const ReceivedPacket> batch) override {
    change([&] {
      largest_batch = std::max(largest_batch, batch.size());
      for (const auto& packet : batch) {
        packets.push_back({packet.from, std::string(as_text(packet.bytes)), packet.asked});
      }
    });
  }
  void on_send_error(const Address& to, const Error& error) override {
    change([&] { send_errors.emplace_back(to, error); });
  }
  std::optional<StreamId> on_accept(const Address& from) override {
    std::optional<StreamId> id;
    change([&] {
      ++accepts;
      if (refuse) return;
      id = StreamId{next_id++};
      streams[*id].from = from;
      last_accepted = *id;
    });
    return id;
  }
  void on_stream(StreamId id, const StreamEvent& event) override {
    change([&] {
      Stream& stream = streams[id];
      if (std::holds_alternative<StreamConnected>(event)) stream.connected = true;
      if (const auto* data = std::get_if<StreamData>(&event)) stream.data += as_text(data->bytes);
      if (std::holds_alternative<StreamEnd>(event)) stream.ended = true;
      if (const auto* failed = std::get_if<StreamFailed>(&event)) stream.failure = failed->error;
    });
    if (react) react(id, event);
  }
  void on_accept_error(const Error& error) override {
    change([&] { accept_errors.push_back(error); });
  }

  // Waits until `condition` holds, under the lock.
  [[nodiscard]] bool wait(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(20), condition);
  }

  std::vector<Packet> packets;
  std::size_t largest_batch = 0;
  std::vector<std::pair<Address, Error>> send_errors;
  std::map<StreamId, Stream> streams;
  std::vector<Error> accept_errors;
  int accepts = 0;
  bool refuse = false;
  std::uint64_t next_id = 1000;
  std::optional<StreamId> last_accepted;
  std::function<void(StreamId, const StreamEvent&)> react;  // on the loop's thread

 private:
  void change(const std::function<void()>& what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

class TransportTest : public ::testing::Test {
 protected:
  ~TransportTest() override {
    running_.call([this] { ends_.clear(); });
  }

  struct End {
    Recorder heard;
    std::unique_ptr<SocketTransport> transport;
  };
  Result<End*> try_open(const SocketTransportOptions& options) {
    auto end = std::make_unique<End>();
    return running_.call([&]() -> Result<End*> {
      auto opened = SocketTransport::open(running_.loop(), options, end->heard);
      if (!opened) return std::unexpected(opened.error());
      end->transport = std::move(*opened);
      end->transport->start();
      ends_.push_back(std::move(end));
      return ends_.back().get();
    });
  }
  End& open(const IpAddress& ip = kLocal4, Duration close_timeout = seconds(10)) {
    auto opened = try_open({.bind = {ip, 0}, .close_timeout = close_timeout});
    if (!opened) throw std::runtime_error(opened.error().message);
    return **opened;
  }
  void send(End& end, const Address& to, std::string_view text) {
    running_.call([&] {
      end.transport->send(to, as_bytes(text));
      end.transport->flush();
    });
  }
  // Dials from one end to the other; the ids of both sides.
  std::pair<StreamId, StreamId> connect(End& from, End& to) {
    const StreamId id{next_dial_++};
    running_.call([&] { from.transport->dial(id, to.transport->local_address()); });
    EXPECT_TRUE(from.heard.wait([&] { return from.heard.streams[id].connected; }));
    EXPECT_TRUE(to.heard.wait([&] { return to.heard.last_accepted.has_value(); }));
    return {id, *std::exchange(to.heard.last_accepted, std::nullopt)};
  }
  StreamId accepted(End& end) {
    EXPECT_TRUE(end.heard.wait([&] { return end.heard.last_accepted.has_value(); }));
    return end.heard.last_accepted.value_or(StreamId{});
  }

  RunningLoop running_;
  std::vector<std::unique_ptr<End>> ends_;
  std::uint64_t next_dial_ = 1;
};

// --- several own addresses ----------------------------------------------------------------------

// Each is one of this machine's, and none is what packets to it would leave from by themselves.
const IpAddress kSecond4 = IpAddress::v4(127, 0, 0, 5);
const IpAddress kNotHere = IpAddress::v4(203, 0, 113, 77);

TEST_F(TransportTest, AnswersFromTheAddressThatWasAsked) {
  const std::vector<std::pair<IpAddress, IpAddress>> cases{
      {IpAddress::v4(0, 0, 0, 0), kSecond4}, {IpAddress{}, kSecond4}, {IpAddress{}, local6()}};
  for (const auto& [bind, asked] : cases) {
    End& end = open(bind);
    PlainSocket peer(SOCK_DGRAM, asked);
    // As behind a firewall, the peer hears only the one that it has asked.
    peer.connect({asked, end.transport->local_address().port});
    ASSERT_TRUE(peer.write("ping"));
    ASSERT_TRUE(end.heard.wait([&] { return end.heard.packets.size() == 1; }));
    EXPECT_EQ(end.heard.packets.front().asked, asked);
    running_.call([&] {
      end.transport->send_from(asked, peer.local(), as_bytes("ack"));
      end.transport->flush();
    });
    EXPECT_EQ(peer.read(), "ack") << asked.to_string() << " of " << bind.to_string();
  }
}

TEST_F(TransportTest, SendsAllTheSameWhereTheSourceIsNotItsOwn) {
  for (const IpAddress& bind : {IpAddress::v4(0, 0, 0, 0), IpAddress{}, kLocal4}) {
    End& end = open(bind);
    End& peer = open();
    const Address to = peer.transport->local_address();
    running_.call([&] {
      end.transport->send_from(kNotHere, to, as_bytes("one"));
      end.transport->send_from(kSecond4, to, as_bytes("two"));
      end.transport->send_from(local6(), to, as_bytes("three"));
      end.transport->send_from(kNotHere, to, as_bytes("four"));
      end.transport->flush();
    });
    ASSERT_TRUE(peer.heard.wait([&] { return peer.heard.packets.size() == 4; }));
    const bool chooses = bind.is_unspecified();
    EXPECT_EQ(peer.heard.packets[0].from.ip, kLocal4);
    EXPECT_EQ(peer.heard.packets[1].from.ip, chooses ? kSecond4 : kLocal4) << bind.to_string();
    EXPECT_EQ(peer.heard.packets[2].from.ip, kLocal4);
    EXPECT_EQ(peer.heard.packets[3].from.ip, kLocal4);
    EXPECT_TRUE(end.heard.send_errors.empty());
    EXPECT_TRUE(peer.heard.packets[0].asked.is_unspecified()) << "it has but one";
  }
}

// The system answers to both with the same error.
TEST_F(TransportTest, KeepsTheSourceOfPacketsBehindOneToABadTarget) {
  End& end = open(IpAddress::v4(0, 0, 0, 0));
  End& peer = open();
  running_.call([&] {
    end.transport->send_from(kSecond4, {kLocal4, 0}, as_bytes("to no port"));
    end.transport->send_from(kSecond4, peer.transport->local_address(), as_bytes("heard"));
    end.transport->flush();
  });
  ASSERT_TRUE(peer.heard.wait([&] { return peer.heard.packets.size() == 1; }));
  EXPECT_EQ(peer.heard.packets[0].from.ip, kSecond4);
  EXPECT_TRUE(end.heard.wait([&] { return end.heard.send_errors.size() == 1; }));
}

TEST_F(TransportTest, DialsFromTheAddressThatOthersKnow) {
  for (const IpAddress& wanted : {kSecond4, kNotHere, local6()}) {
    End& end = open(IpAddress{});
    End& peer = open();
    running_.call(
        [&] { end.transport->dial_from(wanted, StreamId{1}, peer.transport->local_address()); });
    const StreamId id = accepted(peer);
    EXPECT_EQ(peer.heard.streams[id].from.ip, wanted == kSecond4 ? kSecond4 : kLocal4);
    EXPECT_TRUE(end.heard.wait([&] { return end.heard.streams[StreamId{1}].connected; }));
  }
}

// --- binding ------------------------------------------------------------------------------------

TEST_F(TransportTest, ChoosesOnePortForBothKinds) {
  for (const IpAddress& ip : {kLocal4, local6()}) {
    End& end = open(ip);
    const Address bound = end.transport->local_address();
    EXPECT_EQ(bound.ip, ip);
    EXPECT_NE(bound.port, 0);
    PlainSocket udp(SOCK_DGRAM, ip);
    udp.send_to(bound, "hello");
    PlainSocket tcp(SOCK_STREAM, ip);
    tcp.connect(bound);
    EXPECT_TRUE(
        end.heard.wait([&] { return end.heard.packets.size() == 1 && end.heard.accepts == 1; }));
  }
}

TEST_F(TransportTest, NamesAPortThatIsTaken) {
  const Address taken = open().transport->local_address();
  const auto second = try_open({.bind = taken});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::address_in_use);
  EXPECT_EQ(second.error().subject, taken.to_string());
  EXPECT_NE(second.error().message.find(taken.to_string()), std::string::npos);
}

TEST_F(TransportTest, NamesAPortThatIsTakenForUdpOnly) {
  // No port that the kernel chooses for others, who may be bound to all addresses: the same number
  // has to be free for TCP.
  constexpr std::uint16_t kNotEphemeral = 21'946;
  const IpAddress own = own_ip();
  PlainSocket udp(SOCK_DGRAM, own);
  udp.bind(own, kNotEphemeral);
  const auto opened = try_open({.bind = udp.local()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::address_in_use);
  EXPECT_NE(opened.error().message.find("UDP"), std::string::npos);
}

TEST_F(TransportTest, RefusesAnAddressOfAnotherMachine) {
  const auto opened = try_open({.bind = {IpAddress::v4(203, 0, 113, 77), 0}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(opened.error().subject, "bind");
}

TEST_F(TransportTest, FreesItsPortWhenItFinishes) {
  // Where nobody connects from, so that nobody is given the port before it is bound again.
  End& end = open(own_ip());
  End& other = open();
  const Address bound = end.transport->local_address();
  connect(end, other);
  std::promise<void> done;
  running_.call([&] { end.transport->finish(seconds(5), [&] { done.set_value(); }); });
  done.get_future().get();
  EXPECT_TRUE(try_open({.bind = bound}));
}

// --- packets ------------------------------------------------------------------------------------

TEST_F(TransportTest, CarriesPacketsOfAllSizesInOrder) {
  End& a = open();
  End& b = open();
  std::vector<std::string> sent;
  for (std::size_t i = 0; i < 100; ++i) sent.push_back(std::string(i * 14, static_cast<char>(i)));
  sent.emplace_back(65'507, 'x');
  running_.call([&] {
    for (const auto& text : sent) a.transport->send(b.transport->local_address(), as_bytes(text));
    a.transport->flush();
  });
  ASSERT_TRUE(b.heard.wait([&] { return b.heard.packets.size() == sent.size(); }));
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(b.heard.packets[i].text, sent[i]);
    EXPECT_EQ(b.heard.packets[i].from, a.transport->local_address());
  }
#if defined(__linux__)
  EXPECT_GT(b.heard.largest_batch, 1U);
#endif
}

TEST_F(TransportTest, SpeaksBothFamiliesWhereBoundToAll) {
  End& all = open(IpAddress{});
  const std::uint16_t port = all.transport->local_address().port;
  for (const IpAddress& ip : {kLocal4, local6()}) {
    End& peer = open(ip);
    send(peer, {ip, port}, "hello");
    ASSERT_TRUE(all.heard.wait([&] { return !all.heard.packets.empty(); }));
    EXPECT_EQ(all.heard.packets.front().from, peer.transport->local_address());
    all.heard.packets.clear();
    send(all, peer.transport->local_address(), "back");
    EXPECT_TRUE(peer.heard.wait([&] { return !peer.heard.packets.empty(); }));
    const StreamId id{next_dial_++};
    running_.call([&] { peer.transport->dial(id, {ip, port}); });
    const StreamId other = accepted(all);
    EXPECT_EQ(all.heard.streams[other].from.ip, ip);
    all.heard.last_accepted.reset();
  }
}

TEST_F(TransportTest, SaysWhichPacketCouldNotBeDelivered) {
  for (const IpAddress& ip : {kLocal4, local6()}) {
    // Nobody else can take its port, and connected to itself it hears nobody else.
    PlainSocket deaf(SOCK_DGRAM, ip);
    deaf.bind(ip);
    const Address closed = deaf.local();
    deaf.connect(closed);
    for (const IpAddress& bind : {ip, IpAddress{}}) {
      End& end = open(bind);
      End& alive = open(ip);
      // Sent in turns: the news of one must not be taken for those of the other.
      running_.call([&] {
        for (int i = 0; i < 10; ++i) {
          end.transport->send(closed, as_bytes("lost"));
          end.transport->send(alive.transport->local_address(), as_bytes("heard"));
        }
        end.transport->flush();
      });
      EXPECT_TRUE(alive.heard.wait([&] { return alive.heard.packets.size() == 10; }));
#if defined(__linux__)
      ASSERT_TRUE(end.heard.wait([&] { return !end.heard.send_errors.empty(); }));
      for (const auto& [to, error] : end.heard.send_errors) {
        EXPECT_EQ(to, closed);
        EXPECT_EQ(error.code, ErrorCode::unreachable);
      }
#endif
    }
  }
}

TEST_F(TransportTest, SaysThatAFamilyIsOutOfReach) {
  End& end = open();
  const Address v6{local6(), 7946};
  send(end, v6, "hello");
  ASSERT_TRUE(end.heard.wait([&] { return !end.heard.send_errors.empty(); }));
  EXPECT_EQ(end.heard.send_errors.front().first, v6);
  EXPECT_EQ(end.heard.send_errors.front().second.code, ErrorCode::unreachable);
}

TEST_F(TransportTest, SaysThatAPacketIsTooLarge) {
  End& end = open();
  const std::string text(65'530, 'x');
  send(end, end.transport->local_address(), text);
  ASSERT_TRUE(end.heard.wait([&] { return !end.heard.send_errors.empty(); }));
  EXPECT_EQ(end.heard.send_errors.front().second.code, ErrorCode::too_large);
}

// --- streams ------------------------------------------------------------------------------------

TEST_F(TransportTest, CarriesAStreamBothWays) {
  End& a = open();
  End& b = open();
  const std::pair<StreamId, StreamId> ids = connect(a, b);
  const StreamId here = ids.first;
  const StreamId there = ids.second;
  const std::string large(5'000'000, 'q');
  running_.call([&] { a.transport->write(here, to_bytes(large)); });
  ASSERT_TRUE(b.heard.wait([&] { return b.heard.streams[there].data.size() == large.size(); }));
  EXPECT_EQ(b.heard.streams[there].data, large);
  running_.call([&] {
    b.transport->write(there, to_bytes("first "));
    b.transport->write(there, to_bytes("second"));
    b.transport->close(there);
  });
  ASSERT_TRUE(a.heard.wait([&] { return a.heard.streams[here].ended; }));
  EXPECT_EQ(a.heard.streams[here].data, "first second");
  EXPECT_FALSE(a.heard.streams[here].failure);
}

TEST_F(TransportTest, AnswersAPeerThatHasEndedItsSide) {
  End& end = open();
  PlainSocket peer(SOCK_STREAM, kLocal4);
  peer.connect(end.transport->local_address());
  peer.write("question");
  peer.end_writing();
  const StreamId id = accepted(end);
  ASSERT_TRUE(end.heard.wait([&] { return end.heard.streams[id].ended; }));
  EXPECT_EQ(end.heard.streams[id].data, "question");
  running_.call([&] {
    end.transport->write(id, to_bytes("answer"));
    end.transport->close(id);
  });
  EXPECT_EQ(peer.read_all(), "answer");
}

TEST_F(TransportTest, WritesAllBeforeItCloses) {
  End& end = open();
  PlainSocket peer(SOCK_STREAM, kLocal4);
  peer.connect(end.transport->local_address());
  peer.write("more than is ever read by the other side");
  const StreamId id = accepted(end);
  const std::string large(8'000'000, 'z');
  running_.call([&] {
    end.transport->write(id, to_bytes(large));
    end.transport->close(id);
  });
  EXPECT_EQ(peer.read_all(), large);
}

TEST_F(TransportTest, WritesAllBeforeItFinishes) {
  End& end = open();
  PlainSocket peer(SOCK_STREAM, kLocal4);
  peer.connect(end.transport->local_address());
  const StreamId id = accepted(end);
  const std::string large(8'000'000, 'z');
  std::promise<void> done;
  running_.call([&] {
    end.transport->write(id, to_bytes(large));
    end.transport->close(id);
    end.transport->finish(seconds(20), [&] { done.set_value(); });
  });
  EXPECT_EQ(peer.read_all(), large);
  done.get_future().get();
}

TEST_F(TransportTest, DoesNotWaitForeverForAPeerThatDoesNotRead) {
  End& end = open(kLocal4, std::chrono::milliseconds(50));
  PlainSocket peer(SOCK_STREAM, kLocal4);
  peer.connect(end.transport->local_address());
  const StreamId id = accepted(end);
  running_.call([&] {
    end.transport->write(id, Bytes(30'000'000));
    end.transport->close(id);
  });
  std::promise<void> done;
  running_.call([&] { end.transport->finish(seconds(60), [&] { done.set_value(); }); });
  EXPECT_EQ(done.get_future().wait_for(seconds(20)), std::future_status::ready);
  EXPECT_FALSE(peer.read_all()) << "it is reset, so that the peer does not take it for whole";
}

TEST_F(TransportTest, ResetsWhatIsAborted) {
  End& end = open();
  PlainSocket peer(SOCK_STREAM, kLocal4);
  peer.connect(end.transport->local_address());
  const StreamId id = accepted(end);
  running_.call([&] { end.transport->abort(id); });
  EXPECT_FALSE(peer.read());
}

TEST_F(TransportTest, SaysThatNobodyListens) {
  PlainSocket bound(SOCK_STREAM, kLocal4);
  bound.bind(kLocal4);
  const Address closed = bound.local();
  End& end = open();
  running_.call([&] { end.transport->dial(StreamId{7}, closed); });
  ASSERT_TRUE(end.heard.wait([&] { return end.heard.streams[StreamId{7}].failure.has_value(); }));
  const Error error = end.heard.streams[StreamId{7}].failure.value_or(Error{});
  EXPECT_EQ(error.code, ErrorCode::unreachable);
  EXPECT_EQ(error.subject, closed.to_string());
}

TEST_F(TransportTest, ClosesWhatIsRefused) {
  End& end = open();
  end.heard.refuse = true;
  PlainSocket peer(SOCK_STREAM, kLocal4);
  peer.connect(end.transport->local_address());
  EXPECT_EQ(peer.read(), "");
}

TEST_F(TransportTest, TellsAPeersLastWordsBeforeTheFailure) {
  End& end = open();
  PlainSocket listener(SOCK_STREAM, kLocal4);
  listener.bind(kLocal4);
  listener.listen();
  running_.call([&] {
    end.transport->dial(StreamId{7}, listener.local());
    end.transport->write(StreamId{7}, Bytes(20'000'000));
  });
  {
    PlainSocket peer = listener.accept();
    ASSERT_TRUE(peer.write("no"));
  }  // with unread bytes, which makes it a reset
  ASSERT_TRUE(end.heard.wait([&] { return end.heard.streams[StreamId{7}].failure.has_value(); }));
  EXPECT_EQ(end.heard.streams[StreamId{7}].data, "no");
}

TEST_F(TransportTest, BoundsWhatWaitsToBeWritten) {
  End& end = open();
  PlainSocket peer(SOCK_STREAM, kLocal4);
  peer.connect(end.transport->local_address());
  const StreamId id = accepted(end);
  running_.call([&] {
    for (int i = 0; i < 4; ++i) end.transport->write(id, Bytes(limits::kStreamQueueBytes / 3));
  });
  ASSERT_TRUE(end.heard.wait([&] { return end.heard.streams[id].failure.has_value(); }));
  EXPECT_EQ(end.heard.streams[id].failure.value_or(Error{}).code, ErrorCode::too_large);
}

TEST_F(TransportTest, BoundsWhatWaitsToBeWrittenToAllTogether) {
  SocketTransportOptions options{.bind = {kLocal4, 0}};
  options.total_queue_bytes = 12'000'000;  // the kernel takes some of each
  auto opened = try_open(options);
  ASSERT_TRUE(opened.has_value());
  End& end = **opened;
  std::vector<std::unique_ptr<PlainSocket>> peers;
  std::vector<StreamId> ids;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(std::make_unique<PlainSocket>(SOCK_STREAM, kLocal4));
    peers.back()->connect(end.transport->local_address());
    ids.push_back(accepted(end));
    end.heard.last_accepted.reset();
  }
  running_.call([&] {
    for (const StreamId id : ids) end.transport->write(id, Bytes(10'000'000));
  });
  ASSERT_TRUE(end.heard.wait([&] { return end.heard.streams[ids[3]].failure.has_value(); }));
  EXPECT_FALSE(end.heard.streams[ids[0]].failure.has_value());
}

TEST_F(TransportTest, AbortsTheOldestOfTooManyThatLinger) {
  SocketTransportOptions options{.bind = {kLocal4, 0}};
  options.closing_streams = 2;
  auto opened = try_open(options);
  ASSERT_TRUE(opened.has_value());
  End& end = **opened;
  std::vector<std::unique_ptr<PlainSocket>> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(std::make_unique<PlainSocket>(SOCK_STREAM, kLocal4));
    peers.back()->connect(end.transport->local_address());
    const StreamId id = accepted(end);
    end.heard.last_accepted.reset();
    running_.call([&] {
      end.transport->write(id, Bytes(20'000'000));
      end.transport->close(id);
    });
  }
  EXPECT_NE(peers[0]->read_all().value_or("").size(), 20'000'000U) << "cut off";
  EXPECT_EQ(peers[2]->read_all().value_or("").size(), 20'000'000U);
}

TEST_F(TransportTest, MayBeCalledFromItsOwnEvents) {
  End& echo = open();
  echo.heard.react = [&](StreamId id, const StreamEvent& event) {
    if (const auto* data = std::get_if<StreamData>(&event)) {
      echo.transport->write(id, to_bytes(data->bytes));
      echo.transport->close(id);
      echo.transport->abort(id);  // unknown by now
    }
  };
  PlainSocket peer(SOCK_STREAM, kLocal4);
  peer.connect(echo.transport->local_address());
  peer.write("hello");
  EXPECT_EQ(peer.read_all(), "hello");
}

// A Transport that wraps it may still have something to send: more than a batch.
TEST_F(TransportTest, TakesNothingMoreAfterItsEnd) {
  End& end = open();
  End& peer = open();
  const Address to = peer.transport->local_address();
  std::promise<void> done;
  running_.call([&] {
    end.transport->finish(seconds(5), [&] { done.set_value(); });
    for (int i = 0; i < 200; ++i) end.transport->send(to, as_bytes("late"));
    end.transport->flush();
    end.transport->dial(StreamId{1}, to);
    end.transport->write(StreamId{1}, to_bytes("late"));
  });
  done.get_future().get();
  End& other = open();
  send(other, to, "last");
  ASSERT_TRUE(peer.heard.wait([&] { return !peer.heard.packets.empty(); }));
  EXPECT_EQ(peer.heard.packets.front().text, "last");
}

// What the machine lacks is no matter of the peer's.
TEST_F(TransportTest, ADialWithoutADescriptorIsAnErrorOfTheSystem) {
  End& end = open();
  End& peer = open();
  const DescriptorLimit limit;
  running_.call([&] { end.transport->dial(StreamId{1}, peer.transport->local_address()); });
  ASSERT_TRUE(end.heard.wait([&] { return end.heard.streams[StreamId{1}].failure.has_value(); }));
  EXPECT_EQ(end.heard.streams[StreamId{1}].failure->code, ErrorCode::system);
}

TEST_F(TransportTest, WaitsWhenDescriptorsRunOut) {
  End& end = open();
  PlainSocket peer(SOCK_STREAM, kLocal4);
  std::optional<DescriptorLimit> limit(std::in_place);
  peer.connect(end.transport->local_address());
  const bool told = end.heard.wait([&] { return !end.heard.accept_errors.empty(); });
  limit.reset();
  EXPECT_TRUE(told);
  EXPECT_TRUE(end.heard.wait([&] { return end.heard.accepts == 1; }));
  EXPECT_EQ(end.heard.accept_errors.size(), 1U);
}

}  // namespace
}  // namespace memberlist::net
