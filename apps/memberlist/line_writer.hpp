#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace memberlist::cli {

/// Limits for lines that wait to be written. The newest line is always accepted, whatever its size.
struct LineLimits {
  std::size_t lines = 8192;
  std::size_t bytes = std::size_t{8} * 1024 * 1024;
};

/// Writes lines to a descriptor on a separate thread, so that a slow reader never blocks the
/// caller: with a full pipe, a stopped terminal or a slow disk, lines are lost, the oldest first.
/// So they are if the descriptor refuses them. The next line that can be written follows one with
/// the number of lost lines. Any thread.
class LineWriter {
 public:
  /// Makes the line about the lost ones, with its line end.
  using TellLost = std::function<std::string(std::uint64_t count)>;

  LineWriter(int fd, TellLost tell_lost, LineLimits limits = {});
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  /// Closes it, with `kLastLinesTimeout`.
  ~LineWriter();

  /// For a line with its line end.
  void push(std::string line);
  /// Writes the remaining lines, for at most `timeout`; no new ones are accepted.
  void close(std::chrono::milliseconds timeout);
  /// Lines that will never be written.
  [[nodiscard]] std::uint64_t lost() const;

  static constexpr std::chrono::milliseconds kLastLinesTimeout{700};

 private:
  class Queue;

  std::shared_ptr<Queue> queue_;
  std::thread thread_;
};

/// Writes the bytes as long as the descriptor accepts some within `patience`. False if it does not
/// accept all.
[[nodiscard]] bool write_within(int fd, std::string_view bytes,
                                std::chrono::milliseconds patience) noexcept;

}  // namespace memberlist::cli
