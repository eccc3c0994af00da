#pragma once
#include <CLI/CLI.hpp>

/// Each verb is one file `apps/verb_NAME.cpp` with a function `void add_NAME(CLI::App& app)` that adds its subcommand,
/// whose callback does the work, and a line HALFTONE_VERB(add_NAME) in verbs.def.
