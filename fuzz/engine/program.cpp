#include "program.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "world.hpp"

namespace memberlist::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxOperations = 200;
constexpr std::size_t kMaxTargets = 24;

/// One of the open streams that `wanted` accepts.
template <class Wanted>
std::optional<StreamId> pick_stream(ByteSource& in, Driver& driver, Wanted wanted) {
  std::vector<StreamId> fitting;
  for (const auto& [id, stream] : driver.ledger().streams()) {
    if (wanted(stream)) fitting.push_back(id);
  }
  if (fitting.empty()) return std::nullopt;
  return fitting[in.below(fitting.size())];
}

bool is_readable(const OpenStream& stream) { return stream.connected && !stream.peer_ended; }

/// One that is under way; or any, which may be over, or be the next to come.
OperationId pick_operation(ByteSource& in, const Driver& driver) {
  const std::uint8_t choice = in.byte();
  const auto& open = driver.ledger().operations();
  if (choice < 192 && !open.empty()) {
    return std::next(open.begin(), static_cast<std::ptrdiff_t>(choice % open.size()))->first;
  }
  return OperationId{choice % (driver.ledger().last_operation() + 2)};
}

/// Delivers what is on the way, in one piece or some.
void deliver(ByteSource& in, Driver& driver, StreamId id) {
  auto& streams = driver.ledger().streams();
  const std::uint8_t how = in.byte();
  const std::size_t piece = how < 128 ? 65'536 : std::size_t{1} + how % 32;
  std::size_t pieces = how < 224 ? 64 : 1;  // the rest may come later
  while (pieces-- > 0) {
    const auto found = streams.find(id);
    if (found == streams.end() || found->second.on_the_way.empty()) return;
    Bytes& waiting = found->second.on_the_way;
    const Bytes head(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(
                                                            std::min(piece, waiting.size())));
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(head.size()));
    driver.feed(id, head);
  }
}

void say(ByteSource& in, Driver& driver, StreamId id) {
  OpenStream& stream = driver.ledger().streams().at(id);
  const Bytes said = driver.forge().stream(in, stream.known, !stream.dialled);
  stream.on_the_way.insert(stream.on_the_way.end(), said.begin(), said.end());
  deliver(in, driver, id);
}

void stream_operation(ByteSource& in, Driver& driver, std::size_t kind) {
  const auto any = [](const OpenStream&) { return true; };
  const auto is_dial = [](const OpenStream& s) { return s.dialled && !s.connected; };
  switch (kind) {
    case 0:
      if (const auto id = driver.accept(pick_source(in))) say(in, driver, *id);
      return;
    case 1:
      if (const auto id = pick_stream(in, driver, is_dial)) driver.connect(*id);
      return;
    case 2:
      if (const auto id = pick_stream(in, driver, is_readable)) say(in, driver, *id);
      return;
    case 3:
      if (const auto id = pick_stream(in, driver, is_readable)) deliver(in, driver, *id);
      return;
    case 4:
      if (const auto id = pick_stream(in, driver, is_readable)) driver.end(*id);
      return;
    case 5:
      if (const auto id = pick_stream(in, driver, any)) driver.fail(*id);
      return;
    default:
      (void)driver.accept(pick_source(in));
  }
}

void key_operation(ByteSource& in, Driver& driver) {
  const Bytes key = key_bytes(in.below(kKeys));
  switch (in.below(4)) {
    case 0:
      return driver.add_key(key);
    case 1:
      return driver.use_key(key);
    case 2:
      return driver.remove_key(key);
    default:
      const std::uint8_t flags = in.byte();
      driver.set_gossip_verify((flags & 1) != 0, (flags & 2) != 0);
  }
}

void time_operation(ByteSource& in, Driver& driver, std::size_t kind) {
  switch (kind) {
    case 0:
      for (std::size_t i = 1 + in.below(8); i > 0; --i) driver.next_deadline();
      return;
    case 1:
      driver.pass(10ms * in.byte());
      return driver.deadline();
    case 2:
      driver.pass(1s * in.byte());
      return driver.deadline();
    case 3:  // late: the engine is not told
      return driver.pass(1ms * in.u16());
    default:  // a clock that is set back
      driver.pass(-10ms * in.byte());
  }
}

void command(ByteSource& in, Driver& driver, std::size_t kind) {
  switch (kind) {
    case 0: {
      std::vector<JoinTarget> targets(in.below(kMaxTargets));
      for (JoinTarget& target : targets) target = {pick_name(in), pick_target(in)};
      return driver.join(std::move(targets));
    }
    case 1:
      return driver.leave(pick_timeout(in));
    case 2: {
      const std::uint8_t size = in.byte();
      if (size >= 240 && size < 250) return driver.advertise(pick_target(in), pick_timeout(in));
      const Bytes meta = size >= 250 ? Bytes(263U + size) : to_bytes(in.take(size % 16));
      return driver.update_meta(meta, pick_timeout(in));
    }
    case 3:
      return driver.send_best_effort(pick_target(in), Bytes(in.u16() % 2048));
    case 4:
      return driver.send_reliable(pick_target(in), in.take(in.byte()));
    case 5: {
      const std::string name = in.flag() ? pick_name(in) : std::string();
      return driver.broadcast(Bytes(in.u16() % 2048), name);
    }
    default:
      return driver.ping(pick_name(in));
  }
}

void operation(ByteSource& in, Driver& driver) {
  const std::size_t kind = in.below(32);
  if (kind < 10) {
    const Address from = pick_source(in);
    return driver.packet(from, driver.forge().packet(in, driver.known()));
  }
  if (kind == 18) return key_operation(in, driver);
  if (kind == 17) return driver.cancel(pick_operation(in, driver));
  if (kind < 17) return stream_operation(in, driver, kind - 10);
  if (kind < 24) return time_operation(in, driver, kind - 19);
  if (kind == 24) {
    const ErrorCode code = in.flag() ? ErrorCode::system : ErrorCode::unreachable;
    return driver.send_error(pick_source(in), code);
  }
  command(in, driver, kind - 25);
}

}  // namespace

void run_program(ByteSource& in, Driver& driver) {
  for (std::size_t i = 0; i < kMaxOperations && !in.empty(); ++i) operation(in, driver);
}

}  // namespace memberlist::fuzz
