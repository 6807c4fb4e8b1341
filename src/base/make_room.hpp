#pragma once

#include <vector>

namespace memberlist {

/// Makes room for one more, and a few: of what a vector reserves by doubling, most is never used.
template <class T>
void make_room(std::vector<T>& vector) {
  if (vector.size() == vector.capacity()) vector.reserve(vector.size() + vector.size() / 8 + 4);
}

}  // namespace memberlist
