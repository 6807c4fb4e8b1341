// The whole engine under sequences of packets, stream events, deadlines and commands, from each
// interesting state, with its invariants checked after every step. An input is a program:
//
//   start state (1 byte), configuration (3), operations until the end
//
// Each fourth program is run twice: the same inputs must give the same outputs. FUZZ_TRACE=1 in the
// environment prints the steps of a program.

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "byte_source.hpp"
#include "driver.hpp"
#include "forge.hpp"
#include "program.hpp"
#include "start_states.hpp"
#include "world.hpp"

namespace memberlist::fuzz {
namespace {

std::vector<std::uint64_t> run(BytesView program, Forge& forge, Driver::Care care) {
  ByteSource in(program);
  const auto state = static_cast<StartState>(in.below(static_cast<std::size_t>(StartState::count)));
  const Setup setup = pick_setup(in);
  Driver driver(setup, forge, care);
  start_from(state, driver);
  run_program(in, driver);
  if (care != Driver::Care::quick) driver.drain();
  return driver.digests();
}

bool is_to_be_repeated(BytesView program) {
  constexpr unsigned kEvery = 4;
  unsigned sum = 0;
  for (const std::byte byte : program) sum += std::to_integer<unsigned>(byte);
  return sum % kEvery == 0;
}

void run_checked(BytesView program, Forge& forge) {
  const char* const wish = std::getenv("FUZZ_TRACE");
  const bool tracing = wish != nullptr && *wish == '1';
  const std::vector<std::uint64_t> first =
      run(program, forge, tracing ? Driver::Care::traced : Driver::Care::checked);
  if (!is_to_be_repeated(program)) return;
  const std::vector<std::uint64_t> second = run(program, forge, Driver::Care::quick);
  // The first run has its drain behind.
  const auto at = std::ranges::mismatch(first, second).in2;
  if (at == second.end()) return;
  Reporter(tracing).violated("the same inputs give the same outputs",
                             fmt::format("not in step {}", at - second.begin() + 1));
}

}  // namespace
}  // namespace memberlist::fuzz

/// Stacks of allocations take their time, and broken invariants do not show them: set this in
/// ASAN_OPTIONS to see more of a crash.
extern "C" const char* __asan_default_options() { return "malloc_context_size=1"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static memberlist::fuzz::Forge forge;  // its scratch space is worth keeping
  memberlist::fuzz::run_checked(std::as_bytes(std::span(data, size)), forge);
  return 0;
}
