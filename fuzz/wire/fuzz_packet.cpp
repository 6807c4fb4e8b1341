// Packets without a key: every layer but encryption, and every message.

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/packet.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static memberlist::wire::PacketOpener opener;
  const memberlist::wire::Sealing how;
  if (!opener.open(how, std::as_bytes(std::span(data, size)))) return 0;
  while (opener.next()) {
  }
  return 0;
}
