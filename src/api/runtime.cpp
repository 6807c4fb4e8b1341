#include "memberlist/runtime.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "api/runtime_impl.hpp"
#include "net/quiet_thread.hpp"

namespace memberlist {
namespace {

Result<std::shared_ptr<RecordStore>> make_record_store() try {
  // With libstdc++ this is the system's secure generator, or the processor's.
  std::random_device entropy;
  std::array<std::byte, 16> secret{};
  std::ranges::generate(secret, [&] { return static_cast<std::byte>(entropy()); });
  return std::make_shared<RecordStore>(secret);
} catch (const std::runtime_error& error) {
  return fail(ErrorCode::system, fmt::format("there are no random numbers: {}", error.what()));
}

}  // namespace

Result<std::shared_ptr<Runtime::Impl>> Runtime::Impl::start(std::shared_ptr<RecordStore> records) {
  auto loop = net::Loop::create();
  if (!loop) return std::unexpected(std::move(loop.error()));
  auto impl = std::make_shared<Impl>(std::move(*loop), std::move(records));
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

Result<Runtime> Runtime::create(std::shared_ptr<RecordStore> records) {
  if (records == nullptr) {
    auto made = make_record_store();
    if (!made) return std::unexpected(std::move(made.error()));
    records = std::move(*made);
  }
  auto impl = Impl::start(std::move(records));
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
