#include "api/event_queue.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "net/quiet_thread.hpp"

namespace memberlist::api {
namespace {

using Item = std::variant<Event, EventQueue::Task>;
using Work = std::variant<std::vector<Event>, EventQueue::Task>;

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
  State(Handler to_call, const EventQueueLimits& how) : handler(std::move(to_call)), limits(how) {}

  void run();
  std::optional<Work> take();  // waits; nothing: it is over
  std::vector<Event> take_batch();
  std::deque<Waiting>* next();  // the one whose first is the next in order; null if none waits
  void make_room();

  const Handler handler;
  const EventQueueLimits limits;

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
  while (const std::optional<Work> work = take()) {
    if (const auto* batch = std::get_if<std::vector<Event>>(&*work)) {
      handler(*batch);
    } else {
      std::get<Task> (*work)();
    }
  }
}

std::optional<Work> EventQueue::State::take() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [this] { return stopping || next() != nullptr; });
  std::deque<Waiting>* const first = next();
  if (first == nullptr) {
    stopped = true;  // from now on no task may be left here
    changed.notify_all();
    return std::nullopt;
  }
  Work work;
  if (auto* task = std::get_if<Task>(&first->front().item)) {
    work = std::move(*task);
    first->pop_front();
  } else {
    work = take_batch();
  }
  if (next() == nullptr) overflowing = false;
  return work;
}

std::vector<Event> EventQueue::State::take_batch() {
  std::vector<Event> batch;
  std::size_t bytes = 0;
  for (std::deque<Waiting>* from = next(); from != nullptr; from = next()) {
    Item& item = from->front().item;
    if (!std::holds_alternative<Event>(item) || batch.size() == limits.batch) break;
    const std::size_t more = payload_bytes(item).value_or(0);
    if (!batch.empty() && bytes + more > memberlist::limits::kEventBatchBytes) break;
    bytes += more;
    waiting_bytes -= more;
    batch.push_back(std::move(std::get<Event>(item)));
    from->pop_front();
  }
  return batch;
}

std::deque<Waiting>* EventQueue::State::next() {
  if (kept.empty() && messages.empty()) return nullptr;
  const bool message =
      kept.empty() || (!messages.empty() && messages.front().number < kept.front().number);
  return message ? &messages : &kept;
}

void EventQueue::State::make_room() {
  // One message alone is let in, however large: it is no larger than the protocol allows.
  while (messages.size() > limits.messages ||
         (messages.size() > 1 && waiting_bytes > limits.payload_bytes)) {
    waiting_bytes -= payload_bytes(messages.front().item).value_or(0);
    messages.pop_front();
    ++dropped;
  }
}

EventQueue::EventQueue(Handler handler, const EventQueueLimits& limits)
    : state_(std::make_shared<State>(std::move(handler), limits)) {
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
