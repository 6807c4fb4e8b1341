#include "memberlist/version.hpp"

namespace memberlist {

std::string_view version() noexcept { return MEMBERLIST_VERSION; }

}  // namespace memberlist
