#pragma once

#include <functional>
#include <utility>

#include "memberlist/config.hpp"
#include "memberlist/engine.hpp"
#include "wire/packet.hpp"

namespace memberlist::swim {

/// The keys, and how packets and streams are sealed with them. A copy has its own keys.
struct SealingKeys {
  wire::Keyring keyring;
  wire::Sealing sealing;  // with this keyring

  SealingKeys(wire::Keyring keys, const Config& config, const EngineEnvironment& environment)
      : keyring(std::move(keys)) {
    sealing.keyring = &keyring;
    sealing.label = config.label;
    sealing.encryption_version = config.protocol_version == 1 ? 0 : 1;
    sealing.compress = config.enable_compression;
    sealing.verify_incoming = config.gossip_verify_incoming;
    sealing.verify_outgoing = config.gossip_verify_outgoing;
    sealing.skip_inbound_label_check = config.skip_inbound_label_check;
    sealing.nonce_source = environment.nonce_source;
  }
  SealingKeys(const SealingKeys& other) : keyring(other.keyring), sealing(other.sealing) {
    sealing.keyring = &keyring;
  }
  SealingKeys& operator=(const SealingKeys&) = delete;
  ~SealingKeys() = default;
};

}  // namespace memberlist::swim
