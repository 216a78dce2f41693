//! Developer commands of Loa; see [`HELP`].

mod check;
mod rules;
mod run;
mod setup;
mod tasks;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let command = if args.is_empty() {
        String::new()
    } else {
        args.remove(0)
    };
    let done = match command.as_str() {
        "setup" if args.is_empty() => tasks::setup(),
        "check" if args.is_empty() => tasks::check(),
        "test" if args.is_empty() => tasks::test(),
        "demo" => tasks::demo(&args),
        "bench" => tasks::bench(&args),
        "" | "help" | "--help" | "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        "setup" | "check" | "test" => {
            eprintln!(
                "xtask: `cargo xtask {command}` takes no arguments, got {}\n\n{HELP}",
                args.join(" ")
            );
            return ExitCode::from(2);
        }
        _ => {
            eprintln!("xtask: there is no command \"{command}\"\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What `cargo xtask help` prints.
const HELP: &str = "\
cargo xtask COMMAND

  demo [ARGUMENTS]   A day of commune radio on this machine. Installs what the build needs, builds both programs and
                     runs `loa demo`, which takes the arguments:
                       --seconds N   end after N seconds and show the proof
                       --headless    no sound card, no table that renews itself: for machines without people
                       --keep DIR    keep the installation, logs and recordings in DIR
                       --help        everything else it takes
  test               Everything a change must pass: setup, check, then all tests. The tests that give themselves a
                     network of their own need root.
  check              What can be judged without running: crate directions and licences, fences of pure crates, unused
                     dependencies, links between documents, format, clippy, documentation.
  bench [FILTER]     Runs the benchmarks, or those whose file or function has FILTER in its name.
  setup              Installs the system packages that the build, check and test need (apt, as root; otherwise prints
                     the command to run), and rustfmt and clippy.
";
