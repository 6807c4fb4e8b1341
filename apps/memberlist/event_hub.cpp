#include "event_hub.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "event_text.hpp"
#include "output.hpp"

namespace memberlist::cli {

namespace {

Json lost_json(std::uint64_t count) {
  Json json = plain_event_json("lost", std::chrono::system_clock::now());
  json["count"] = count;
  return json;
}

std::string printed(const Json& event, EventFormat format, bool colour) {
  return (format == EventFormat::json ? to_line(event) : event_text(event, colour)) + "\n";
}

}  // namespace

void EventSubscription::push(Line line) {
  const std::scoped_lock lock(mutex_);
  queued_bytes_ += line->size();
  queue_.push_back(std::move(line));
  // The newest is kept, so that a subscriber learns about a huge message, too.
  while (queue_.size() > 1 && (queue_.size() > limits_.lines || queued_bytes_ > limits_.bytes)) {
    queued_bytes_ -= queue_.front()->size();
    queue_.pop_front();
    ++lost_;
  }
  changed_.notify_all();
  if (wake_ && queue_.size() == 1) wake_();
}

void EventSubscription::end() {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
  if (wake_) wake_();
}

EventSubscription::Next EventSubscription::next(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [this] { return ended_ || !queue_.empty(); });
  if (lost_ > 0) return {State::line, to_line(lost_json(std::exchange(lost_, 0))) + "\n"};
  if (!queue_.empty()) {
    const Line line = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= line->size();
    return {State::line, *line};
  }
  return {ended_ ? State::ended : State::nothing_yet, {}};
}

EventHub::EventHub(EventFormat format, EventLimits limits)
    : format_(format), colour_(colour_wanted()), limits_(limits) {
  if (format_ != EventFormat::off) {
    output_.emplace(STDOUT_FILENO, [format, colour = colour_](std::uint64_t count) {
      return printed(lost_json(count), format, colour);
    });
  }
}

void EventHub::ready(const Json& event) {
  {
    const std::scoped_lock lock(mutex_);
    ready_line_ = std::make_shared<const std::string>(to_line(event) + "\n");
  }
  print(event);
}

void EventHub::publish(const Json& event) {
  const auto line = std::make_shared<const std::string>(to_line(event) + "\n");
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& weak : subscribers_) {
      if (const auto subscriber = weak.lock()) subscriber->push(line);
    }
    forget_gone_subscribers();
  }
  print(event);
  if (event.value("event", "") == "left") {
    const std::scoped_lock lock(mutex_);
    left_ = true;
    changed_.notify_all();
  }
}

std::shared_ptr<EventSubscription> EventHub::subscribe(std::function<void()> wake) {
  const std::scoped_lock lock(mutex_);
  forget_gone_subscribers();
  if (closed_ || subscribers_.size() >= kMaxSubscribers) return nullptr;
  auto subscription = std::make_shared<EventSubscription>(limits_, std::move(wake));
  if (ready_line_ != nullptr) subscription->push(ready_line_);
  subscribers_.push_back(subscription);
  return subscription;
}

std::size_t EventHub::subscriber_count() {
  const std::scoped_lock lock(mutex_);
  forget_gone_subscribers();
  return subscribers_.size();
}

bool EventHub::wait_until_left(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return left_; });
}

void EventHub::close(std::chrono::milliseconds timeout) {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    for (const auto& weak : subscribers_) {
      if (const auto subscriber = weak.lock()) subscriber->end();
    }
  }
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (subscriber_count() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  if (output_) output_->close(LineWriter::kLastLinesTimeout);
}

std::uint64_t EventHub::lost() const { return output_ ? output_->lost() : 0; }

void EventHub::print(const Json& event) {
  if (output_) output_->push(printed(event, format_, colour_));
}

void EventHub::forget_gone_subscribers() {
  std::erase_if(subscribers_, [](const auto& weak) { return weak.expired(); });
}

}  // namespace memberlist::cli
