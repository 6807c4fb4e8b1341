#pragma once

namespace memberlist {

/// One callable made of several, for std::visit.
template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

}  // namespace memberlist
