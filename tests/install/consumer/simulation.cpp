// A program of a user who tests in virtual time.
#include <chrono>
#include <memberlist/sim/world.hpp>

int main() {
  using namespace std::chrono_literals;
  memberlist::sim::World world;
  world.add_cluster(3);
  world.crash(2);
  const bool detected = world.run_until([&] { return world.converged(); }, 60s);
  return detected && world.check_report().passed() ? 0 : 1;
}
