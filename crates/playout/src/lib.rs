//! The playout engine: run-sheet, commands and time in, actions out.
