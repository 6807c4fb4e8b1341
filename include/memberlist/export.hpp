#pragma once

// Marks what the shared library exports. Everything else is hidden.
#if defined(MEMBERLIST_STATIC)
#define MEMBERLIST_API
#else
#define MEMBERLIST_API __attribute__((visibility("default")))
#endif
