#pragma once

// Private to this room: datagrams in batches, over a plain descriptor.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "memberlist/transport.hpp"
#include "net/socket_address.hpp"

namespace memberlist::net {

/// Datagrams of one system call.
inline constexpr std::size_t kBatchPackets = 32;

/// Receives into buffers that are kept. Their pages are touched only as far as packets reach.
class UdpReceiver {
 public:
  UdpReceiver();
  ~UdpReceiver();

  /// Receives at most kBatchPackets datagrams; views are valid until the next call. Empty if there
  /// is none, or if the socket has an error to report (`errno` in `error`; 0 otherwise). With
  /// `packet_info` the socket reports the destination of each (enable_packet_info).
  [[nodiscard]] std::span<const ReceivedPacket> receive(int descriptor, bool packet_info,
                                                        int& error);

 private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
  std::vector<ReceivedPacket> packets_;
  bool packet_info_ = false;          // of the last call
  std::size_t used_ = kBatchPackets;  // headers to be set up again
};

/// Datagrams that are collected for one system call.
struct UdpBatch;
struct UdpBatchDeleter {
  void operator()(UdpBatch* batch) const noexcept;
};
using UdpBatchPointer = std::unique_ptr<UdpBatch, UdpBatchDeleter>;

/// Empty batches, for the senders of one loop: each needs one only while it collects.
class UdpBatches {
 public:
  [[nodiscard]] UdpBatchPointer take();
  void give_back(UdpBatchPointer batch) { free_.push_back(std::move(batch)); }

 private:
  std::vector<UdpBatchPointer> free_;
};

/// A datagram that could not be sent.
struct SendFailure {
  Address to;
  Error error;
};

/// Collects datagrams and sends them together.
class UdpSender {
 public:
  explicit UdpSender(Family family) noexcept : family_(family) {}

  /// Where it takes its batches from, from now on; they must outlive it. By default it makes them.
  void share(UdpBatches& batches) noexcept { batches_ = &batches; }

  /// Puts a datagram into the batch; its bytes must stay until `flush`. True: the batch is full. It
  /// leaves from `from` if that is given and an address of this machine; the socket is then one for
  /// all addresses (enable_packet_info).
  bool add(const Address& to, BytesView bytes, const IpAddress& from = {});
  /// Sends the batch. Packets that the socket does not accept now are copied into a bounded queue;
  /// `waiting()` is true then, and `retry` wanted once the socket is writable. Failures are
  /// appended.
  void flush(int descriptor, std::vector<SendFailure>& failures);
  /// Sends the waiting packets, in order.
  void retry(int descriptor, std::vector<SendFailure>& failures);

  [[nodiscard]] bool waiting() const noexcept { return !waiting_.empty(); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  struct Kept {
    Address to;
    IpAddress from;
    Bytes bytes;
  };
  enum class Sent : std::uint8_t { all, would_block };

  [[nodiscard]] UdpBatch& batch();
  void end_batch();
  Sent send_batch(int descriptor, std::vector<SendFailure>& failures, std::size_t& done);
  void handle_failure(std::size_t index, int error, std::vector<SendFailure>& failures);
  bool clear_source(std::size_t index) noexcept;
  void clear_source_from(std::size_t index, const IpAddress& source) noexcept;
  void keep(const Address& to, const IpAddress& from, BytesView bytes);

  Family family_;
  UdpBatches* batches_ = nullptr;
  UdpBatchPointer batch_;  // null: nothing is collected
  std::vector<Kept> waiting_;
  std::uint64_t dropped_ = 0;
};

/// Asks the system to keep ICMP errors about sent packets, if it can.
void enable_error_queue(int descriptor, Family family) noexcept;
/// The next packet in the kernel's error queue: one that the network could not deliver.
/// `std::nullopt`: the queue is empty (always, where there is none).
[[nodiscard]] std::optional<SendFailure> next_queued_error(int descriptor);

}  // namespace memberlist::net
