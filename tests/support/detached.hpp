#pragma once

#include <coroutine>
#include <exception>

namespace memberlist::testing {

/// The minimal coroutine type: it runs until it suspends, and nobody waits for its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

}  // namespace memberlist::testing
