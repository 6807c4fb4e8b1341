#include "net/packet_info.hpp"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <span>

namespace memberlist::net {

#if defined(__linux__)

namespace {

static_assert(CMSG_SPACE(sizeof(in_pktinfo)) <= sizeof(PacketInfo) &&
              CMSG_SPACE(sizeof(in6_pktinfo)) <= sizeof(PacketInfo));

template <class Raw>
std::optional<Raw> content(const cmsghdr& message, int level, int type) {
  if (message.cmsg_level != level || message.cmsg_type != type ||
      message.cmsg_len < CMSG_LEN(sizeof(Raw))) {
    return std::nullopt;
  }
  Raw raw{};
  std::memcpy(&raw, CMSG_DATA(&message), sizeof raw);
  return raw;
}

template <class Raw>
void set_content(msghdr& header, PacketInfo& room, int level, int type, const Raw& raw) {
  header.msg_control = room.control.data();
  header.msg_controllen = CMSG_SPACE(sizeof raw);
  cmsghdr* const message = CMSG_FIRSTHDR(&header);
  message->cmsg_level = level;
  message->cmsg_type = type;
  message->cmsg_len = CMSG_LEN(sizeof raw);
  std::memcpy(CMSG_DATA(message), &raw, sizeof raw);
}

}  // namespace

bool enable_packet_info(int descriptor, Family family) noexcept {
  const int on = 1;
  // A dual-stack socket reports IPv4 addresses as IPv4-mapped IPv6.
  return family == Family::v4
             ? ::setsockopt(descriptor, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0
             : ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
}

IpAddress sent_to(msghdr& header) noexcept {
  for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
    std::optional<IpAddress> found;
    if (const auto v4 = content<in_pktinfo>(*at, IPPROTO_IP, IP_PKTINFO)) {
      // A broadcast address cannot be the source of an answer; this one can.
      found = IpAddress::from_bytes(std::as_bytes(std::span(&v4->ipi_spec_dst, 1)));
    } else if (const auto v6 = content<in6_pktinfo>(*at, IPPROTO_IPV6, IPV6_PKTINFO)) {
      found = IpAddress::from_bytes(std::as_bytes(std::span(&v6->ipi6_addr, 1)));
      if (found && found->is_link_local() && !found->is_v4()) found->set_scope_id(v6->ipi6_ifindex);
    }
    if (found) return found->is_multicast() ? IpAddress{} : *found;
  }
  return {};
}

void set_source(msghdr& header, PacketInfo& room, Family family, const IpAddress& source,
                const IpAddress& target) noexcept {
  if (source.is_unspecified() || source.is_v4() != target.is_v4()) return;
  if (family == Family::v4) {
    in_pktinfo raw{};
    const BytesView bytes = source.wire_bytes();
    std::memcpy(&raw.ipi_spec_dst, bytes.data(), sizeof raw.ipi_spec_dst);
    return set_content(header, room, IPPROTO_IP, IP_PKTINFO, raw);
  }
  in6_pktinfo raw{};  // its interface is that of the target
  std::memcpy(&raw.ipi6_addr, source.bytes().data(), sizeof raw.ipi6_addr);
  set_content(header, room, IPPROTO_IPV6, IPV6_PKTINFO, raw);
}

bool refuses_source(int error) noexcept {
  // EINVAL of IPv6; of IPv4 what the kernel makes of a source that it has no route for.
  return error == EINVAL || error == EADDRNOTAVAIL || error == ENETUNREACH;
}

#else

bool enable_packet_info(int /*descriptor*/, Family /*family*/) noexcept { return false; }
IpAddress sent_to(msghdr& /*header*/) noexcept { return {}; }
void set_source(msghdr& /*header*/, PacketInfo& /*room*/, Family /*family*/,
                const IpAddress& /*source*/, const IpAddress& /*target*/) noexcept {}
bool refuses_source(int /*error*/) noexcept { return false; }

#endif

}  // namespace memberlist::net
