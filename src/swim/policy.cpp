#include "memberlist/policy.hpp"

namespace memberlist {

Policy::~Policy() = default;
Result<void> Policy::notify_alive(const MemberRecord&) { return {}; }
Result<void> Policy::notify_merge(std::span<const MemberRecord>) { return {}; }
void Policy::fill_broadcasts(std::size_t, std::size_t, std::vector<Bytes>&) {}
Bytes Policy::local_state(bool) { return {}; }
Bytes Policy::ack_payload() { return {}; }
void Policy::notify_ping(const MemberRecord&, Duration, BytesView) {}
bool Policy::allow_tcp_ping(const MemberRecord&) { return true; }

}  // namespace memberlist
