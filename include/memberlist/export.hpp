#pragma once

#include "memberlist/language.hpp"

// Marks what the shared library exports. Everything else is hidden. The static library is made of
// the same objects.
#define MEMBERLIST_API __attribute__((visibility("default")))
