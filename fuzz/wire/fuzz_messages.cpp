// The bodies of all messages, those of streams too.
//
// Input: a body, without its type byte.

#include "support/input.hpp"
#include "support/message_checks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // In a buffer of its very size, so that a read behind the end is seen.
  const memberlist::Bytes body = memberlist::to_bytes(memberlist::fuzz::Input(data, size).rest());
  memberlist::fuzz::check_all_messages(body);
  return 0;
}
