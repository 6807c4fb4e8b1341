#pragma once

// Private to this room: datagrams in batches, over a plain descriptor.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
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
};

/// A datagram that could not be sent.
struct SendFailure {
  Address to;
  Error error;
};

/// Collects datagrams and sends them together.
class UdpSender {
 public:
  explicit UdpSender(Family family);
  ~UdpSender();

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
  struct Batch;
  enum class Sent : std::uint8_t { all, would_block };

  Sent send_batch(int descriptor, std::vector<SendFailure>& failures, std::size_t& done);
  void handle_failure(std::size_t index, int error, std::vector<SendFailure>& failures);
  bool clear_source(std::size_t index) noexcept;
  void clear_source_from(std::size_t index, const IpAddress& source) noexcept;
  void keep(const Address& to, const IpAddress& from, BytesView bytes);

  Family family_;
  std::unique_ptr<Batch> batch_;
  std::deque<Kept> waiting_;
  std::uint64_t dropped_ = 0;
};

/// Asks the system to keep ICMP errors about sent packets, if it can.
void enable_error_queue(int descriptor, Family family) noexcept;
/// The next packet in the kernel's error queue: one that the network could not deliver.
/// `std::nullopt`: the queue is empty (always, where there is none).
[[nodiscard]] std::optional<SendFailure> next_queued_error(int descriptor);

}  // namespace memberlist::net
