#include "start_states.hpp"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "base/byte_writer.hpp"
#include "wire/messages.hpp"
#include "world.hpp"

namespace memberlist::fuzz {
namespace {

using namespace std::chrono_literals;

template <class Message>
Bytes encoded(const Message& message) {
  Bytes bytes;
  ByteWriter writer(bytes);
  wire::encode(writer, message);
  return bytes;
}

void receive(Driver& driver, const std::vector<Bytes>& messages) {
  driver.packet(member_address(1), driver.forge().sound_packet(messages));
}

void meet(Driver& driver, std::size_t members) {
  std::vector<Bytes> messages;
  for (std::size_t i = 1; i < members; ++i) messages.push_back(sound_alive(i, 1));
  receive(driver, messages);
}

void wait(Driver& driver, Duration duration, Duration stride) {
  for (Duration waited{}; waited < duration; waited += stride) {
    driver.pass(stride);
    driver.deadline();
  }
}

std::optional<StreamId> dialled(Driver& driver) {
  for (const auto& [id, stream] : driver.ledger().streams()) {
    if (stream.dialled && !stream.connected) return id;
  }
  return std::nullopt;
}

void connect_one(Driver& driver) {
  if (const auto id = dialled(driver)) driver.connect(*id);
}

void start_joining(Driver& driver) {
  driver.join({{"m1", member_address(1)}, {"m2", member_address(2)}});
  connect_one(driver);
}

void start_remembering(Driver& driver) {
  meet(driver, 4);
  receive(driver, {encoded(wire::Dead{1, "m1", "m3"}), encoded(wire::Dead{1, "m2", "m2"})});
}

void start_serving(Driver& driver) {
  meet(driver, 3);
  const auto id = driver.accept(member_address(1));
  if (!id) return;
  const Bytes message = driver.forge().sound_stream(sound_push_pull(3, true), true);
  const std::size_t half = message.size() / 2;
  OpenStream& stream = driver.ledger().streams().at(*id);
  stream.on_the_way.assign(message.begin() + static_cast<std::ptrdiff_t>(half), message.end());
  driver.feed(*id, BytesView(message).first(half));
}

void start_making(Driver& driver) {
  meet(driver, 3);
  driver.pass(driver.engine().config().push_pull_interval);
  driver.deadline();
  connect_one(driver);
}

void start_stream_ping(Driver& driver) {
  meet(driver, 3);
  for (int i = 0; i < 12 && !dialled(driver); ++i) driver.next_deadline();
  wait(driver, driver.engine().config().probe_timeout, 250ms);
  connect_one(driver);
}

void start_relaying(Driver& driver) {
  meet(driver, 3);
  for (const std::uint32_t seq_no : {7U, 8U}) {
    wire::IndirectPing request;
    request.seq_no = seq_no;
    const Bytes target = to_bytes(member_address(2).ip.wire_bytes());
    request.target = target;
    request.port = member_address(2).port;
    request.node = "m2";
    request.nack = seq_no == 8;
    receive(driver, {encoded(request)});
  }
}

void start_busy(Driver& driver) {
  meet(driver, 4);
  driver.update_meta(to_bytes("meta"), 5s);
  driver.send_reliable(member_address(2), as_bytes("reliable"));
  driver.ping("m1");
  driver.join({{"m3", member_address(3)}});
  driver.broadcast(as_bytes("news"), "name");
}

}  // namespace

void start_from(StartState state, Driver& driver) {
  switch (state) {
    case StartState::alone:
    case StartState::count:
      return;
    case StartState::three_members:
      return meet(driver, 3);
    case StartState::twelve_members:
      return meet(driver, kMaxMembers);
    case StartState::joining:
      return start_joining(driver);
    case StartState::suspecting:
      meet(driver, 3);
      return receive(driver, {encoded(wire::Suspect{1, "m1", "m2"})});
    case StartState::accused:
      meet(driver, 3);
      return receive(driver, {encoded(wire::Suspect{1, "self", "m2"})});
    case StartState::leaving:
      meet(driver, 3);
      return driver.leave(5s);
    case StartState::left:
      meet(driver, 3);
      driver.leave(5s);
      return wait(driver, 5s, 1s);
    case StartState::remembering:
      return start_remembering(driver);
    case StartState::serving_push_pull:
      return start_serving(driver);
    case StartState::making_push_pull:
      return start_making(driver);
    case StartState::stream_ping:
      return start_stream_ping(driver);
    case StartState::in_bad_health:
      meet(driver, kMaxMembers);
      return wait(driver, 6s, 1s);
    case StartState::relaying:
      return start_relaying(driver);
    case StartState::busy:
      return start_busy(driver);
  }
}

}  // namespace memberlist::fuzz
