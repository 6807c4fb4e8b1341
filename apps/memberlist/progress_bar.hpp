#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "sim_sweep.hpp"
#include "terminal_line.hpp"

namespace memberlist::cli {

/// How far a sweep is, and how long it will take.
class ProgressBar {
 public:
  /// `what` is done, such as `runs`.
  void draw(const SweepProgress& progress, std::string_view what) {
    constexpr int kCells = 30;
    const auto filled = static_cast<std::size_t>(progress.share * kCells);
    std::string text = fmt::format("[{:<{}}] {:3.0f} %  {} of {} {}", std::string(filled, '#'),
                                   kCells, 100 * progress.share, progress.done, progress.all, what);
    if (progress.share > 0.02) {
      const double passed = seconds();
      text += fmt::format("  {:.0f} s left", passed / progress.share - passed);
    }
    line_.draw(text);
  }

 private:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  }

  TerminalLine line_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace memberlist::cli
