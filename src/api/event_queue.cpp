#include "api/event_queue.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "net/quiet_thread.hpp"

namespace memberlist::api {
namespace {

using Item = std::variant<Event, EventQueue::Task>;

struct Waiting {
  std::uint64_t number = 0;  // the order over both queues
  Item item;
};

// Bytes that others have put into an event; nothing for what must not be dropped.
std::optional<std::size_t> payload_bytes(const Item& item) {
  if (!std::holds_alternative<Event>(item)) return std::nullopt;
  const Event& event = std::get<Event>(item);
  if (const auto* message = std::get_if<UserMessage>(&event)) return message->payload.size();
  if (const auto* merged = std::get_if<StateMerged>(&event)) return merged->state.size();
  return std::nullopt;
}

}  // namespace

struct EventQueue::State {
  State(Handler to_call, std::size_t messages_limit, std::size_t bytes_limit)
      : handler(std::move(to_call)), max_messages(messages_limit), max_payload_bytes(bytes_limit) {}

  void run();
  std::optional<Item> take();  // waits; nothing: it is over
  void make_room();

  const Handler handler;
  const std::size_t max_messages;
  const std::size_t max_payload_bytes;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Waiting> kept;      // never dropped
  std::deque<Waiting> messages;  // bounded
  std::size_t waiting_bytes = 0;
  std::uint64_t last_number = 0;
  std::uint64_t dropped = 0;
  bool overflowing = false;  // since the queue was last empty
  bool stopping = false;
  bool stopped = true;  // there is no thread, or it has ended
};

void EventQueue::State::run() {
  while (const std::optional<Item> item = take()) {
    if (const auto* event = std::get_if<Event>(&*item)) {
      handler(*event);
    } else {
      std::get<Task> (*item)();
    }
  }
}

std::optional<Item> EventQueue::State::take() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [this] { return stopping || !kept.empty() || !messages.empty(); });
  if (kept.empty() && messages.empty()) {
    stopped = true;  // from now on no task may be left here
    changed.notify_all();
    return std::nullopt;
  }
  const bool message =
      kept.empty() || (!messages.empty() && messages.front().number < kept.front().number);
  std::deque<Waiting>& from = message ? messages : kept;
  Item item = std::move(from.front().item);
  from.pop_front();
  waiting_bytes -= payload_bytes(item).value_or(0);
  if (kept.empty() && messages.empty()) overflowing = false;
  return item;
}

void EventQueue::State::make_room() {
  // One message alone is let in, however large: it is no larger than the protocol allows.
  while (messages.size() > max_messages ||
         (messages.size() > 1 && waiting_bytes > max_payload_bytes)) {
    waiting_bytes -= payload_bytes(messages.front().item).value_or(0);
    messages.pop_front();
    ++dropped;
  }
}

EventQueue::EventQueue(Handler handler, std::size_t max_messages, std::size_t max_payload_bytes)
    : state_(std::make_shared<State>(std::move(handler), max_messages, max_payload_bytes)) {
  if (has_handler()) start();
}

EventQueue::~EventQueue() {
  stop(false);
  if (!thread_.joinable()) return;
  if (on_own_thread()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void EventQueue::start() {
  state_->stopped = false;
  try {
    thread_ = net::start_quiet_thread([state = state_] { state->run(); });
  } catch (...) {
    state_->stopped = true;
    throw;
  }
}

bool EventQueue::has_handler() const noexcept { return static_cast<bool>(state_->handler); }

bool EventQueue::push(std::span<Event> events) {
  if (events.empty()) return false;
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  if (s.stopping) return false;
  const std::uint64_t dropped_before = s.dropped;
  for (Event& event : events) {
    Item item = std::move(event);
    const auto bytes = payload_bytes(item);
    s.waiting_bytes += bytes.value_or(0);
    (bytes ? s.messages : s.kept).push_back({++s.last_number, std::move(item)});
    if (bytes) s.make_room();
  }
  s.changed.notify_all();
  if (s.dropped == dropped_before) return false;
  return !std::exchange(s.overflowing, true);
}

void EventQueue::run(Task task) {
  if (!hand_to_thread(task)) without_thread_.run(std::move(task));
}

bool EventQueue::hand_to_thread(Task& task) {
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  if (!thread_.joinable() && !s.stopping && !without_thread_.busy()) {
    try {
      start();
    } catch (const std::exception&) {
      // No thread is to be had: on this one is better than never.
    }
  }
  if (s.stopped) return false;
  s.kept.push_back({++s.last_number, std::move(task)});
  s.changed.notify_all();
  return true;
}

std::uint64_t EventQueue::dropped() const {
  const std::lock_guard lock(state_->mutex);
  return state_->dropped;
}

void EventQueue::stop(bool deliver_rest) {
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  s.stopping = true;
  if (!deliver_rest) {
    // A task delivers the outcome of a call, which must always arrive.
    std::erase_if(
        s.kept, [](const Waiting& waiting) { return std::holds_alternative<Event>(waiting.item); });
    s.messages.clear();
    s.waiting_bytes = 0;
  }
  s.changed.notify_all();
}

void EventQueue::wait_until_stopped() {
  if (on_own_thread()) return;
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->stopped; });
}

bool EventQueue::on_own_thread() const {
  const std::lock_guard lock(state_->mutex);
  return thread_.get_id() == std::this_thread::get_id();
}

}  // namespace memberlist::api
