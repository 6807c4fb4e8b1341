#include "swim/keys.hpp"

#include <fmt/format.h>

#include <string>

#include "base/limits.hpp"
#include "memberlist/key.hpp"

namespace memberlist::swim {
namespace {

std::string first_key_text(const Context& context, std::string_view fingerprint) {
  return fmt::format("first key {} added: packets are {} now, and plaintext is {}", fingerprint,
                     context.sealing.verify_outgoing ? "encrypted" : "not yet encrypted",
                     context.sealing.verify_incoming ? "refused" : "still accepted");
}

std::string_view shown(std::string_view fingerprint) { return fingerprint; }
std::string shown(BytesView key) { return key_fingerprint(key); }

void set_switch(Context& context, const char* knob, std::optional<bool> wanted, bool& config,
                bool& sealing) {
  if (!wanted || *wanted == sealing) return;
  config = sealing = *wanted;
  context.out.log(LogLevel::info, fmt::format("{} is {} now", knob, sealing ? "on" : "off"), {},
                  {{"knob", knob}});
}

}  // namespace

Result<void> Keys::add(BytesView key) {
  const std::size_t before = context_.keyring.size();
  auto added = context_.keyring.add(key);
  if (!added || context_.keyring.size() == before) return added;
  const std::string& fingerprint = context_.keyring.ciphers().back().fingerprint();
  context_.out.log(LogLevel::info,
                   before == 0 ? first_key_text(context_, fingerprint)
                               : fmt::format("key {} added; {} keys", fingerprint, before + 1),
                   {}, {{"key", fingerprint}});
  return {};
}

template <class Which>
Result<void> Keys::use(Which which) {
  const std::string before =
      context_.keyring.empty() ? "" : context_.keyring.primary().fingerprint();
  auto used = context_.keyring.use(which);
  if (!used || context_.keyring.primary().fingerprint() == before) return used;
  context_.out.log(LogLevel::info,
                   fmt::format("key {} is the primary now, instead of {}",
                               context_.keyring.primary().fingerprint(), before),
                   {}, {{"key", context_.keyring.primary().fingerprint()}});
  return {};
}

template <class Which>
Result<void> Keys::remove(Which which) {
  const std::size_t before = context_.keyring.size();
  auto removed = context_.keyring.remove(which);
  if (!removed || context_.keyring.size() == before) return removed;
  context_.out.log(LogLevel::info, fmt::format("key {} removed; {} left", shown(which), before - 1),
                   {}, {{"key", std::string(shown(which))}});
  return {};
}

template Result<void> Keys::use(BytesView);
template Result<void> Keys::use(std::string_view);
template Result<void> Keys::remove(BytesView);
template Result<void> Keys::remove(std::string_view);

void Keys::set_verify(std::optional<bool> incoming, std::optional<bool> outgoing) {
  set_switch(context_, "gossip_verify_incoming", incoming, context_.config.gossip_verify_incoming,
             context_.sealing.verify_incoming);
  set_switch(context_, "gossip_verify_outgoing", outgoing, context_.config.gossip_verify_outgoing,
             context_.sealing.verify_outgoing);
}

void note_key_use(Context& context) {
  if (!context.sealing.encrypts()) return;
  const auto by_all = context.keyring.take_use_warning(context.table.live_count());
  if (!by_all) return;
  const auto& key = context.keyring.primary();
  context.out.log(
      LogLevel::warning,
      fmt::format("key {} has encrypted {} packets here, and about {} in the whole cluster: its "
                  "random nonces {} the limit of {} (NIST SP 800-38D); change to a new key",
                  key.fingerprint(), key.sealed(), *by_all,
                  *by_all < limits::kKeySeals ? "approach" : "exceed", limits::kKeySeals),
      {}, {{"key", key.fingerprint()}});
}

}  // namespace memberlist::swim
