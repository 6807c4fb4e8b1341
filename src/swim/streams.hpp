#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/journal.hpp"
#include "swim/local_node.hpp"
#include "swim/operations.hpp"
#include "swim/output_queue.hpp"
#include "swim/push_pull.hpp"
#include "swim/sealing_keys.hpp"
#include "swim/self_recognition.hpp"
#include "swim/stream_budget.hpp"
#include "wire/stream.hpp"

namespace memberlist::swim {

/// Receives the result of an exchange that was started elsewhere.
class StreamListener {
 public:
  StreamListener() = default;
  StreamListener(const StreamListener&) = delete;
  StreamListener& operator=(const StreamListener&) = delete;
  virtual ~StreamListener() = default;

  /// A fallback ping was answered.
  virtual void on_stream_ack(std::uint32_t seq_no) = 0;
  /// A push/pull that this node began has ended, merged or not.
  virtual void on_push_pull_ended(StreamId id, const Result<void>& result) = 0;
};

/// What Streams remembers beside the exchanges under way.
struct StreamsState {
  std::unordered_map<std::uint32_t, StreamId> pings_;  // by sequence number
  std::uint64_t last_id_ = 0;
  StreamBudget budget_;
  SelfRecognition self_recognition_;
  std::size_t served_push_pulls_ = 0;
};

/// What a Streams reads and changes.
struct StreamsUses {
  Clock& clock_;
  LocalNode& node_;
  ClusterView& cluster_;
  SealingKeys& keys_;
  OutputQueue& out_;
  Journal& journal_;
  PushPull& push_pull_;
  Operations& operations_;
  StreamListener& listener_;
};

/// Every stream exchange as a small state machine over bytes (protocol 3): push/pull, reliable user
/// message and fallback ping, on the dialling and on the answering side.
class Streams : StreamsState, StreamsUses {
 public:
  explicit Streams(const StreamsUses& uses) : StreamsUses(uses) {}
  Streams(const Streams& other, const StreamsUses& uses);

  [[nodiscard]] std::optional<StreamId> accept(const Address& from);
  void handle(StreamId id, const StreamEvent& event);
  void deadline(StreamId id);

  StreamId dial_push_pull(const Address& to, bool join);
  void dial_user_message(const Address& to, BytesView payload, OperationId operation);
  void dial_ping(const Address& to, std::string_view node, std::uint32_t seq_no,
                 TimePoint deadline);
  /// The ping's answer is not wanted any more.
  void abort_ping(std::uint32_t seq_no);
  /// Ends an exchange that this node started, and passes the reason to its listener.
  void stop_push_pull(StreamId id, const Error& why);
  /// Ends the exchange that sends this operation's message. False: there is none.
  bool stop_user_message(OperationId operation, const Error& why);

 private:
  enum class Kind : std::uint8_t { inbound, push_pull, user_message, ping };

  struct StreamFacts {
    Address peer;
    Kind kind = Kind::inbound;
    TimePoint dialled{};
    TimerHandle deadline_timer{};
    StreamPatience patience{};
    std::size_t held_bytes = 0;  // as the budget knows it
    std::size_t work_bytes = 0;  // that it caused beside unpacking
    Bytes request{};             // plain, sealed once connected
    OperationId operation{};
    std::uint32_t seq_no = 0;
    bool join = false;
    bool counted_push_pull = false;  // inbound: it is one of the push/pulls that are served
  };
  struct Stream : StreamFacts {
    Stream(const Address& with, Kind what, const wire::Sealing& sealing)
        : StreamFacts{.peer = with, .kind = what}, opener(sealing, what == Kind::inbound) {}
    Stream(const Stream& other, const wire::Sealing& sealing)
        : StreamFacts(other), opener(other.opener, sealing) {}

    wire::StreamOpener opener;
  };

  StreamId dial(Stream stream, TimePoint deadline);
  void connected(StreamId id, Stream& stream);
  void data(StreamId id, Stream& stream, BytesView bytes);
  void ended(StreamId id, Stream& stream);
  void failed(StreamId id, const Error& error);
  [[nodiscard]] wire::KnownStates* known_states(const Stream& stream);
  void note_received(Stream& stream, std::size_t bytes);
  void hold(Stream& stream, std::size_t bytes);
  void shed_heaviest();

  bool admit_push_pull(StreamId id, Stream& stream);
  void serve(StreamId id, Stream& stream);
  void serve_push_pull(StreamId id, Stream& stream, const wire::PushPullMessage& message);
  [[nodiscard]] bool may_answer_push_pull(StreamId id, const Stream& stream);
  void forget_name_holder();
  [[nodiscard]] Result<void> admits(const wire::PushPullMessage& message, const Address& from);
  void warn_of_size(const Stream& stream);
  void serve_ping(StreamId id, const wire::Ping& ping, const Address& from);
  void take_answer(StreamId id, Stream& stream);
  [[nodiscard]] Result<void> take_push_pull_answer(StreamId id, const Stream& stream);
  [[nodiscard]] Result<void> take_error(StreamId id, const Address& from, std::string_view text);
  void refuse(StreamId id, const Stream& stream, const wire::WireError& error,
              BytesView begin = {});
  void answer_error(StreamId id, std::string_view text);
  void send_error(StreamId id, std::string_view text);

  void send(StreamId id, Bytes plain, bool with_label_header);
  void send_sealed(StreamId id, Bytes sealed);
  // The stream has ended. `result` goes to the listener that started it.
  void finish(StreamId id, const Result<void>& result);
  void close(StreamId id) { out_.push(CloseStream{id}); }
  void abort(StreamId id) { out_.push(AbortStream{id}); }

  std::unordered_map<std::uint64_t, Stream> streams_;
  wire::LzwEncoder lzw_;
};

}  // namespace memberlist::swim
