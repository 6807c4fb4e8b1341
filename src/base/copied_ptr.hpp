#pragma once

#include <memory>
#include <utility>

namespace memberlist {

/// Owns a value on the heap, or none. Copying copies the value.
template <class T>
class CopiedPtr {
 public:
  CopiedPtr() = default;
  explicit CopiedPtr(T value) : value_(std::make_unique<T>(std::move(value))) {}
  CopiedPtr(const CopiedPtr& other) : value_(other ? std::make_unique<T>(*other) : nullptr) {}
  CopiedPtr& operator=(const CopiedPtr& other) {
    if (this != &other) *this = CopiedPtr(other);
    return *this;
  }
  CopiedPtr(CopiedPtr&&) noexcept = default;
  CopiedPtr& operator=(CopiedPtr&&) noexcept = default;
  ~CopiedPtr() = default;

  [[nodiscard]] T& operator*() const noexcept { return *value_; }
  [[nodiscard]] T* operator->() const noexcept { return value_.get(); }
  [[nodiscard]] T* get() const noexcept { return value_.get(); }
  [[nodiscard]] explicit operator bool() const noexcept { return value_ != nullptr; }
  friend bool operator==(const CopiedPtr& pointer, std::nullptr_t) noexcept {
    return pointer.value_ == nullptr;
  }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace memberlist
