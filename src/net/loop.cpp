#include "net/loop.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <utility>

#include "net/loop_context.hpp"

namespace memberlist::net {

Loop::Loop() : context_(std::make_unique<Context>()) {}

Loop::~Loop() = default;

void Loop::run() {
  const auto work = asio::make_work_guard(context_->io);
  context_->io.restart();
  context_->io.run();
}

void Loop::stop() {
  // By a task and not by io_context::stop() from outside: a stop that comes before `run` would be
  // undone by its restart().
  asio::post(context_->io, [context = context_.get()] { context->io.stop(); });
}

void Loop::post(Task task) { asio::post(context_->io, std::move(task)); }

TimePoint Loop::now() noexcept {
  return TimePoint(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

void Loop::on_deadline(std::function<void()> handler) {
  context_->on_deadline = std::move(handler);
}

void Loop::set_deadline(TimePoint when) {
  context_->wanted = when;
  // A later deadline lets the timer run: it finds out when it fires. Most deadlines are moved back
  // before they come, and this costs nothing then.
  if (when < context_->armed) arm();
}

void Loop::arm() {
  context_->armed = context_->wanted;
  if (context_->armed == kNever) return;
  context_->timer.expires_at(to_steady(context_->armed));
  context_->timer.async_wait([this](const asio::error_code& error) {
    if (error) return;  // armed anew for an earlier time
    context_->armed = kNever;
    if (context_->wanted > now()) return arm();
    context_->wanted = kNever;
    if (context_->on_deadline) context_->on_deadline();
  });
}

}  // namespace memberlist::net
