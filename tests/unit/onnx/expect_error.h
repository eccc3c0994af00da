#pragma once
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "base/error.h"

namespace halftone::tests {

/// Expects `function` to throw an Error of that code whose one-line message holds every one of `words`.
template <typename Function>
void expect_error(Code code, std::initializer_list<const char*> words, Function function) {
  try {
    (void)function();
    ADD_FAILURE() << "no error, where one was due";
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_EQ(name(error.code()), std::string(name(code))) << what;
    for (const auto* word : words)
      EXPECT_NE(what.find(word), std::string::npos) << "'" << word << "' is not in: " << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
  }
}

}  // namespace halftone::tests
