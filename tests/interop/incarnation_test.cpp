#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

#include "interop_test.hpp"

// A lie with an incarnation near the end of its range: our rule must get along with the Go
// library's (docs/threat-model.md).
namespace memberlist::interop {
namespace {

using namespace std::chrono_literals;

/// Tells one member that another is dead, unencrypted.
class Liar {
 public:
  void accuse(const std::string& to, const std::string& victim, std::uint32_t incarnation) const {
    std::string packet("\x05\x83\xabIncarnation\xce", 15);
    for (int shift = 24; shift >= 0; shift -= 8) {
      packet += static_cast<char>(incarnation >> shift & 0xff);
    }
    packet += "\xa4Node" + raw(victim) +
              "\xa4"
              "From" +
              raw("liar");
    const std::size_t colon = to.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(to.substr(colon + 1))));
    ::inet_pton(AF_INET, to.substr(0, colon).c_str(), &address.sin_addr);
    const ssize_t sent = ::sendto(fd_, packet.data(), packet.size(), 0,
                                  reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (sent < 0) throw std::runtime_error("the lie could not be sent");
  }
  Liar() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
  Liar(const Liar&) = delete;
  Liar& operator=(const Liar&) = delete;
  ~Liar() { ::close(fd_); }

 private:
  static std::string raw(const std::string& text) {
    return static_cast<char>(0xa0 + text.size()) + text;
  }
  int fd_;
};

class IncarnationTest : public InteropTest {
 protected:
  static PeerOptions quick(const std::string& name) {
    PeerOptions options;
    options.name = name;
    FastTimings::apply_to(options);
    options.knobs["gossip_to_the_dead_time"] = "1s";
    options.knobs["push_pull_interval"] = "1s";
    return options;
  }
};

TEST_F(IncarnationTest, AJumpOfHalfTheRangeIsRefutedUpwardAndGoAgrees) {
  SKIP_WITHOUT_GO();
  Peer& ours = start_ours(quick("ours"));
  Peer& go = start_go(quick("go"));
  join(ours, go);
  constexpr std::uint32_t kJump = 0x7fff'0000;
  Liar().accuse(go.address(), "ours", kJump);
  EXPECT_TRUE(eventually(kSlack, [&] {
    const MemberTable members = go.members();
    const auto found = members.find("ours");
    return found != members.end() && found->second.status == "alive" &&
           found->second.incarnation == kJump + 1;
  }));
  EXPECT_TRUE(eventually_agree({&ours, &go}));
}

TEST_F(IncarnationTest, TheLastNumberDoesNotKeepAMemberOut) {
  SKIP_WITHOUT_GO();
  Peer& ours = start_ours(quick("ours"));
  Peer& other = start_ours(quick("other"));
  Peer& go = start_go(quick("go"));
  join(ours, go);
  ASSERT_TRUE(other.join(go.address()).has_value());
  ASSERT_TRUE(eventually_agree({&ours, &other, &go}));
  go.watch();
  other.watch();
  const Liar liar;
  liar.accuse(go.address(), "ours", ~std::uint32_t{0});
  liar.accuse(other.address(), "ours", ~std::uint32_t{0});
  // There is nothing above it that Go would believe: it is dead there until it is forgotten.
  ASSERT_TRUE(go.wait_for_event("leave", "ours", kSlack));
  EXPECT_TRUE(eventually(4 * kSlack, [&] { return status_of(go.members(), "ours") == "alive"; }));
  EXPECT_EQ(status_of(other.members(), "ours"), "alive");
  EXPECT_TRUE(eventually_agree({&ours, &other, &go}));
}

}  // namespace
}  // namespace memberlist::interop
