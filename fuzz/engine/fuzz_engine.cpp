// A new engine that gets one packet.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "memberlist/engine.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  memberlist::Config config;
  config.name = "fuzzed";
  memberlist::EngineEnvironment environment;
  environment.advertise = {memberlist::IpAddress::v4(10, 0, 0, 1), 7946};
  auto engine = memberlist::Engine::create(config, environment);
  if (!engine) std::abort();
  const auto bytes = std::as_bytes(std::span(data, size));
  std::vector<std::byte> packet(bytes.begin(), bytes.end());
  engine->handle_packet(environment.now, {memberlist::IpAddress::v4(10, 0, 0, 2), 7946}, packet);
  return 0;
}
