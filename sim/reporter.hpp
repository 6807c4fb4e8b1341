#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace memberlist::sim {

/// Says which invariant of an engine is broken.
class BrokenInvariant : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Knows which step of a program is being done, so that whoever finds a broken invariant can say
/// so; prints the steps if `FUZZ_TRACE` is set in the environment.
class Reporter {
 public:
  /// What a broken invariant does: end the process, or throw a BrokenInvariant.
  enum class OnViolation : std::uint8_t { aborts, throws };

  explicit Reporter(bool tracing, OnViolation on_violation = OnViolation::aborts) noexcept
      : tracing_(tracing), on_violation_(on_violation) {}

  [[nodiscard]] bool tracing() const noexcept { return tracing_; }
  [[nodiscard]] std::size_t step() const noexcept { return step_; }
  /// A step begins; `what` is a literal.
  void begin_step(const char* what) noexcept {
    ++step_;
    what_ = what;
  }
  /// Prints one line about the step, if lines are wanted.
  void trace(std::string_view text) const;

  /// Says which invariant is broken.
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
  OnViolation on_violation_;
  std::size_t step_ = 0;
  const char* what_ = "start";
};

}  // namespace memberlist::sim
