#include "bench/allocations.hpp"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> allocations{0};
std::atomic<std::uint64_t> taken{0};
std::atomic<std::uint64_t> given_back{0};

void* count(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  allocations.fetch_add(1, std::memory_order_relaxed);
  taken.fetch_add(::malloc_usable_size(memory), std::memory_order_relaxed);
  return memory;
}

void* allocate(std::size_t size) { return count(std::malloc(size == 0 ? 1 : size)); }

void* allocate(std::size_t size, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  return count(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}

void give_back(void* memory) noexcept {
  if (memory == nullptr) return;
  given_back.fetch_add(::malloc_usable_size(memory), std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, alignment);
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }

namespace memberlist::bench {

std::uint64_t allocation_count() noexcept { return allocations.load(std::memory_order_relaxed); }

std::uint64_t allocated_bytes() noexcept { return taken.load(std::memory_order_relaxed); }

std::int64_t live_bytes() noexcept {
  return static_cast<std::int64_t>(allocated_bytes() - given_back.load(std::memory_order_relaxed));
}

}  // namespace memberlist::bench
