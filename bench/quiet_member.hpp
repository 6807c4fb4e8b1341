#pragma once

#include <cstdint>
#include <vector>

#include "bench/samples.hpp"

namespace memberlist::bench {

/// An input at its time: a packet, or, if there is none, a deadline.
struct Step {
  TimePoint at;
  Bytes packet;
  Address from;
};
using Period = std::vector<Step>;

/// One of so many members of a cluster in which nothing happens but probes. Two of them do the
/// same: the first is asked ahead of time what it sends, so that the second can be given the
/// answers while it is measured.
class QuietMember {
 public:
  explicit QuietMember(std::uint32_t members);

  /// The next probe period, with the answers of the others.
  [[nodiscard]] Period live();
  void repeat(const Period& period);
  [[nodiscard]] const Engine& engine() const noexcept { return engine_; }

 private:
  [[nodiscard]] Bytes seal(BytesView message);
  void take(const Step& step);
  [[nodiscard]] std::vector<Step> answers(TimePoint when);
  [[nodiscard]] Bytes ack(std::uint32_t seq_no);

  wire::Sealing plain_;
  wire::PacketSealer sealer_;
  wire::PacketOpener opener_;
  Engine engine_;
};

}  // namespace memberlist::bench
