#include "sim/reporter.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace memberlist::sim {

void Reporter::trace(std::string_view text) const {
  if (tracing_) fmt::print(stderr, "{:4} {}\n", step_, text);
}

void Reporter::violated(std::string_view invariant, std::string_view detail) const {
  if (on_violation_ == OnViolation::throws) {
    throw BrokenInvariant(fmt::format("{}{}{}", invariant, detail.empty() ? "" : ": ", detail));
  }
  fmt::print(stderr, "broken invariant in step {} ({}): {}{}{}\n", step_, what_, invariant,
             detail.empty() ? "" : ": ", detail);
  if (!tracing_) fmt::print(stderr, "FUZZ_TRACE=1 prints the steps\n");
  std::fflush(stderr);
  std::abort();
}

}  // namespace memberlist::sim
