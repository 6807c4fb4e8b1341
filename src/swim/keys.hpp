#pragma once

#include <optional>
#include <string_view>

#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"
#include "swim/context.hpp"

namespace memberlist::swim {

/// Changes of the keyring and of the switches for encryption while the node runs (protocol 2). Each
/// holds from the next packet and stream on, sent or received; each that changes something is
/// logged.
class Keys {
 public:
  explicit Keys(Context& context) : context_(context) {}

  [[nodiscard]] Result<void> add(BytesView key);
  /// `which` is a key (BytesView) or a fingerprint (std::string_view).
  template <class Which>
  [[nodiscard]] Result<void> use(Which which);
  template <class Which>
  [[nodiscard]] Result<void> remove(Which which);
  void set_verify(std::optional<bool> incoming, std::optional<bool> outgoing);

 private:
  Context& context_;
};

/// To be called after each packet and stream that was sealed: warns when the primary key has been
/// used so much that it should be changed.
void note_key_use(Context& context);

}  // namespace memberlist::swim
