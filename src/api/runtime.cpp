#include "memberlist/runtime.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <new>
#include <system_error>
#include <utility>

#include "api/runtime_impl.hpp"
#include "net/quiet_thread.hpp"

namespace memberlist {

Result<std::shared_ptr<Runtime::Impl>> Runtime::Impl::start() {
  auto loop = net::Loop::create();
  if (!loop) return std::unexpected(std::move(loop.error()));
  auto impl = std::make_shared<Impl>(std::move(*loop));
  try {
    impl->thread_ = net::start_quiet_thread([loop = impl->loop_] { loop->run(); });
  } catch (const std::system_error& error) {
    return fail(ErrorCode::system, fmt::format("cannot start a thread: {}", error.what()));
  }
  return impl;
}

Runtime::Impl::~Impl() {
  if (fork_guard_.in_child()) {
    // It can be neither joined nor detached, so its handle is never destroyed.
    alignas(std::thread) std::array<std::byte, sizeof(std::thread)> left_alone;
    new (left_alone.data()) std::thread(std::move(thread_));
  } else if (on_own_thread()) {
    loop_->stop();
    thread_.detach();
  } else {
    stop();
  }
}

void Runtime::Impl::stop() {
  const std::lock_guard lock(stopping_);
  if (!thread_.joinable()) return;
  loop_->stop();
  thread_.join();
}

Result<Runtime> Runtime::create() {
  auto impl = Impl::start();
  if (!impl) return std::unexpected(std::move(impl.error()));
  return Runtime(std::move(*impl));
}

Runtime::Runtime(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Runtime::Runtime(const Runtime&) noexcept = default;
Runtime::Runtime(Runtime&&) noexcept = default;
Runtime& Runtime::operator=(const Runtime&) noexcept = default;
Runtime& Runtime::operator=(Runtime&&) noexcept = default;
Runtime::~Runtime() = default;

}  // namespace memberlist
