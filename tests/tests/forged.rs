//! Somebody on the network speaks too: forged, copied, misdirected and broken packets are counted and never heard.

use std::net::SocketAddrV4;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use loa_dsp::compare::{correlation, envelope};
use loa_headend::workbench::{Recording, Station};
use loa_model::{BulletinClass, Channel, SessionId, WallTime};
use loa_net::{GroupSet, InterfaceChoice, MulticastSender, ReceiverConfig, SenderConfig};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, now, second_from_now, sleep_until};
use loa_tests::sound::{as_aired, demo_audio};
use loa_wire::{Addressing, Certificate, OnAir, RtpHeader, Signer, key_id, public_key, read_rtp, write_rtp};
use serde_json::Value;

#[test]
fn who_has_no_key_is_counted_and_never_heard() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.loa(&[
        "media",
        "add",
        &demo_audio("ban-tin-tinh.mp3").display().to_string(),
    ])?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let mut receivers = Vec::new();
    for (code, zone) in [("loa-1", "thon-1"), ("loa-2", "thon-3")] {
        let wav = dir.path().join(format!("{code}.wav"));
        receivers.push((
            station.receiver(code, zone, &format!("wav:{}", wav.display()))?,
            wav,
        ));
    }
    let start = second_from_now(3);
    let programme = Airing {
        code: "ban-tin",
        zone: "tinh",
        media: "ban-tin-tinh",
        class: "normal",
        chime: false,
        at: start,
        max_duration: "1m",
    };
    import(&station, &[programme])?;
    sleep_until(start + Duration::from_secs(3));
    let attack = Attack::prepare(&station)?;
    attack.run(Duration::from_secs(6))?;
    sleep_until(start + Duration::from_secs(18));

    let source = as_aired(&station, "ban-tin-tinh")?;
    for (receiver, wav) in receivers {
        let lines = receiver.lines();
        let counters = receiver.newest("counters").context("statistics")?;
        receiver.stop()?;
        println!("{counters}");
        for counter in ["forged", "unknown_key", "replayed", "wrong_zone", "malformed"] {
            ensure!(
                counters[counter].as_u64() > Some(10),
                "{counter} is counted: {counters}"
            );
        }
        let sessions: Vec<_> = lines
            .iter()
            .filter_map(|line| line["switch"]["to"]["session"].as_u64())
            .collect();
        ensure!(
            sessions == [SessionId::new(1, 1).0],
            "only the station's own session is ever heard: {sessions:?}"
        );
        let heard = Recording::of_receiver(&wav, &lines)?;
        // Each second on its own, and no middle of them: one packet that is heard would not show in it. There is sound
        // in every second of this bulletin, so each has an envelope that says something.
        let likenesses: Vec<f64> = (1..)
            .zip(source.part(48_000, 14 * 48_000).chunks_exact(48_000))
            .map(|(s, said)| {
                let heard = heard.at(start + Duration::from_secs(s), said.len());
                correlation(&envelope(said, 960), &envelope(heard, 960))
            })
            .collect();
        println!("the programme was heard with envelope correlation {likenesses:.4?} each second");
        let broken: Vec<u64> = (1..)
            .zip(&likenesses)
            .filter(|(_, likeness)| **likeness <= 0.99)
            .map(|(s, _)| s)
            .collect();
        let troubles = troubles(&lines);
        for s in &broken {
            let from = start + Duration::from_secs(*s);
            let until = from + Duration::from_secs(1);
            ensure!(
                troubles
                    .iter()
                    .any(|trouble| trouble.start < until && from < trouble.end),
                "the programme is heard undisturbed, but for second {s}: {likenesses:.4?}"
            );
        }
        ensure!(
            likenesses.len() == 14 && broken.len() <= 3,
            "the machine stood still too often to say: {likenesses:.4?}"
        );
    }
    head_end.stop()?;
    Ok(())
}

/// Returns when, by its own account, a receiver had no sound for its card or lacked a packet that was sent: what a machine
/// that stands still does, and a packet of somebody else's that is heard does not.
fn troubles(lines: &[Value]) -> Vec<Range<WallTime>> {
    let told: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let at = WallTime::from_unix_ns(line["at"].as_i64()?);
            Some((at, TROUBLES.map(|counter| line["counters"][counter].as_u64())))
        })
        .collect();
    told.windows(2)
        .filter(|pair| pair[0].1 != pair[1].1)
        .map(|pair| pair[0].0 - BESIDE..pair[1].0 + BESIDE)
        .collect()
}

/// See [`troubles`].
const TROUBLES: [&str; 5] = ["card_underruns", "late", "lost", "recovered", "concealed"];

