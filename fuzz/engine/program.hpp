#pragma once

#include "byte_source.hpp"
#include "driver.hpp"

namespace memberlist::fuzz {

/// Does what the bytes say, one operation after another, until they end or it is enough.
void run_program(ByteSource& in, Driver& driver);

}  // namespace memberlist::fuzz
