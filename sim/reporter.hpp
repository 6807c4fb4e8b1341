#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

namespace memberlist::sim {

/// Knows which step of a program is being done, so that whoever finds a broken invariant can say
/// so; prints the steps if `FUZZ_TRACE` is set in the environment.
class Reporter {
 public:
  explicit Reporter(bool tracing) noexcept : tracing_(tracing) {}

  [[nodiscard]] bool tracing() const noexcept { return tracing_; }
  [[nodiscard]] std::size_t step() const noexcept { return step_; }
  /// A step begins; `what` is a literal.
  void begin_step(const char* what) noexcept {
    ++step_;
    what_ = what;
  }
  /// Prints one line about the step, if lines are wanted.
  void trace(std::string_view text) const;

  /// Says which invariant is broken, and aborts the process.
  [[noreturn]] void violated(std::string_view invariant, std::string_view detail) const;
  void require(bool holds, std::string_view invariant) const {
    if (!holds) violated(invariant, {});
  }
  /// `detail` is a callable that makes the text, and is called only if it is needed.
  template <class Detail>
  void require(bool holds, std::string_view invariant, Detail&& detail) const {
    if (!holds) violated(invariant, std::forward<Detail>(detail)());
  }

 private:
  bool tracing_;
  std::size_t step_ = 0;
  const char* what_ = "start";
};

}  // namespace memberlist::sim
