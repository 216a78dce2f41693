//! The demo.
/// x
#[derive(clap::Args)]
pub struct Options {}
/// x
/// # Errors
/// y
pub fn demo(_: &Options) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("x")
}
