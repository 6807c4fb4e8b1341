#pragma once

#include <optional>
#include <string_view>

#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "swim/cluster_view.hpp"
#include "swim/journal.hpp"
#include "swim/local_node.hpp"
#include "swim/sealing_keys.hpp"

namespace memberlist::swim {

/// What a Keys reads and changes.
struct KeysUses {
  SealingKeys& keys_;
  LocalNode& node_;
  const ClusterView& cluster_;
  Journal& journal_;
};

/// Changes of the keyring and of the switches for encryption while the node runs (protocol 2). Each
/// holds from the next packet and stream on, sent or received; each that changes something is
/// logged.
class Keys : KeysUses {
 public:
  explicit Keys(const KeysUses& uses) : KeysUses(uses) {}

  [[nodiscard]] Result<void> add(BytesView key);
  /// `which` is a key (BytesView) or a fingerprint (std::string_view).
  template <class Which>
  [[nodiscard]] Result<void> use(Which which);
  template <class Which>
  [[nodiscard]] Result<void> remove(Which which);
  void set_verify(std::optional<bool> incoming, std::optional<bool> outgoing);

 private:
};

/// To be called after each packet and stream that was sealed: warns when the primary key has been
/// used so much that it should be changed.
void note_key_use(SealingKeys& keys, const ClusterView& cluster, Journal& journal);

}  // namespace memberlist::swim
