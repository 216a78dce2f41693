//! How a sink is named in the configuration.

use std::io;
use std::path::PathBuf;

use crate::clock::{Clock as _, SystemClock};
use crate::paced::{Nowhere, Paced};
use crate::pipe::PipeOutput;
use crate::sink::Sink;
use crate::wav::WavOutput;

/// Which sink to open.
#[derive(Clone, Debug, PartialEq)]
pub enum SinkSpec {
    /// A sound card, by its ALSA name.
    Alsa {
        /// Such as `default` or `hw:1,0`.
        device: String,
    },
    /// A WAV file.
    Wav {
        /// Where.
        path: PathBuf,
        /// How fast the virtual card runs, parts per million; for tests.
        skew_ppm: f64,
    },
    /// A command, run by `sh -c`.
    Pipe {
        /// The command.
        command: String,
    },
    /// A virtual card that nobody hears.
    Null {
        /// How fast it runs, parts per million; for tests.
        skew_ppm: f64,
    },
}

/// Why a text names no sink.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseSpecError {
    /// The kind is not one of ours.
    #[error("\"{0}\" is not a sink; write alsa:DEVICE, wav:FILE, pipe:COMMAND or null")]
    UnknownKind(String),
    /// Nothing after the colon.
    #[error("\"{0}\" is incomplete; write alsa:DEVICE, wav:FILE or pipe:COMMAND")]
    Empty(String),
    /// The skew is no number.
    #[error("skew_ppm is \"{0}\"; write a number of parts per million, such as 40 or -12.5")]
    Skew(String),
}

/// Why a sink could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be written.
    #[error("cannot write the recording {path}")]
    Wav {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The command cannot be run.
    #[error("cannot run the sound command `{command}`")]
    Pipe {
        /// The command.
        command: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No card can have that name. A card that is not there is no error: it is tried again.
    #[error("no sound card can be named {device:?}; `aplay -L` lists the names")]
    Alsa {
        /// Its name.
        device: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Built without ALSA.
    #[error(
        "this build has no ALSA, so alsa:{device} cannot be opened: build with `--features alsa`, \
         or write pipe:aplay -q -t raw -f S16_LE -r 48000 -c 1 -D {device}"
    )]
    NoAlsa {
        /// The card asked for.
        device: String,
    },
}

/// Reads `alsa:DEVICE`, `wav:FILE`, `pipe:COMMAND` or `null`.
///
/// `?skew_ppm=N` after a file or `null` makes its clock run fast by that much.
///
/// # Errors
///
/// See [`ParseSpecError`].
pub fn parse(text: &str) -> Result<SinkSpec, ParseSpecError> {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    if matches!(kind, "alsa" | "wav" | "pipe") && rest.trim().is_empty() {
        return Err(ParseSpecError::Empty(text.to_owned()));
    }
    match kind {
        "alsa" => Ok(SinkSpec::Alsa {
            device: rest.to_owned(),
        }),
        "pipe" => Ok(SinkSpec::Pipe {
            command: rest.to_owned(),
        }),
        "wav" => {
            let (path, skew_ppm) = split_skew(rest)?;
            Ok(SinkSpec::Wav {
                path: path.into(),
                skew_ppm,
            })
        }
        _ => match split_skew(text)? {
            ("null", skew_ppm) => Ok(SinkSpec::Null { skew_ppm }),
            _ => Err(ParseSpecError::UnknownKind(text.to_owned())),
        },
    }
}

/// Opens the sink that `spec` names.
///
/// # Errors
///
/// See [`OpenError`]. Only opening fails; an open sink goes on whatever happens. A card that is not there is stood in for.
pub fn open(spec: &SinkSpec) -> Result<Box<dyn Sink>, OpenError> {
    match spec {
        SinkSpec::Null { skew_ppm } => Ok(Box::new(Paced::new(Nowhere, SystemClock, *skew_ppm))),
        SinkSpec::Wav { path, skew_ppm } => {
            let output = WavOutput::create(path).map_err(|source| OpenError::Wav {
                path: path.clone(),
                source,
            })?;
            Ok(Box::new(Paced::new(output, SystemClock, *skew_ppm)))
        }
        SinkSpec::Pipe { command } => {
            let output = PipeOutput::start(command, SystemClock.now()).map_err(|source| OpenError::Pipe {
                command: command.clone(),
                source,
            })?;
            Ok(Box::new(Paced::new(output, SystemClock, 0.0)))
        }
        SinkSpec::Alsa { device } => open_alsa(device),
    }
}

