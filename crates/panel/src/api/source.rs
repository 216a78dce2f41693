//! Something live that is put on the air by hand: a mixer, a studio's encoder, another station, an input of the sound card.

use std::time::Duration;

use loa_model::Relay;
use loa_model::relay_address::Address;

use crate::error::PanelError;

/// A source as it was named.
pub(crate) struct Live {
    /// Carries it.
    pub(crate) relay: Relay,
    /// The address without name and password, for people.
    pub(crate) shown: String,
}

impl Live {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`PanelError::NoSource`], and [`PanelError::OddInput`] for an input that is not one of a sound card.
    pub(crate) fn read(text: &str) -> Result<Self, PanelError> {
        let address: Address = text.trim().parse().map_err(PanelError::NoSource)?;
        if let Address::Line(device) = &address
            && !is_plain_input(device)
        {
            return Err(PanelError::OddInput(device.clone()));
        }
        Ok(Self {
            relay: Relay {
                sources: vec![text.trim().to_owned()],
                fill: None,
                silence: SILENT_AFTER,
                // Before a microphone nobody may speak for a while; a station that is silent has failed.
                studio: matches!(address, Address::Rtp { .. } | Address::Line(_)),
            },
            shown: address.to_string(),
        })
    }
}

/// Tells whether ALSA's name of an input is that of a card, or one that the machine's own configuration gives it.
///
/// ALSA's names can also describe plugins that write files and start programs, which is not for everybody who may put
/// something on the air.
fn is_plain_input(device: &str) -> bool {
    let plain = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.,=".contains(c))
    };
    match device.split_once(':') {
        Some((kind, which)) => CARDS.contains(&kind) && plain(which),
        None => plain(device) && !device.contains(','),
    }
}

const CARDS: [&str; 5] = ["default", "sysdefault", "hw", "plughw", "dsnoop"];
/// As relays of the schedule that do not say.
const SILENT_AFTER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_of_a_card_are_taken_and_what_could_write_or_run_is_not() {
        for good in [
            "line:hw:1,0",
            "line:default",
            "line:plughw:CARD=USB,DEV=0",
            "line:input",
            " line:hw:0 ",
        ] {
            assert!(Live::read(good).is_ok(), "{good}");
        }
        for bad in [
            "line:file:'|reboot',raw",
            "line:tee:null,x,raw",
            "line:plug:SLAVE='file:x'",
            "line:hw:0/../x",
            "line:a,b",
            "line:hw:0 -i x",
        ] {
            assert!(matches!(Live::read(bad), Err(PanelError::OddInput(_))), "{bad}");
        }
    }

    #[test]
    fn a_password_is_used_and_never_shown() {
        let live = Live::read("https://an:bi-mat@radio.example/live?key=bi-mat").unwrap();
        assert_eq!(live.shown, "https://radio.example/live");
        assert!(live.relay.sources[0].contains("bi-mat") && !live.relay.studio);
        assert!(
            !format!("{:?}", live.relay).contains("bi-mat"),
            "{:?}",
            live.relay
        );
        let error = Live::read("htp://an:bi-mat@radio.example").err().unwrap();
        assert!(!error.to_string().contains("bi-mat"), "{error}");
    }
}
