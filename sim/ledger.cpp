#include "sim/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/byte_reader.hpp"
#include "sim/invariants.hpp"

namespace memberlist::sim {

void Ledger::open(StreamId id, OpenStream stream) {
  const std::uint64_t number = std::to_underlying(id);
  reporter_.require(number > last_stream_, "a stream's id is never used again");
  last_stream_ = number;
  streams_.emplace(id, std::move(stream));
}

void Ledger::accepted(StreamId id, const Address& from) {
  OpenStream stream;
  stream.peer = from;
  stream.connected = true;
  // The answering side sends no label header.
  stream.reader = std::make_unique<wire::StreamOpener>(opening_, false);
  open(id, std::move(stream));
}

void Ledger::take(const DialStream& dial) {
  OpenStream stream;
  stream.peer = dial.to;
  stream.dialled = true;
  stream.reader = std::make_unique<wire::StreamOpener>(opening_, true);
  open(dial.id, std::move(stream));
}

OpenStream& Ledger::writable(StreamId id, const char* invariant) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) {
    reporter_.violated(invariant, fmt::format("stream {}", std::to_underlying(id)));
  }
  return found->second;
}

void Ledger::take(const WriteStream& write) {
  OpenStream& stream = writable(write.id, "nothing is written to a stream that is over");
  reporter_.require(stream.connected, "nothing is written to a stream before it is connected");
  read(stream, write.bytes);
}

void Ledger::read(OpenStream& stream, BytesView bytes) {
  reporter_.require(!stream.read_all, "each side of a stream says one message");
  const auto progress = stream.reader->feed(bytes);
  if (!progress) reporter_.violated("what is written can be read", progress.error().to_string());
  stream.read_all = *progress == wire::StreamOpener::Progress::complete;
  reporter_.require(stream.read_all, "what is written is a whole message");
  if (const auto* ping = std::get_if<wire::Ping>(&stream.reader->message())) {
    stream.known.stream_seq_no = ping->seq_no;
  }
  const auto* state = std::get_if<wire::PushPullMessage>(&stream.reader->message());
  if (state == nullptr) return;
  ByteReader states(state->node_states);
  for (std::int64_t i = 0; i < state->header.nodes; ++i) {
    const auto node = wire::decode<wire::NodeState>(states);
    reporter_.require(node.has_value(), "what is written can be read");
    require_sound(reporter_, node->name, node->addr, node->meta, node->vsn);
  }
}

void Ledger::take(const CloseStream& close) {
  (void)writable(close.id, "a stream is closed once");
  streams_.erase(close.id);
}

void Ledger::take(const AbortStream& abort) {
  (void)writable(abort.id, "a stream is aborted once, and not when it is over");
  streams_.erase(abort.id);
}

void Ledger::started(OperationId id, bool is_leave, bool may_last) {
  const std::uint64_t number = std::to_underlying(id);
  if (number == last_operation_ || operations_.contains(id)) {
    reporter_.require(((is_leave && leave_ == id) || move_ == id) && operations_.contains(id),
                      "an operation's id is used again only while a leave or a move is under way");
    return;
  }
  reporter_.require(number > last_operation_, "an operation's id is never used again");
  last_operation_ = number;
  operations_.emplace(id, may_last);
  if (is_leave) leave_ = id;
}

void Ledger::take(const Completion& completion) {
  const bool open = operations_.erase(completion.id) == 1;
  if (!open) {
    reporter_.violated("an operation completes once, and only if it was begun",
                       fmt::format("operation {}", std::to_underlying(completion.id)));
  }
  if (leave_ == completion.id) ++completed_leaves_;
}

std::size_t Ledger::bounded_operations() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count(operations_, false, &std::pair<const OperationId, bool>::second));
}

}  // namespace memberlist::sim
