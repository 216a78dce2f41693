//! Who may use whom, and under which licences: the table that `cargo xtask check` holds the workspace to.
//!
//! Each line stands beside its reason. To change a direction, change the line and say why in the same commit.

/// One crate of ours.
pub(crate) struct CrateRule {
    /// The package's name.
    pub(crate) name: &'static str,
    /// No clock, socket, file, thread, environment or randomness: fenced by `clippy.toml`, and it names nothing
    /// outside [`PURE_MAY_NAME`].
    pub(crate) pure: bool,
    /// Crates of ours it may use.
    pub(crate) uses: &'static [&'static str],
    /// Crates of ours that only its tests may use.
    pub(crate) tests_with: &'static [&'static str],
}

/// A third-party crate that few of ours may name.
pub(crate) struct Reserved {
    /// Its name.
    pub(crate) name: &'static str,
    /// Packages of ours that may depend on it, tests included.
    pub(crate) to: &'static [&'static str],
    /// Why nobody else.
    pub(crate) why: &'static str,
}

/// Our crates; `docs/ARCHITECTURE.md` draws the same table for people.
pub(crate) const CRATES: &[CrateRule] = &[
    pure("loa-model", &[]),
    pure("loa-wire", &["loa-model"]),
    pure("loa-session", &["loa-model", "loa-wire"]),
    // plan and playout meet only in the run-sheet, a value of the model.
    pure("loa-plan", &["loa-model"]),
    pure("loa-playout", &["loa-model"]),
    pure("loa-dsp", &["loa-model"]),
    pure(
        "loa-sim",
        &[
            "loa-model",
            "loa-wire",
            "loa-session",
            "loa-plan",
            "loa-playout",
            "loa-dsp",
        ],
    ),
    rule("loa-codec", &["loa-model"]),
    rule("loa-store", &["loa-model"]),
    // Other stations: knows nothing of schedules, zones or RTP.
    rule("loa-relay", &["loa-model", "loa-codec", "loa-dsp"]),
    // Carries bytes: it must not learn what RTP or a zone is.
    rule("loa-net", &[]),
    rule("loa-sound", &["loa-model"]),
    // Sees the station only through its own Console trait.
    rule("loa-panel", &["loa-model"]),
    // All but sound and receiver: the demo runs the receiver as a process (docs/decisions/0004).
    rule(
        "loa-headend",
        &[
            "loa-model",
            "loa-wire",
            "loa-session",
            "loa-plan",
            "loa-playout",
            "loa-dsp",
            "loa-codec",
            "loa-store",
            "loa-net",
            "loa-panel",
            "loa-relay",
        ],
    ),
    // No store, plan or playout: a receiver is told what to play by the packets themselves.
    rule(
        "loa-receiver",
        &[
            "loa-model",
            "loa-wire",
            "loa-session",
            "loa-codec",
            "loa-dsp",
            "loa-net",
            "loa-sound",
        ],
    ),
    // Works the binaries from outside; of the libraries it takes what listens, measures and forges,
    // and the table of addresses, to leave none out.
    rule(
        "loa-tests",
        &[
            "loa-model",
            "loa-wire",
            "loa-session",
            "loa-dsp",
            "loa-net",
            "loa-panel",
            "loa-headend",
        ],
    ),
    // Built before anything else is known to build.
    rule("xtask", &[]),
];

