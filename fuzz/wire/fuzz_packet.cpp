// Packets without a key: label header, checksum, compression, compound, message.
//
// Input: the datagram.

#include "support/input.hpp"
#include "support/known_keys.hpp"
#include "support/packet_checks.hpp"
#include "wire/packet.hpp"

namespace memberlist::fuzz {
namespace {

// In a buffer of its very size, so that a read behind the end is seen.
void open(const wire::Sealing& how, BytesView datagram) {
  static wire::PacketOpener opener;
  const Bytes exact = to_bytes(datagram);
  if (const auto opened = opener.open(how, exact)) {
    (void)drain(opener);
  } else {
    require(opened.error().offset <= exact.size(), "an error points into the packet");
    require(!opener.next_view(), "a refused packet has no messages");
  }
}

}  // namespace
}  // namespace memberlist::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memberlist;
  const BytesView datagram = fuzz::Input(data, size).rest();
  wire::Sealing how;
  fuzz::open(how, datagram);
  how.label = fuzz::kLabel;
  fuzz::open(how, datagram);
  how.skip_inbound_label_check = true;
  fuzz::open(how, datagram);
  return 0;
}
