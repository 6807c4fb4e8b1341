#include "swim/keys.hpp"

#include <fmt/format.h>

#include <string>

#include "base/limits.hpp"
#include "memberlist/key.hpp"

namespace memberlist::swim {
namespace {

std::string first_key_text(const wire::Sealing& sealing, std::string_view fingerprint) {
  return fmt::format("first key {} added: packets are {} now, and plaintext is {}", fingerprint,
                     sealing.verify_outgoing ? "encrypted" : "not yet encrypted",
                     sealing.verify_incoming ? "refused" : "still accepted");
}

std::string_view shown(std::string_view fingerprint) { return fingerprint; }
std::string shown(BytesView key) { return key_fingerprint(key); }

void set_switch(Journal& journal, const char* knob, std::optional<bool> wanted, bool& config,
                bool& sealing) {
  if (!wanted || *wanted == sealing) return;
  config = sealing = *wanted;
  journal.log(LogLevel::info, fmt::format("{} is {} now", knob, sealing ? "on" : "off"), {},
              {{"knob", knob}});
}

}  // namespace

Result<void> Keys::add(BytesView key) {
  const std::size_t before = keys_.keyring.size();
  auto added = keys_.keyring.add(key);
  if (!added || keys_.keyring.size() == before) return added;
  const std::string& fingerprint = keys_.keyring.ciphers().back().fingerprint();
  journal_.log(LogLevel::info,
               before == 0 ? first_key_text(keys_.sealing, fingerprint)
                           : fmt::format("key {} added; {} keys", fingerprint, before + 1),
               {}, {{"key", fingerprint}});
  return {};
}

template <class Which>
Result<void> Keys::use(Which which) {
  const std::string before = keys_.keyring.empty() ? "" : keys_.keyring.primary().fingerprint();
  auto used = keys_.keyring.use(which);
  if (!used || keys_.keyring.primary().fingerprint() == before) return used;
  journal_.log(LogLevel::info,
               fmt::format("key {} is the primary now, instead of {}",
                           keys_.keyring.primary().fingerprint(), before),
               {}, {{"key", keys_.keyring.primary().fingerprint()}});
  return {};
}

template <class Which>
Result<void> Keys::remove(Which which) {
  const std::size_t before = keys_.keyring.size();
  auto removed = keys_.keyring.remove(which);
  if (!removed || keys_.keyring.size() == before) return removed;
  journal_.log(LogLevel::info, fmt::format("key {} removed; {} left", shown(which), before - 1), {},
               {{"key", std::string(shown(which))}});
  return {};
}

template Result<void> Keys::use(BytesView);
template Result<void> Keys::use(std::string_view);
template Result<void> Keys::remove(BytesView);
template Result<void> Keys::remove(std::string_view);

void Keys::set_verify(std::optional<bool> incoming, std::optional<bool> outgoing) {
  set_switch(journal_, "gossip_verify_incoming", incoming, node_.config.gossip_verify_incoming,
             keys_.sealing.verify_incoming);
  set_switch(journal_, "gossip_verify_outgoing", outgoing, node_.config.gossip_verify_outgoing,
             keys_.sealing.verify_outgoing);
}

void note_key_use(SealingKeys& keys, const ClusterView& cluster, Journal& journal) {
  if (!keys.sealing.encrypts()) return;
  const auto by_all = keys.keyring.take_use_warning(cluster.table.live_count());
  if (!by_all) return;
  const auto& key = keys.keyring.primary();
  journal.log(
      LogLevel::warning,
      fmt::format("key {} has encrypted {} packets here, and about {} in the whole cluster: its "
                  "random nonces {} the limit of {} (NIST SP 800-38D); change to a new key",
                  key.fingerprint(), key.sealed(), *by_all,
                  *by_all < limits::kKeySeals ? "approach" : "exceed", limits::kKeySeals),
      {}, {{"key", key.fingerprint()}});
}

}  // namespace memberlist::swim
