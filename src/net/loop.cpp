#include "net/loop.hpp"

#include <fmt/format.h>

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <exception>
#include <system_error>
#include <utility>

#include "net/loop_context.hpp"

namespace memberlist::net {

Loop::Loop() : context_(std::make_unique<Context>()) {
  // What waits for descriptors, and takes some itself, is made with the first object that needs it:
  // here, and not where an exception would pass through code that does not expect it.
  const asio::steady_timer first(context_->io);
}

Result<std::shared_ptr<Loop>> Loop::create() {
  try {
    return std::make_shared<Loop>();
  } catch (const std::system_error& error) {
    return fail(ErrorCode::system, fmt::format("cannot make an event loop: {}", error.what()));
  }
}

Loop::~Loop() = default;

void Loop::run() {
  const auto work = asio::make_work_guard(context_->io);
  context_->io.restart();
  if (context_->stop_at_once.exchange(false)) return;
  context_->io.run();
}

void Loop::stop() noexcept {
  // By a task, so that those before it run.
  try {
    asio::post(context_->io, [context = context_.get()] { context->io.stop(); });
  } catch (const std::exception&) {
    // The restart() of a `run` that only begins would undo the second one.
    context_->stop_at_once = true;
    context_->io.stop();
  }
}

void Loop::post(Task task) { asio::post(context_->io, std::move(task)); }

bool Loop::runs_here() const noexcept {
  return context_->io.get_executor().running_in_this_thread();
}

TimePoint Loop::now() noexcept {
  return TimePoint(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

// --- deadlines ----------------------------------------------------------------------------------

struct Deadline::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, std::function<void()> to_call)
      : timer(io), handler(std::move(to_call)) {}

  void arm();

  asio::steady_timer timer;
  std::function<void()> handler;
  TimePoint wanted = kNever;  // the moment as it was set last
  TimePoint armed = kNever;   // what the timer waits for; at most `wanted`
  bool over = false;
};

void Deadline::State::arm() {
  armed = wanted;
  if (armed == kNever) return;
  timer.expires_at(to_steady(armed));
  timer.async_wait([self = shared_from_this()](const asio::error_code& error) {
    if (error || self->over) return;  // armed anew for an earlier time, or destroyed
    self->armed = kNever;
    if (self->wanted > Loop::now()) return self->arm();
    self->wanted = kNever;
    self->handler();
  });
}

Deadline::Deadline(Loop& loop, std::function<void()> handler)
    : state_(std::make_shared<State>(loop.context().io, std::move(handler))) {}

Deadline::~Deadline() {
  state_->over = true;
  state_->timer.cancel();
}

void Deadline::set(TimePoint when) {
  state_->wanted = when;
  // If the deadline moves to a later time, the timer stays as it is and is set again when it fires.
  // Most deadlines are postponed before they are due, so this saves most of the work.
  if (when < state_->armed) state_->arm();
}

}  // namespace memberlist::net
