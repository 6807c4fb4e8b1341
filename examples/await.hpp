#pragma once

#include <chrono>
#include <thread>

// For the examples that show several members in one process: main() polls until all of them have
// learned of a change. Your own program reacts to events instead (Handlers::on_events).
namespace examples {

/// Whether the condition came true within a minute; it takes milliseconds as a rule.
template <class Condition>
bool await(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace examples
