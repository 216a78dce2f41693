//! schemathesis, to try the panel's API against its own description.

use super::python::Tool;

pub(super) const SCHEMATHESIS: Tool = Tool {
    name: "schemathesis",
    requirement: "schemathesis==4.32.5",
    options: &[],
    file: "bin/schemathesis",
};
