#include "net/udp_batch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

#include "base/limits.hpp"
#include "net/test_sockets.hpp"

namespace memberlist::net {
namespace {

const IpAddress kLocal4 = IpAddress::v4(127, 0, 0, 1);

TEST(UdpSender, KeepsSoManyPacketsForAFullSocket) {
  // A stream whose other side does not read simulates a datagram socket that is full, which
  // loopback never is.
  PlainSocket listener(SOCK_STREAM, kLocal4);
  listener.bind(kLocal4);
  listener.listen();
  PlainSocket full(SOCK_STREAM, kLocal4);
  full.connect(listener.local());
  const PlainSocket other = listener.accept();
  ASSERT_EQ(::fcntl(full.fd(), F_SETFL, O_NONBLOCK), 0);
  const std::array<std::byte, 65'536> filling{};
  while (::send(full.fd(), filling.data(), filling.size(), 0) > 0) {
  }

  UdpSender sender(Family::v4);
  std::vector<SendFailure> failures;
  const Bytes packet = to_bytes("packet");
  const std::size_t too_many = limits::kRetryPackets + 3 * kBatchPackets;
  for (std::size_t i = 0; i < too_many; ++i) {
    if (sender.add(listener.local(), packet)) sender.flush(full.fd(), failures);
  }
  sender.flush(full.fd(), failures);
  EXPECT_TRUE(sender.waiting());
  EXPECT_EQ(sender.dropped(), 3 * kBatchPackets);
  EXPECT_TRUE(failures.empty());
}

}  // namespace
}  // namespace memberlist::net
