#pragma once

#include <vector>

#include "memberlist/bytes.hpp"
#include "memberlist/key.hpp"

namespace memberlist {

/// Keys that were not handed on are wiped when it is destroyed, also by an exception.
class WipeAtEnd {
 public:
  explicit WipeAtEnd(std::vector<Bytes>& keys) noexcept : keys_(keys) {}
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;
  ~WipeAtEnd() { wipe(keys_); }

 private:
  std::vector<Bytes>& keys_;
};

}  // namespace memberlist
