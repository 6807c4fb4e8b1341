#include "net/loop.hpp"

#include <fmt/format.h>

#include <cassert>
#include <exception>
#include <system_error>
#include <utility>

#include "net/loop_context.hpp"

// One turn of the loop: the tasks that were posted before it, the deadlines that are due, and then
// what is ready, for which it waits if nothing is to be done at once. Deadlines are in one heap,
// whose earliest is the timeout of the wait; setting one costs no system call.
namespace memberlist::net {
namespace {

// The loop whose `run` this thread is in.
thread_local const Loop* running_here = nullptr;

class Running {
 public:
  explicit Running(const Loop* loop) noexcept : outer_(std::exchange(running_here, loop)) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { running_here = outer_; }

 private:
  const Loop* outer_;
};

}  // namespace

struct Watch::State : std::enable_shared_from_this<State> {
  State(Loop::Context& of, int number, Handler to_call)
      : loop(of), descriptor(number), handler(std::move(to_call)) {}

  Loop::Context& loop;
  int descriptor;
  Handler handler;
  std::uint32_t place = 0;
  Readiness wanted;
};

struct Deadline::State : std::enable_shared_from_this<State> {
  State(Loop::Context& of, std::function<void()> to_call) : loop(of), handler(std::move(to_call)) {}

  Loop::Context& loop;
  std::function<void()> handler;
  TimerHandle timer;
};

// --- the loop -----------------------------------------------------------------------------------

Loop::Loop() : context_(std::make_unique<Context>()) {}

Result<std::shared_ptr<Loop>> Loop::create() {
  try {
    return std::make_shared<Loop>();
  } catch (const std::system_error& error) {
    return fail(ErrorCode::system, fmt::format("cannot make an event loop: {}", error.what()));
  }
}

Loop::~Loop() = default;

void Loop::run() {
  const Running running(this);
  Context& c = *context_;
  while (c.run_tasks()) {
    c.call_deadlines();
    c.wait();
  }
}

void Loop::stop() noexcept {
  // By a task, so that those before it run.
  try {
    post([context = context_.get()] { context->stops = true; });
  } catch (const std::exception&) {
    context_->stop_at_once = true;
    context_->poller.wake();
  }
}

void Loop::post(Task task) {
  Context& c = *context_;
  bool sleeps = false;
  {
    const std::lock_guard lock(c.mutex);
    c.posted.push_back(std::move(task));
    sleeps = std::exchange(c.sleeps, false);
  }
  if (sleeps) c.poller.wake();
}

bool Loop::runs_here() const noexcept { return running_here == this; }

TimePoint Loop::now() noexcept {
  return TimePoint(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

// --- one turn -----------------------------------------------------------------------------------

// What a task holds may post another one when it is destroyed.
Loop::Context::~Context() {
  while (!tasks.empty() || !posted.empty()) {
    const auto dropped = std::exchange(tasks, {});
    const std::lock_guard lock(mutex);
    tasks.swap(posted);
  }
}

/// False: a task has stopped the loop. Those behind it stay for the next `run`.
bool Loop::Context::run_tasks() {
  if (stop_at_once.exchange(false)) return false;
  if (tasks.empty()) {
    const std::lock_guard lock(mutex);
    tasks.swap(posted);
  }
  while (!tasks.empty()) {
    const Task task = std::move(tasks.front());
    tasks.pop_front();
    task();
    if (std::exchange(stops, false) || stop_at_once.exchange(false)) return false;
  }
  return true;
}

/// Those that are due by now, and none that their handlers set anew.
void Loop::Context::call_deadlines() {
  if (deadlines.empty()) return;
  const TimePoint now = Loop::now();
  for (std::size_t left = deadlines.size(); left > 0; --left) {
    const auto due = deadlines.pop_due(now);
    if (!due) return;
    const auto kept = (*due)->shared_from_this();
    kept->handler();
  }
}

void Loop::Context::wait() {
  std::optional<Duration> timeout;
  if (const TimePoint next = deadlines.next(); next != kNever) timeout = next - Loop::now();
  {
    const std::lock_guard lock(mutex);
    sleeps = posted.empty();
    if (!sleeps) timeout = Duration::zero();
  }
  const std::span<const Poller::Ready> all = poller.wait(timeout);
  {
    const std::lock_guard lock(mutex);
    sleeps = false;
  }
  for (const Poller::Ready& ready : all) {
    const Place place = places[static_cast<std::uint32_t>(ready.key)];
    if (place.watch == nullptr || place.generation != ready.key >> 32) continue;
    const auto kept = place.watch->shared_from_this();
    const Readiness is{.read = ready.is.read && kept->wanted.read,
                       .write = ready.is.write && kept->wanted.write};
    if (is.any()) kept->handler(is);
  }
}

// --- descriptors --------------------------------------------------------------------------------

Watch::Watch(Loop::Context& loop, int descriptor, Handler handler)
    : state_(std::make_shared<State>(loop, descriptor, std::move(handler))) {
  if (loop.free_places.empty()) {
    state_->place = static_cast<std::uint32_t>(loop.places.size());
    loop.places.emplace_back();
    loop.free_places.reserve(loop.places.capacity());  // so that the destructor takes no memory
  } else {
    state_->place = loop.free_places.back();
    loop.free_places.pop_back();
  }
  loop.places[state_->place].watch = state_.get();
}

Watch::~Watch() {
  (void)want({});
  Loop::Context::Place& place = state_->loop.places[state_->place];
  place.watch = nullptr;
  ++place.generation;
  state_->loop.free_places.push_back(state_->place);
}

int Watch::want(Readiness readiness) {
  State& s = *state_;
  if (readiness == s.wanted) return 0;
  const std::uint64_t key = std::uint64_t{s.loop.places[s.place].generation} << 32 | s.place;
  const int error = s.loop.poller.want(s.descriptor, key, s.wanted, readiness);
  s.wanted = error == 0 ? readiness : Readiness{};
  return error;
}

Readiness Watch::wanted() const noexcept { return state_->wanted; }

// --- deadlines ----------------------------------------------------------------------------------

Deadline::Deadline(Loop& loop, std::function<void()> handler)
    : Deadline(loop.context(), std::move(handler)) {}

Deadline::Deadline(Loop::Context& loop, std::function<void()> handler)
    : state_(std::make_shared<State>(loop, std::move(handler))) {}

Deadline::~Deadline() { state_->loop.deadlines.cancel(state_->timer); }

void Deadline::set(TimePoint when) {
  State& s = *state_;
  TimerHeap<State*>& deadlines = s.loop.deadlines;
  if (when == kNever) {
    deadlines.cancel(s.timer);
  } else if (!deadlines.reschedule(s.timer, when)) {
    s.timer = deadlines.schedule(when, state_.get());
  }
}

}  // namespace memberlist::net