#[cfg(feature = "alsa")]
fn open_alsa(device: &str) -> Result<Box<dyn Sink>, OpenError> {
    let sink = crate::alsa::AlsaSink::open(device, SystemClock);
    sink.map(|sink| Box::new(sink) as Box<dyn Sink>)
        .map_err(|source| OpenError::Alsa {
            device: device.to_owned(),
            source,
        })
}

#[cfg(not(feature = "alsa"))]
fn open_alsa(device: &str) -> Result<Box<dyn Sink>, OpenError> {
    Err(OpenError::NoAlsa {
        device: device.to_owned(),
    })
}

fn split_skew(text: &str) -> Result<(&str, f64), ParseSpecError> {
    let Some((name, skew)) = text.split_once("?skew_ppm=") else {
        return Ok((text, 0.0));
    };
    match skew.parse::<f64>() {
        Ok(ppm) if ppm.is_finite() => Ok((name, ppm)),
        _ => Err(ParseSpecError::Skew(skew.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sinks_are_read_as_people_write_them() {
        let wav = |path: &str, skew_ppm| SinkSpec::Wav {
            path: path.into(),
            skew_ppm,
        };
        let rows = [
            ("null", SinkSpec::Null { skew_ppm: 0.0 }),
            ("null?skew_ppm=40", SinkSpec::Null { skew_ppm: 40.0 }),
            ("wav:/x.wav", wav("/x.wav", 0.0)),
            ("wav:/x.wav?skew_ppm=-12.5", wav("/x.wav", -12.5)),
            ("wav:C:odd name?.wav", wav("C:odd name?.wav", 0.0)),
            (
                "alsa:hw:1,0",
                SinkSpec::Alsa {
                    device: "hw:1,0".into(),
                },
            ),
            (
                "pipe:aplay -D hw:0 -q",
                SinkSpec::Pipe {
                    command: "aplay -D hw:0 -q".into(),
                },
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn mistakes_are_answered_with_what_to_write() {
        let rows = [
            (
                "",
                "\"\" is not a sink; write alsa:DEVICE, wav:FILE, pipe:COMMAND or null",
            ),
            ("/x.wav", "\"/x.wav\" is not a sink"),
            ("wave:/x.wav", "\"wave:/x.wav\" is not a sink"),
            ("wav:", "\"wav:\" is incomplete; write alsa:DEVICE"),
            ("alsa", "\"alsa\" is incomplete"),
            ("pipe: ", "\"pipe: \" is incomplete"),
            ("wav:/x?skew_ppm=fast", "skew_ppm is \"fast\"; write a number"),
            ("null?skew_ppm=inf", "skew_ppm is \"inf\""),
        ];
        for (text, expected) in rows {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    #[test]
    fn unwritable_file_is_refused_by_name() {
        let spec = parse("wav:/nonexistent/x.wav").unwrap();
        let error = open(&spec).unwrap_err();
        assert_eq!(error.to_string(), "cannot write the recording /nonexistent/x.wav");
    }

    #[cfg(not(feature = "alsa"))]
    #[test]
    fn build_without_alsa_says_what_to_do() {
        let error = open(&parse("alsa:default").unwrap()).unwrap_err().to_string();
        assert!(
            error.contains("--features alsa") && error.contains("pipe:aplay"),
            "{error}"
        );
    }

    #[test]
    fn open_null_sink_runs_at_real_time() {
        let mut sink = open(&parse("null").unwrap()).unwrap();
        let began = std::time::Instant::now();
        sink.write(&[0.0; 4800 + 960]);
        assert!(
            began.elapsed() >= std::time::Duration::from_millis(20),
            "20 ms more than the card holds"
        );
        assert!(sink.position().pending <= 4800);
    }
}
