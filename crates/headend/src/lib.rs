//! The head-end and its command line.
