#include "wire/foreign.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace memberlist::wire {
namespace {

using namespace std::string_literals;

TEST(ForeignProtocol, IsKnownByItsFirstBytes) {
  const std::pair<std::string, std::string_view> rows[] = {
      {"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP"},
      {"POST /v1/join HTTP/1.1\r\n", "HTTP"},
      {"OPTIONS * HTTP/1.1\r\n", "HTTP"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP"},
      {"HTTP/1.1 400 Bad Request\r\n", "HTTP"},
      {"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"},
      {"\x16\x03\x01\x02\x00\x01"s, "TLS"},
      {"\x16\x03\x03\x00\x7a\x02"s, "TLS"},
      {"\x16\xfe\xfd\x00\x00"s, "TLS"},
      {"PROXY TCP4 10.0.0.1 10.0.0.2 5555 7946\r\n", "the PROXY protocol"},
      {"\r\n\r\n\0\r\nQUIT\n\x21\x11"s, "the PROXY protocol"},
      {"", ""},
      {"G", ""},
      {"GETTING", ""},
      {"\x16", ""},
      {"hello", ""},
  };
  for (const auto& [bytes, protocol] : rows) {
    EXPECT_EQ(foreign_protocol(as_bytes(bytes)), protocol) << bytes;
  }
}

TEST(ForeignProtocol, NothingOfMemberlistIsOne) {
  // The types of messages, the mark of a label, and the versions of encryption in front of a
  // packet.
  for (const int type : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 244}) {
    for (int second = 0; second < 256; ++second) {
      const std::string bytes{static_cast<char>(type), static_cast<char>(second), 'T', ' '};
      EXPECT_EQ(foreign_protocol(as_bytes(bytes)), "") << type << ' ' << second;
    }
  }
}

}  // namespace
}  // namespace memberlist::wire
