#include "json_lines.hpp"

#include <utility>

namespace memberlist::interop {

bool JsonLines::read(Timeout timeout) {
  const std::optional<std::string> line = process_.read_line(timeout);
  if (!line.has_value()) return false;
  // A line that is no JSON breaks the promise of the peer's output: parse throws, the test fails.
  nlohmann::json value = nlohmann::json::parse(*line);
  if (value.contains("event")) {
    events_.push_back(std::move(value));
  } else {
    const int id = value.at("id").get<int>();
    answers_[id] = std::move(value);
  }
  return true;
}

const std::vector<nlohmann::json>& JsonLines::events() {
  while (read(Timeout::zero())) {
  }
  return events_;
}

std::optional<nlohmann::json> JsonLines::wait_for(const Predicate& wanted, Timeout timeout,
                                                  std::size_t from) {
  const auto deadline = Clock::now() + timeout;
  for (std::size_t next = from;; ++next) {
    while (next >= events_.size()) {
      if (!read(left_until(deadline))) return std::nullopt;
    }
    if (wanted(events_[next])) return events_[next];
  }
}

std::optional<nlohmann::json> JsonLines::answer(int id, Timeout timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!answers_.contains(id)) {
    if (!read(left_until(deadline))) return std::nullopt;
  }
  return answers_.extract(id).mapped();
}

}  // namespace memberlist::interop