/// Silence is counted when it is over, and what is concealed before the card plays it: both within this time.
const BESIDE: Duration = Duration::from_millis(300);

/// A tool with a root and a station key of its own, and ears.
struct Attack {
    sender: MulticastSender,
    ears: GroupSet,
    signer: Signer,
    /// Id of the true station's key.
    station_key_id: u32,
    addressing: Addressing,
}

impl Attack {
    fn prepare(station: &Station) -> Result<Self> {
        let interface = InterfaceChoice::Address([127, 0, 0, 1].into());
        let addressing = Addressing::new(station.base, station.port)?;
        let sender = MulticastSender::open(&SenderConfig {
            interface: interface.clone(),
            towards: station.base,
            ttl: 1,
            ..SenderConfig::default()
        })?;
        let config = ReceiverConfig {
            interface,
            ..ReceiverConfig::default()
        };
        let ears = GroupSet::join(&[addressing.rtp(Channel(1))], &config)?;
        let secret = [66; 32];
        let certificate = Certificate::issue(
            &[67; 32],
            public_key(&secret),
            Channel(1),
            BulletinClass::Emergency,
            now() + Duration::from_secs(86_400),
        );
        let station_key = std::fs::read_to_string(station.path().join("data/keys/station.key"))?;
        let station_key: [u8; 32] = BASE64
            .decode(station_key.trim())?
            .try_into()
            .ok()
            .context("a key of 32 bytes")?;
        Ok(Self {
            sender,
            ears,
            signer: Signer::new(&secret, certificate)?,
            station_key_id: key_id(&public_key(&station_key)),
            addressing,
        })
    }

    fn run(mut self, span: Duration) -> Result<()> {
        let end = now() + span;
        let province = self.addressing.rtp(Channel(1));
        let mut recorded: Vec<(WallTime, Vec<u8>)> = Vec::new();
        let mut sequence = 0;
        while now() < end {
            while let Some(datagram) = self.ears.recv(Duration::ZERO)? {
                let bytes = datagram.bytes.to_vec();
                if self.is_the_stations(&bytes) {
                    recorded.push((now(), bytes));
                }
            }
            let forged = self.emergency(sequence, province)?;
            self.send(province, &forged);
            // The same, claiming to be signed by the true station.
            let mut claimed = forged.clone();
            claimed[KEY_ID_AT..KEY_ID_AT + 4].copy_from_slice(&self.station_key_id.to_be_bytes());
            self.send(province, &claimed);
            self.send(province, &forged[..60]);
            // The station's own words: again, when they are over, and in another zone.
            let old = recorded
                .iter()
                .find(|(at, _)| now().since(*at) > Duration::from_secs(2));
            if let Some((_, datagram)) = old {
                self.send(province, datagram);
            }
            if let Some((_, datagram)) = recorded.last() {
                for other in [2, 3] {
                    self.send(self.addressing.rtp(Channel(other)), datagram);
                }
            }
            recorded.retain(|(at, _)| now().since(*at) < Duration::from_secs(3));
            sequence += 1;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Writes a packet of an emergency for the whole province that nobody ordered.
    fn emergency(&self, sequence: u16, to: SocketAddrV4) -> Result<Vec<u8>> {
        let header = RtpHeader {
            marker: sequence == 0,
            sequence,
            timestamp: u32::from(sequence) * 960,
            ssrc: 7,
        };
        let onair = OnAir {
            session: SessionId::new(99, 1),
            channel: Channel(1),
            class: BulletinClass::Emergency,
            drill: false,
            authored: false,
            last: false,
            playout_delay_ms: 200,
        };
        let mut datagram = Vec::new();
        write_rtp(
            &mut datagram,
            &header,
            now(),
            &onair,
            &[0x78, 1, 2, 3],
            &self.signer,
            to,
        )?;
        Ok(datagram)
    }

    /// Tells the station's own packets from those sent here.
    fn is_the_stations(&self, datagram: &[u8]) -> bool {
        read_rtp(datagram).is_ok_and(|packet| {
            packet.key_id == self.station_key_id && packet.onair.session == SessionId::new(1, 1)
        })
    }

    fn send(&self, to: SocketAddrV4, datagram: &[u8]) {
        // A drop by this machine's own kernel shows in the counts at the end.
        let _ = self.sender.send(to, datagram);
    }
}

/// Where the key id lies in a packet as we write it (`docs/wire.md`): RTP header, extension header, `ntp-64`, `onair`.
const KEY_ID_AT: usize = 12 + 4 + (2 + 8) + (2 + 14) + 2;
