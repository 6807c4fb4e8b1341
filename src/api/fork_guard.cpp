#include "api/fork_guard.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>

namespace memberlist::api {
namespace {

// The system gives whole pages, and clears whole ones.
constexpr std::size_t kMarkBytes = 1;

void* page_cleared_in_children() noexcept {
#if defined(MADV_WIPEONFORK)
  void* const page =
      ::mmap(nullptr, kMarkBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (::madvise(page, kMarkBytes, MADV_WIPEONFORK) == 0) return page;
  ::munmap(page, kMarkBytes);
#endif
  return nullptr;
}

}  // namespace

ForkGuard::ForkGuard() noexcept : owner_(::getpid()) {
  void* const page = page_cleared_in_children();
  if (page != nullptr) mark_ = new (page) std::atomic<std::uint8_t>(1);
}

ForkGuard::~ForkGuard() {
  if (mark_ != nullptr) ::munmap(mark_, kMarkBytes);
}

bool ForkGuard::is_other_process() const noexcept { return ::getpid() != owner_; }

}  // namespace memberlist::api
