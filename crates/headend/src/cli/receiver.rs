//! `loa receiver`: register, list, remove, print a configuration.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Subcommand;
use loa_model::{Place, ZoneTree};

use super::Format;
use crate::installation::Installation;
use crate::tls::PanelTls;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Registers a receiver, so that its reports are believed.
    Add {
        /// Its code.
        code: String,
        /// Code of the zone it stands in.
        #[arg(long)]
        zone: String,
        /// What `loa-receiver key` printed on it.
        #[arg(long)]
        public_key: String,
        /// Where it stands: LATITUDE,LONGITUDE in degrees.
        #[arg(long, allow_hyphen_values = true)]
        at: Option<Place>,
    },
    /// Says where a receiver stands, for the map.
    Place {
        /// Its code.
        code: String,
        /// LATITUDE,LONGITUDE in degrees, such as 10.7769,106.7009; nothing to forget it.
        #[arg(allow_hyphen_values = true)]
        at: Option<Place>,
    },
    /// Lists receivers and when they were last heard from.
    List {
        #[command(flatten)]
        format: Format,
    },
    /// Strikes a receiver off.
    Remove {
        /// Its code.
        code: String,
    },
    /// Prints a configuration for a receiver.
    Config {
        /// Its code.
        code: String,
        /// Code of the zone it stands in.
        #[arg(long)]
        zone: String,
        /// Where its sound goes: `alsa:DEVICE`, `pipe:COMMAND`, `wav:FILE` or `null`.
        #[arg(long, default_value = "alsa:loa")]
        sink: String,
    },
}

impl Command {
    pub(super) fn act(self, installation: &Installation) -> Result<()> {
        let mut store = installation.store()?;
        match self {
            Self::Add {
                code,
                zone,
                public_key,
                at,
            } => {
                store.add_receiver(&code, &zone, &super::public_key_from(&public_key)?)?;
                if at.is_some() {
                    store.place_receiver(&code, at)?;
                }
            }
            Self::Place { code, at } => store.place_receiver(&code, at)?,
            Self::Remove { code } => store.remove_receiver(&code)?,
            Self::List { format } => {
                let (rows, tree) = (store.receivers()?, store.zones()?);
                if format.json {
                    return super::print_json(&rows);
                }
                for row in rows {
                    let zone = tree.get(row.receiver.zone).map_or("?", |zone| &zone.code);
                    let heard = row
                        .seen_at
                        .map_or_else(|| "never heard from".to_owned(), |at| at.to_string());
                    let place = row
                        .receiver
                        .place
                        .map_or_else(String::new, |place| format!("  {place}"));
                    println!("{:<24}  {zone:<20}  {heard}{place}", row.receiver.code);
                }
            }
            Self::Config { code, zone, sink } => {
                print!(
                    "{}",
                    configuration(installation, &store.zones()?, &code, &zone, &sink)?
                );
            }
        }
        Ok(())
    }
}

fn configuration(
    installation: &Installation,
    tree: &ZoneTree,
    code: &str,
    zone: &str,
    sink: &str,
) -> Result<String> {
    let root = installation.root_public()?;
    let zone = tree
        .by_code(zone)
        .with_context(|| format!("there is no zone \"{zone}\""))?;
    let config = installation.config();
    // Values go through the TOML writer, so that no name can break out of its quotes.
    let text = |value: &str| toml::Value::from(value).to_string();
    let mut out = String::new();
    writeln!(
        out,
        "# {}: {}",
        config.station.name.replace('\n', " "),
        code.replace('\n', " ")
    )?;
    writeln!(
        out,
        "code = {}\nstate_dir = \"/var/lib/loa-receiver\"\nlog = \"info\"\n\n[zone]\nchain = [",
        text(code)
    )?;
    for link in tree.chain(zone.id) {
        writeln!(
            out,
            "    {{ code = {}, channel = {} }},",
            text(&link.code),
            link.channel
        )?;
    }
    writeln!(
        out,
        "]\n\n[station]\nroot_public_key = \"{}\"",
        BASE64.encode(root)
    )?;
    let multicast = &config.multicast;
    let interface = if multicast.interface == "127.0.0.1" {
        "127.0.0.1"
    } else {
        "auto"
    };
    writeln!(
        out,
        "\n[multicast]\nbase = \"{}\"\nport = {}\ninterface = \"{interface}\"",
        multicast.base, multicast.port
    )?;
    writeln!(
        out,
        "\n[output]\nsink = {}\nvolume_db = 0.0\nlimiter_dbtp = -1.5",
        text(sink)
    )?;
    writeln!(out, "\n[clock]\ntrust = \"auto\"")?;
    writeln!(
        out,
        "\n[report]\nurl = \"{}\"\ninterval_s = 10",
        config.panel.url()
    )?;
    if let Some(ca) = PanelTls::open(installation, super::now())?
        .as_ref()
        .and_then(PanelTls::authority)
    {
        writeln!(out, "ca = \"\"\"\n{ca}\"\"\"")?;
    }
    Ok(out)
}
