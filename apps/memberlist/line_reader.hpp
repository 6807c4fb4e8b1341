#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "json_views.hpp"

namespace memberlist::cli {

/// Splits incoming bytes into lines, and passes their JSON on. The work is proportional to the
/// bytes, however small the pieces are.
class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{64} * 1024 * 1024;
  /// `more_at_hand`: a whole line follows. False: no more are wanted.
  using OnEvent = std::function<bool(const Json& event, bool more_at_hand)>;

  explicit LineReader(OnEvent on_event) : on_event_(std::move(on_event)) {}

  /// False: no more are wanted, or a line is too long.
  [[nodiscard]] bool feed(std::string_view bytes);

 private:
  OnEvent on_event_;
  std::string pending_;  // the beginning of a line
};

}  // namespace memberlist::cli
