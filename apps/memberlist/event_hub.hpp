#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "json_views.hpp"
#include "line_writer.hpp"

namespace memberlist::cli {

/// How the agent writes events to standard output.
enum class EventFormat : std::uint8_t { json, text, off };

/// Limits for one subscriber's queue. The newest line is always accepted, whatever its size.
struct EventLimits {
  std::size_t lines = 1024;
  std::size_t bytes = std::size_t{8} * 1024 * 1024;
};

/// A subscriber that reads events at its own pace. Events that it does not read in time are
/// dropped, the oldest first, and it gets their number. Any thread.
class EventSubscription {
 public:
  enum class State : std::uint8_t { line, nothing_yet, ended };
  struct Next {
    State state = State::nothing_yet;
    std::string line;  ///< with its line end
  };

  /// The next line; waits at most `timeout` for one.
  [[nodiscard]] Next next(std::chrono::milliseconds timeout);

  EventSubscription(EventLimits limits, std::function<void()> wake)
      : limits_(limits), wake_(std::move(wake)) {}

 private:
  friend class EventHub;
  using Line = std::shared_ptr<const std::string>;

  void push(Line line);
  void end();

  const EventLimits limits_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Line> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t lost_ = 0;
  bool ended_ = false;
};

/// Passes each event to standard output and to all subscribers. Any thread.
class EventHub {
 public:
  static constexpr std::size_t kMaxSubscribers = 16;

  explicit EventHub(EventFormat format, EventLimits limits = {});

  /// Publishes the first line, also for later subscribers.
  void ready(const Json& event);
  void publish(const Json& event);

  /// Null at the limit of `kMaxSubscribers`, or after `close`. A subscription ends when its last
  /// holder releases it. `wake` is called when there is something to read after there was nothing,
  /// and at the end, on any thread: it must return immediately, and must call neither hub nor
  /// subscription.
  [[nodiscard]] std::shared_ptr<EventSubscription> subscribe(std::function<void()> wake = {});
  [[nodiscard]] std::size_t subscriber_count();

  /// Waits until `left` was published; false if it was not within `timeout`.
  [[nodiscard]] bool wait_until_left(std::chrono::milliseconds timeout);

  /// Ends all subscriptions once their queues have been read; waits for that, at most `timeout`.
  void close(std::chrono::milliseconds timeout);

  /// Lines that could not be written to standard output.
  [[nodiscard]] std::uint64_t lost() const;

 private:
  void print(const Json& event);
  void forget_gone_subscribers();

  const EventFormat format_;
  const bool colour_;
  const EventLimits limits_;
  std::mutex mutex_;
  std::optional<LineWriter> output_;  // none with the format `off`
  std::condition_variable changed_;
  std::vector<std::weak_ptr<EventSubscription>> subscribers_;
  EventSubscription::Line ready_line_;
  bool left_ = false;
  bool closed_ = false;
};

}  // namespace memberlist::cli
