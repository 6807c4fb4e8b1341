#include "swim/teller.hpp"

#include "swim/alive_message.hpp"

namespace memberlist::swim {

void Teller::on_contact(std::string_view name, std::optional<Address> claimed, const Address& from,
                        const IpAddress& asked) {
  if (!node_.behaviour.told_contacts) return;
  const MemberIndex index = name.empty() ? cluster_.table.find(from) : cluster_.table.find(name);
  if (index == kNoMember) {
    const Tombstone* buried = cluster_.tombstones.find(name);
    if (buried != nullptr) tell(*buried, from, asked);
    return;
  }
  const MemberEntry& entry = cluster_.table.at(index);
  const bool elsewhere = claimed && *claimed != entry.record->address;
  if (entry.status != MemberStatus::alive || elsewhere) tell(index, from, asked);
}

void Teller::tell(MemberIndex about, const Address& to, const IpAddress& asked) {
  // A node whose name is taken has nothing to say about that name: once it has left, that would be
  // taken for the leave of the other one.
  if (about == cluster_.self && node_.name_holder) return;
  if (may_tell(to)) say(about, to, asked);
}

void Teller::answer(const Address& accuser) {
  if (node_.name_holder || accuser.port == 0 || !node_.allowed(accuser.ip)) return;
  if (strangers_.take(clock_.now)) return say(cluster_.self, accuser, {});
  ++journal_.counters.dropped_limit;
}

void Teller::say(MemberIndex about, const Address& to, const IpAddress& asked) {
  const MemberEntry& entry = cluster_.table.at(about);
  const MemberRecord& record = *entry.record;
  switch (entry.status) {
    case MemberStatus::alive:
      return send(to, AliveMessage(entry).get(), asked);
    case MemberStatus::suspect:
      return send(to, wire::Suspect{entry.incarnation, record.name, cluster_.self_name()}, asked);
    case MemberStatus::dead:
      return send(to, wire::Dead{entry.incarnation, record.name, cluster_.self_name()}, asked);
    case MemberStatus::left:
      return send(to, wire::Dead{entry.incarnation, record.name, record.name}, asked);
  }
}

void Teller::tell(const Tombstone& buried, const Address& to, const IpAddress& asked) {
  if (!may_tell(to)) return;
  send(to,
       wire::Dead{buried.incarnation, buried.name,
                  buried.left ? std::string_view(buried.name) : cluster_.self_name()},
       asked);
}

/// At most one message per probe interval goes to a member's address, and a limited number per
/// second to addresses of no member in total: a forged address must not make this node flood a
/// third party.
bool Teller::may_tell(const Address& to) {
  if (to.port == 0 || !node_.allowed(to.ip)) return false;
  const MemberIndex member = cluster_.table.find(to);
  if (member == kNoMember) {
    if (strangers_.take(clock_.now)) return true;
    ++journal_.counters.dropped_limit;
    return false;
  }
  return cluster_.table.may_tell(member, clock_.now, clock_.now + node_.probe_interval());
}

template <class Message>
void Teller::send(const Address& to, const Message& message, const IpAddress& asked) {
  encoded_.clear();
  ByteWriter writer(encoded_);
  wire::encode(writer, message);
  packets_.send(to, encoded_, asked);
}

}  // namespace memberlist::swim
