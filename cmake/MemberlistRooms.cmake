# How every room of the library and every test is built, in one place.

add_library(memberlist_flags INTERFACE)
target_compile_options(memberlist_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast)
# g++ 12 takes moves of std::variant and std::optional for reads of what they do not hold, and
# sees overlapping copies in additions of strings (its bugs 105562 and 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(memberlist_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
target_include_directories(memberlist_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
if(MEMBERLIST_SANITIZE)
  target_compile_options(memberlist_flags INTERFACE
    -fsanitize=${MEMBERLIST_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(memberlist_flags INTERFACE -fsanitize=${MEMBERLIST_SANITIZE})
  if(MEMBERLIST_SANITIZE MATCHES "undefined")
    # It opens a pipe to look at an object, and takes its failure for a bad object: there is a test
    # in which no descriptor is left.
    target_compile_options(memberlist_flags INTERFACE -fno-sanitize=vptr)
  endif()
endif()

# memberlist_explored(TARGET): the fuzzers see which of its branches an input takes. Tests do without,
# which makes them compile in two thirds of the time.
function(memberlist_explored target)
  if(MEMBERLIST_BUILD_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# memberlist_room(NAME SOURCES a.cpp ... [DEPENDS room ...] [LIBRARIES lib ...])
# An object library that all of the room's users link, and that the libraries are made of.
function(memberlist_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(memberlist_${name} OBJECT ${ARG_SOURCES})
  target_include_directories(memberlist_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
  target_link_libraries(memberlist_${name} PUBLIC memberlist_flags)
  foreach(room IN LISTS ARG_DEPENDS)
    target_link_libraries(memberlist_${name} PUBLIC memberlist_${room})
  endforeach()
  target_link_libraries(memberlist_${name} PRIVATE ${ARG_LIBRARIES})
  memberlist_explored(memberlist_${name})
endfunction()

# memberlist_test(NAME SOURCES a_test.cpp ... LIBRARIES lib ... [ROOMS room ...] [LABELS l ...] [TIMEOUT s]
#                 [SERIAL])
# One program of GoogleTest tests, each a ctest test of its own. ROOMS are linked with all the rooms
# that they depend on named too: objects do not travel through object libraries. SERIAL: each of them
# runs alone.
function(memberlist_test name)
  if(NOT MEMBERLIST_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "SERIAL" "TIMEOUT" "SOURCES;LIBRARIES;ROOMS;LABELS" ${ARGN})
  # Beyond every wait of a test (90 s at most): it is the test that says what did not come in time.
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE memberlist_flags GTest::gtest GTest::gtest_main fmt::fmt
    Threads::Threads ${ARG_LIBRARIES})
  foreach(room IN LISTS ARG_ROOMS)
    target_link_libraries(${name} PRIVATE memberlist_${room})
  endforeach()
  # What is tested is optimised, and the tests themselves need not be: to compile them as the library
  # takes half as long again, under a sanitizer as long as all else.
  if(MEMBERLIST_SANITIZE)
    target_compile_options(${name} PRIVATE -O0)
  else()
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
  target_compile_definitions(${name} PRIVATE
    MEMBERLIST_SOURCE_DIR="${PROJECT_SOURCE_DIR}" MEMBERLIST_BINARY_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}" RUN_SERIAL ${ARG_SERIAL})
endfunction()
