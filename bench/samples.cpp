#include "bench/samples.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace memberlist::bench {
namespace {

constexpr std::array<std::byte, 6> kVersions = {std::byte{1}, std::byte{5}, std::byte{2},
                                                std::byte{0}, std::byte{0}, std::byte{0}};
constexpr std::uint16_t kPort = 7946;
// 64 bytes, as services announce them.
constexpr std::string_view kMeta =
    "zone=a,role=node,rack=r07,version=1.24.3,http=:8080,grpc=:9090,k";
constexpr std::string_view kOtherMeta =
    "zone=b,role=node,rack=r07,version=1.24.3,http=:8080,grpc=:9090,k";
static_assert(kMeta.size() == kMetaBytes && kOtherMeta.size() == kMeta.size());

}  // namespace

SampleMember::SampleMember(std::uint32_t number, std::size_t meta_bytes)
    : name_(fmt::format("node-{:07}", number)),
      ip_{std::byte{10}, static_cast<std::byte>(number >> 16), static_cast<std::byte>(number >> 8),
          static_cast<std::byte>(number)},
      meta_bytes_(meta_bytes) {}

wire::Alive SampleMember::alive(std::uint32_t incarnation) const noexcept {
  wire::Alive alive;
  alive.incarnation = incarnation;
  alive.node = name_;
  alive.addr = ip_;
  alive.port = kPort;
  alive.meta = as_bytes(kMeta.substr(0, meta_bytes_));
  alive.vsn = kVersions;
  return alive;
}

wire::NodeState SampleMember::state(std::uint32_t incarnation) const noexcept {
  wire::NodeState state;
  state.name = name_;
  state.addr = ip_;
  state.port = kPort;
  state.meta = as_bytes((incarnation % 2 == 0 ? kMeta : kOtherMeta).substr(0, meta_bytes_));
  state.incarnation = incarnation;
  state.state = static_cast<std::int64_t>(MemberStatus::alive);
  state.vsn = kVersions;
  return state;
}

Address SampleMember::address() const noexcept {
  return {IpAddress::from_bytes(ip_).value_or(IpAddress()), kPort};
}

std::vector<SampleMember> sample_members(std::uint32_t count, std::size_t meta_bytes) {
  std::vector<SampleMember> members;
  members.reserve(count);
  for (std::uint32_t number = 0; number < count; ++number) members.emplace_back(number, meta_bytes);
  return members;
}

Bytes push_pull(const std::vector<SampleMember>& members, std::uint32_t incarnation) {
  Bytes bytes;
  ByteWriter writer(bytes);
  wire::PushPullHeader header;
  header.nodes = static_cast<std::int64_t>(members.size());
  header.user_state_len = 1;
  wire::encode(writer, header);
  for (const SampleMember& member : members) wire::encode(writer, member.state(incarnation));
  bytes.push_back(std::byte{0});
  return bytes;
}

Layers::Layers(bool compress, bool encrypt, std::string label) {
  config_.enable_compression = sealing_.compress = compress;
  config_.label = sealing_.label = std::move(label);
  if (!encrypt) return;
  config_.keys = {Bytes(16, std::byte{0x2a})};
  auto keyring = crypto::Keyring::create(config_.keys);
  if (!keyring) {
    std::fprintf(stderr, "no keyring: %s\n", keyring.error().message.c_str());
    std::abort();
  }
  sealing_.keyring = &keyring_.emplace(std::move(*keyring));
}

AlivePackets::AlivePackets(const std::vector<SampleMember>& members, const wire::Sealing& sealing)
    : members_(members), sealing_(sealing) {
  Bytes one;
  ByteWriter writer(one);
  wire::encode(writer, members.front().alive(kFirstIncarnation));
  const std::size_t part_bytes = one.size() + wire::kCompoundPartOverhead;
  parts_per_packet_ = (kPacketBytes - wire::kCompoundHeadBytes) / part_bytes;
  plain_bytes_ = wire::kCompoundHeadBytes + parts_per_packet_ * part_bytes;
}

Bytes AlivePackets::next() {
  std::vector<Bytes> messages(parts_per_packet_);
  for (Bytes& message : messages) {
    ++messages_;
    ByteWriter writer(message);
    wire::encode(writer, last_member().alive(last_incarnation()));
  }
  const std::vector<BytesView> parts(messages.begin(), messages.end());
  Bytes room(plain_bytes_ + wire::PacketSealer::kMaxOverheadBytes);
  return to_bytes(sealer_.seal(sealing_, parts, true, room));
}

const SampleMember& AlivePackets::last_member() const noexcept {
  return members_[(messages_ - 1) % members_.size()];
}

std::uint32_t AlivePackets::last_incarnation() const noexcept {
  return kFirstIncarnation + static_cast<std::uint32_t>((messages_ - 1) / members_.size());
}

Engine make_engine(Config config, bool with_metrics) {
  config.name = "self";
  EngineEnvironment environment;
  environment.advertise = Address{IpAddress::v4(192, 168, 0, 1), 7946};
  environment.now = kNow;
  environment.seed = 1;
  environment.metrics = with_metrics;
  environment.nonce_source = [](std::span<std::byte> nonce) {
    std::ranges::fill(nonce, std::byte{7});  // nothing leaves the process
  };
  auto engine = Engine::create(std::move(config), std::move(environment));
  if (!engine) {
    std::fprintf(stderr, "no engine: %s\n", engine.error().message.c_str());
    std::abort();
  }
  return std::move(*engine);
}

}  // namespace memberlist::bench
