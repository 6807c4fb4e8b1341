#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "../support/process.hpp"
#include "wait.hpp"

namespace memberlist::interop {

/// Reads a child's standard output as one JSON object a line: events, which are kept in order, and
/// answers (those with an `id`), which are kept until they are asked for.
class JsonLines {
 public:
  using Predicate = std::function<bool(const nlohmann::json&)>;

  /// `process` must outlive this.
  explicit JsonLines(testing::Process& process) : process_(process) {}

  /// All events up to now.
  const std::vector<nlohmann::json>& events();
  /// The first event from number `from` on that `wanted` accepts, waiting for it if need be.
  std::optional<nlohmann::json> wait_for(const Predicate& wanted, Timeout timeout,
                                         std::size_t from = 0);
  std::optional<nlohmann::json> answer(int id, Timeout timeout);

 private:
  /// Takes in one line; false if there was none in time.
  bool read(Timeout timeout);

  testing::Process& process_;
  std::vector<nlohmann::json> events_;
  std::map<int, nlohmann::json> answers_;
};

}  // namespace memberlist::interop
