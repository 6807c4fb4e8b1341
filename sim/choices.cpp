#include "sim/choices.hpp"

namespace memberlist::sim {

Random random_for(std::uint64_t seed, Purpose purpose, std::size_t offset) {
  constexpr std::uint64_t kApart = 0xd134'2543'de82'ef95U;
  return Random(seed ^ ((static_cast<std::uint64_t>(purpose) + offset) * kApart));
}

}  // namespace memberlist::sim