/// Third-party crates that belong to few of ours.
pub(crate) const RESERVED: &[Reserved] = &[
    only(
        "rusqlite",
        &["loa-store"],
        "the day goes on without the database, so one crate knows it",
    ),
    only("opus", &["loa-codec"], "libopus is called in one place"),
    only(
        "symphonia",
        &["loa-codec"],
        "files from outside are parsed in one place",
    ),
    only(
        "symphonia-adapter-libopus",
        &["loa-codec"],
        "files from outside are parsed in one place",
    ),
    only(
        "ogg",
        &["loa-codec", "loa-panel"],
        "files from outside are parsed in one place; the panel only writes streams for listeners",
    ),
    only("ebur128", &["loa-dsp"], "loudness is measured in one way"),
    only(
        "rubato",
        &["loa-dsp", "loa-codec"],
        "drift is corrected in dsp, files are resampled in codec",
    ),
    only(
        "audioadapter-buffers",
        &["loa-dsp", "loa-codec"],
        "comes with rubato",
    ),
    only(
        "alsa",
        &["loa-sound"],
        "a sound card is opened in one place, and only where libasound is",
    ),
    only(
        "rtp-rs",
        &["loa-wire"],
        "bytes of the network are written and read in one place",
    ),
    only(
        "rtcp-types",
        &["loa-wire"],
        "bytes of the network are written and read in one place",
    ),
    only(
        "sdp-types",
        &["loa-wire"],
        "bytes of the network are written and read in one place",
    ),
    only(
        "socket2",
        &["loa-net"],
        "multicast sockets are set up in one place",
    ),
    only(
        "libc",
        &["loa-net"],
        "unsafe calls that nix does not wrap stay in one place",
    ),
    only("cron", &["loa-plan"], "schedule lines are read in one place"),
    only(
        "tokio",
        &["loa-panel", "loa-headend", "loa-tests"],
        "air and playout run on plain threads with deadlines; async ends at the panel",
    ),
    only(
        "axum",
        &["loa-panel", "loa-headend"],
        "the panel is the only server",
    ),
    only("tower", &["loa-panel"], "the panel is the only server"),
    only("tower-http", &["loa-panel"], "the panel is the only server"),
    only("askama", &["loa-panel"], "pages belong to the panel"),
    only("rust-embed", &["loa-panel"], "pages belong to the panel"),
    only("fluent-templates", &["loa-panel"], "pages belong to the panel"),
    only(
        "utoipa",
        &["loa-model", "loa-panel"],
        "the panel describes its API, and the model its values for that",
    ),
    only(
        "argon2",
        &["loa-headend"],
        "passwords are checked behind the Console trait",
    ),
    only(
        "ed25519-dalek",
        &["loa-wire", "loa-headend", "loa-receiver", "loa-tests"],
        "keys stay with those who sign: the wire format, the two programs, and the forger in the tests",
    ),
    only(
        "getrandom",
        &["loa-headend", "loa-receiver"],
        "randomness is for keys and tokens; elsewhere it would make a run unrepeatable",
    ),
    only(
        "ureq",
        &["loa-headend", "loa-receiver", "loa-relay", "loa-tests"],
        "only the two programs make requests, and relays fetch other stations",
    ),
    only(
        "clap",
        &["loa-headend", "loa-receiver"],
        "only the two programs have a command line",
    ),
    only(
        "sd-notify",
        &["loa-headend", "loa-receiver"],
        "only the two programs are services",
    ),
    only(
        "tracing-subscriber",
        &["loa-headend", "loa-receiver"],
        "a library does not choose where logs go",
    ),
    only(
        "anyhow",
        &["loa-headend", "loa-receiver", "loa-tests", "xtask"],
        "a library's errors are typed, so that its caller can act on them",
    ),
];

/// Third-party crates that a pure crate may name in what it ships: values, text and arithmetic.
pub(crate) const PURE_MAY_NAME: &[&str] = &[
    "audioadapter-buffers",
    "base64",
    "chrono",
    "chrono-tz",
    "cron",
    "ebur128",
    "ed25519-dalek",
    "hex",
    "rtcp-types",
    "rtp-rs",
    "rubato",
    "sdp-types",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "toml",
    // A derive macro: values tell how they look in JSON. Behind a feature that only the panel asks for.
    "utoipa",
];

/// Crates that must not be anywhere under a pure crate, whoever brings them in.
pub(crate) const NEVER_UNDER_PURE: &[&str] = &[
    "mio",
    "reqwest",
    "rusqlite",
    "socket2",
    "symphonia",
    "tokio",
    "ureq",
];

/// Crates for tests and benchmarks: development dependencies everywhere but in `loa-tests`.
pub(crate) const TEST_TOOLS: &[&str] = &["criterion", "fantoccini", "icalendar", "proptest", "tempfile"];

/// Licences under which others' work may be in what we ship, besides MIT and Apache-2.0 themselves. All let the
/// whole be given away under either; each has something to keep to.
pub(crate) const LICENCES: &[(&str, &str)] = &[
    ("MIT", "ours"),
    ("Apache-2.0", "ours"),
    ("BSD-2-Clause", "keep its notice"),
    ("BSD-3-Clause", "keep its notice; libopus, ed25519-dalek"),
    ("ISC", "keep its notice"),
    ("Zlib", "keep its notice in sources"),
    ("Unicode-3.0", "keep its notice; tables of letters"),
    (
        "MPL-2.0",
        "publish changes to its own files; we use symphonia unchanged",
    ),
    (
        "CDLA-Permissive-2.0",
        "pass its text on; the list of root certificates",
    ),
];

/// Where third-party crates come from: nothing from a repository that may vanish or change.
pub(crate) const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

const fn pure(name: &'static str, uses: &'static [&'static str]) -> CrateRule {
    CrateRule {
        name,
        pure: true,
        uses,
        tests_with: &[],
    }
}

const fn rule(name: &'static str, uses: &'static [&'static str]) -> CrateRule {
    CrateRule {
        name,
        pure: false,
        uses,
        tests_with: &[],
    }
}

const fn only(name: &'static str, to: &'static [&'static str], why: &'static str) -> Reserved {
    Reserved { name, to, why }
}
