#include <memberlist/version.hpp>

// What compiles and runs in no time, for tests of how the library is found.
int main() { return memberlist::version().empty() ? 1 : 0; }
