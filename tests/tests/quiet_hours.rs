//! Whoever holds the station's key airs a programme at a quarter past three: a receiver is silent, also after a power cut.

use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use loa_headend::workbench::{Process, Station};
use loa_model::{
    BulletinClass, Channel, Days, QuietHours, QuietPolicy, SessionId, VolumeStep, WallTime, Window,
};
use loa_net::{InterfaceChoice, MulticastSender, SenderConfig};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{import, now, sleep_until};
use loa_wire::{Addressing, Beacon, Certificate, OnAir, RtpHeader, Signer, write_beacon, write_rtp};

#[test]
fn a_receiver_keeps_quiet_hours_whatever_the_head_end_sends() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    import(&station, &[])?;
    let mut head_end = HeadEnd::prepare(&station)?;

    let mut receiver = station.receiver("loa-1", "thon-1", "null")?;
    head_end.speak(&[1, 2, 4], BulletinClass::Normal, Duration::from_secs(5))?;
    silent(&receiver)?;
    let kept = dir.path().join("loa-1/quiet.json");
    receiver.wait_until("keeping quiet hours", || Ok(kept.is_file()))?;
    receiver.kill()?;

    // From here on no beacon of its own zone reaches it, though those of the zones above do.
    std::fs::remove_file(dir.path().join("loa-1.out"))?;
    station.loa(&["receiver", "remove", "loa-1"])?;
    let receiver = station.receiver("loa-1", "thon-1", "null")?;
    head_end.speak(&[1, 2], BulletinClass::Normal, Duration::from_secs(4))?;
    silent(&receiver)?;
    head_end.speak(&[1, 2], BulletinClass::Emergency, Duration::from_secs(3))?;
    let lines = receiver.lines();
    let switches: Vec<_> = lines.iter().filter_map(|line| line.get("switch")).collect();
    // A moment without packets ends it and begins it again.
    let begun: Vec<_> = switches.iter().filter(|switch| !switch["to"].is_null()).collect();
    ensure!(!begun.is_empty(), "an emergency is heard: {switches:#?}");
    for switch in begun {
        ensure!(
            switch["to"]["class"] == "emergency"
                && switch["to"]["authored"] == true
                && switch["gain_db"] == 0,
            "{switch}"
        );
    }
    receiver.stop()
}

/// Fails unless the receiver took packets, played none, and says why.
fn silent(receiver: &Process) -> Result<()> {
    let lines = receiver.lines();
    let switches = lines.iter().filter(|line| line.get("switch").is_some());
    ensure!(switches.count() == 0, "nothing is heard");
    let counters = receiver.newest("counters").context("statistics")?;
    ensure!(counters["quiet"].as_u64() > Some(50), "{counters}");
    let quiet = receiver.newest("quiet").context("statistics")?;
    ensure!(
        quiet["silence"] == "quiet_hours" && quiet["gain_db"] == -12,
        "{quiet}"
    );
    Ok(())
}

/// A head-end that knows quiet hours, and airs all the same.
struct HeadEnd {
    sender: MulticastSender,
    signer: Signer,
    addressing: Addressing,
    quiet: QuietHours,
    sequence: u16,
    sessions: u32,
}

impl HeadEnd {
    fn prepare(station: &Station) -> Result<Self> {
        let sender = MulticastSender::open(&SenderConfig {
            interface: InterfaceChoice::Address([127, 0, 0, 1].into()),
            towards: station.base,
            ttl: 1,
            ..SenderConfig::default()
        })?;
        let key = |name: &str| -> Result<Vec<u8>> {
            let text = std::fs::read_to_string(station.path().join("data/keys").join(name))?;
            Ok(BASE64.decode(text.trim())?)
        };
        let secret: [u8; 32] = key("station.key")?.try_into().ok().context("32 bytes")?;
        Ok(Self {
            sender,
            signer: Signer::new(&secret, Certificate::decode(&key("station.cert")?)?)?,
            addressing: Addressing::new(station.base, station.port)?,
            quiet: a_quarter_past_three()?,
            sequence: 0,
            sessions: 0,
        })
    }

    /// Airs a session for the whole province, with beacons on these channels.
    fn speak(&mut self, beacons: &[u16], class: BulletinClass, span: Duration) -> Result<()> {
        self.sessions += 1;
        let start = now();
        let mut datagram = Vec::new();
        for packet in 0.. {
            let at = start + PACKET * packet;
            if at >= start + span {
                break;
            }
            sleep_until(at);
            if packet % 50 == 0 {
                for channel in beacons {
                    let to = self.beacon(Channel(*channel), at, &mut datagram)?;
                    self.send(to, &datagram);
                }
            }
            self.packet(class, at, &mut datagram)?;
            self.send(self.addressing.rtp(Channel(1)), &datagram);
        }
        // Until what was sent has sounded, and a line of statistics says so.
        std::thread::sleep(Duration::from_millis(1_500));
        Ok(())
    }

    fn send(&self, to: SocketAddrV4, datagram: &[u8]) {
        // A drop by this machine's own kernel shows in the counts at the end.
        let _ = self.sender.send(to, datagram);
    }

    fn beacon(&self, channel: Channel, at: WallTime, datagram: &mut Vec<u8>) -> Result<SocketAddrV4> {
        let to = self.addressing.rtcp(channel);
        let beacon = Beacon {
            epoch: 1,
            at,
            channel,
            now: None,
            next_start: None,
            quiet: Some(self.quiet.clone()),
        };
        write_beacon(datagram, &beacon, 7, None, "loa", &self.signer, to)?;
        Ok(to)
    }

    fn packet(&mut self, class: BulletinClass, at: WallTime, datagram: &mut Vec<u8>) -> Result<()> {
        let header = RtpHeader {
            marker: false,
            sequence: self.sequence,
            timestamp: u32::from(self.sequence) * 960,
            ssrc: 7,
        };
        self.sequence += 1;
        let onair = OnAir {
            session: SessionId::new(1, self.sessions),
            channel: Channel(1),
            class,
            drill: false,
            authored: class == BulletinClass::Emergency,
            last: false,
            playout_delay_ms: 200,
        };
        let to = self.addressing.rtp(Channel(1));
        write_rtp(datagram, &header, at, &onair, &[0x78, 1, 2, 3], &self.signer, to)?;
        Ok(())
    }
}

/// Every day 05:00 to 22:00, softly from 21:00 to 06:00; where it is a quarter past three now.
fn a_quarter_past_three() -> Result<QuietHours> {
    let minute = (now().as_unix_ms() / 60_000).rem_euclid(1_440);
    let step = |hour: u16, gain_db| VolumeStep {
        from: hour * 60,
        gain_db,
    };
    Ok(QuietHours {
        policy: QuietPolicy {
            windows: vec![Window {
                days: Days::ALL,
                from: 300,
                to: 1_320,
            }],
            minutes_a_day: None,
            volume: vec![step(6, 0), step(21, -12)],
        },
        utc_offset_min: i16::try_from(195 - minute)?,
    })
}

const PACKET: Duration = Duration::from_millis(20);
