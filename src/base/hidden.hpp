#pragma once

// For classes inside of an exported class: they would be exported with it.
#define MEMBERLIST_HIDDEN __attribute__((visibility("hidden")))
