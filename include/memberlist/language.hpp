#pragma once

#include <version>

// Every public header includes this one: compiled as another language, each gives one error that
// says why.
#if defined(__cpp_lib_expected)
#include <expected>
#else
#error "memberlist needs C++23 with std::expected: g++ 12 or clang 19 and later, with -std=c++23"

// What follows lets the compiler read the rest, so that the error above is the only one.
#include <exception>
#include <type_traits>
#define unexpected unexpected_of_cxx23  // in C++20 the name of a function
namespace std {
template <class E>
struct unexpected {
  E error;
};
template <class E>
unexpected(E) -> unexpected<E>;
template <class T, class E>
struct expected {
  template <class... Any>
  expected(Any&&...);
  explicit operator bool() const;
  bool has_value() const;
  add_lvalue_reference_t<T> value() const;
  add_lvalue_reference_t<T> operator*() const;
  add_pointer_t<T> operator->() const;
  E& error() const;
};
}  // namespace std
#endif
