//! Schedule files and slots to numbered run-sheets with reasons.
