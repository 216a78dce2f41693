//! The account of each session played: what becomes its receipt.

use std::collections::{BTreeMap, VecDeque};

use loa_dsp::gain_to_db;
use loa_model::{Receipt, SampleTime, Silence, Silenced, WallTime, samples_to_duration};
use loa_session::{Playing, Playout, SessionKey, Switch, SwitchReason, Withheld};
use loa_wire::RECEIPTS_MAX;

/// Keeps one account for each session of late, and what the head-end has not yet acknowledged of it.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    accounts: BTreeMap<SessionKey, Account>,
    on_air: Option<Playing>,
    /// Changes of the air that were decided and have not sounded yet.
    ahead: VecDeque<Switch>,
}

#[derive(Debug)]
struct Account {
    playing: Playing,
    first: SampleTime,
    last: SampleTime,
    sounded: u64,
    energy: f64,
    concealed: u64,
    /// Concealed since the last packet: nothing was missing if nothing follows.
    concealed_since: u64,
    packets: u64,
    packet_samples: u32,
    /// Samples that were kept silent, and why most recently.
    withheld: u64,
    silence: Option<Silence>,
    over: bool,
    changed: WallTime,
}

impl Accounts {
    /// Takes note of what was handed out to be rendered.
    pub(crate) fn note(&mut self, playout: &Playout, now: WallTime) {
        match playout {
            Playout::Switch(switch) => {
                if let Some(to) = switch.to {
                    self.open(to, switch.at);
                    // What was kept silent until here has not begun yet.
                    self.with(to.key, |account| {
                        if account.sounded == 0 {
                            (account.first, account.last) = (switch.at, switch.at);
                        }
                    });
                }
                let unfinished = matches!(switch.why, SwitchReason::Silent | SwitchReason::Quiet);
                if let (Some(from), true) = (switch.from, unfinished) {
                    self.with(from.key, |account| account.concealed_since = 0);
                }
                self.ahead.push_back(*switch);
            }
            Playout::Frame(frame) if frame.skip < frame.samples => self.with(frame.session, |account| {
                account.packets += 1;
                account.packet_samples = frame.samples;
                account.concealed += std::mem::take(&mut account.concealed_since);
            }),
            Playout::Frame(_) => {}
            Playout::Gap(gap) => {
                self.with(gap.session, |account| {
                    account.concealed_since += u64::from(gap.samples);
                });
            }
            Playout::Volume(_) => {}
            Playout::Withheld(withheld) => self.withhold(withheld, now),
        }
    }

    /// Takes note of samples that go to the sound card, the first of which lies at `start`.
    pub(crate) fn sounded(&mut self, start: SampleTime, samples: &[f32], now: WallTime) {
        let mut at = 0;
        while at < samples.len() {
            let here = start.offset(i64::try_from(at).unwrap_or(i64::MAX));
            while let Some(switch) = self.ahead.front().filter(|switch| switch.at <= here).copied() {
                self.ahead.pop_front();
                self.change(&switch, now);
            }
            let next = self.ahead.front().map(|switch| switch.at.samples_after(start));
            let end = next
                .and_then(|next| usize::try_from(next).ok())
                .unwrap_or(usize::MAX)
                .min(samples.len());
            if let Some(playing) = self.on_air {
                let part = &samples[at..end];
                self.with(playing.key, |account| {
                    account.sounded += part.len() as u64;
                    account.energy += part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
                    account.last = here.offset(i64::try_from(part.len()).unwrap_or(i64::MAX));
                    account.changed = now;
                });
            }
            at = end;
        }
    }

    /// Returns what sounds at this moment.
    pub(crate) const fn on_air(&self) -> Option<Playing> {
        self.on_air
    }

    /// Returns the receipts of all sessions that changed after `acknowledged`, oldest session first.
    ///
    /// `volume_db` is added to the level of what was rendered.
    pub(crate) fn receipts(&self, acknowledged: WallTime, volume_db: f64) -> Vec<Receipt> {
        let changed = self
            .accounts
            .iter()
            .filter(|(_, account)| account.changed > acknowledged);
        changed
            .map(|(key, account)| account.receipt(key, volume_db))
            .collect()
    }

    /// What came and was kept silent is no loss: its receipt says so, even if nothing of it ever sounds.
    fn withhold(&mut self, withheld: &Withheld, now: WallTime) {
        self.open(withheld.session, withheld.start);
        self.with(withheld.session.key, |account| {
            account.withheld += withheld.samples;
            account.silence = Some(withheld.why);
            account.changed = now;
        });
    }

    fn open(&mut self, playing: Playing, at: SampleTime) {
        if self.accounts.len() >= RECEIPTS_MAX && !self.accounts.contains_key(&playing.key) {
            // What changed longest ago was reported long ago, or never will be.
            let oldest = self
                .accounts
                .iter()
                .min_by_key(|(_, account)| account.changed)
                .map(|(key, _)| *key);
            oldest.map(|key| self.accounts.remove(&key));
        }
        self.accounts.entry(playing.key).or_insert(Account {
            playing,
            first: at,
            last: at,
            sounded: 0,
            energy: 0.0,
            concealed: 0,
            concealed_since: 0,
            packets: 0,
            packet_samples: 1,
            withheld: 0,
            silence: None,
            over: true,
            changed: WallTime::default(),
        });
    }

    fn change(&mut self, switch: &Switch, now: WallTime) {
        if let Some(from) = switch.from {
            self.with(from.key, |account| {
                account.over = true;
                account.changed = now;
            });
        }
        if let Some(to) = switch.to {
            self.with(to.key, |account| account.over = false);
        }
        self.on_air = switch.to;
    }

    fn with(&mut self, key: SessionKey, change: impl FnOnce(&mut Account)) {
        if let Some(account) = self.accounts.get_mut(&key) {
            change(account);
        }
    }
}

impl Account {
    fn receipt(&self, key: &SessionKey, volume_db: f64) -> Receipt {
        let mean_square = if self.sounded == 0 {
            0.0
        } else {
            self.energy / self.sounded as f64
        };
        Receipt {
            session: key.session,
            channel: key.channel,
            class: self.playing.class,
            drill: self.playing.drill,
            first: self.first.to_wall(),
            last: self.last.to_wall(),
            sounded: samples_to_duration(self.sounded),
            concealed: samples_to_duration(self.concealed),
            packets: self.packets,
            lost: self.concealed.div_ceil(u64::from(self.packet_samples)),
            output_dbfs: gain_to_db(mean_square.sqrt()) + volume_db,
            over: self.over,
            silenced: self.silence.map(|why| Silenced {
                why,
                span: samples_to_duration(self.withheld),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loa_model::{BulletinClass, Channel, SessionId};
    use loa_session::{Frame, Gap};
    use std::time::Duration;

    const NOW: WallTime = WallTime::from_unix_s(7);

    fn playing(session: u64) -> Playing {
        let key = SessionKey {
            station: 1,
            session: SessionId(session),
            channel: Channel(1),
        };
        Playing {
            key,
            class: BulletinClass::Normal,
            depth: 0,
            drill: false,
            authored: false,
            by_arrival: false,
        }
    }

    fn switch(at: i64, from: Option<u64>, to: Option<u64>, why: SwitchReason) -> Playout {
        let (from, to) = (from.map(playing), to.map(playing));
        Playout::Switch(Switch {
            at: SampleTime(at),
            from,
            to,
            why,
            gain_db: 0,
        })
    }

    fn frame(session: u64, start: i64) -> Playout {
        let session = playing(session).key;
        Playout::Frame(Frame {
            session,
            start: SampleTime(start),
            samples: 960,
            skip: 0,
            payload: vec![],
        })
    }

    fn gap(session: u64, start: i64) -> Playout {
        let session = playing(session).key;
        Playout::Gap(Gap {
            session,
            start: SampleTime(start),
            samples: 960,
            next: None,
        })
    }

    #[test]
    fn a_receipt_says_what_sounded_and_what_was_missing() {
        let mut accounts = Accounts::default();
        accounts.note(&switch(1_000, None, Some(1), SwitchReason::Started), NOW);
        for playout in [frame(1, 1_000), gap(1, 1_960), frame(1, 2_920)] {
            accounts.note(&playout, NOW);
        }
        accounts.note(&switch(3_880, Some(1), None, SwitchReason::Ended), NOW);
        let now = WallTime::from_unix_s(9);
        accounts.sounded(SampleTime(0), &[0.5; 4_800], now);
        let receipts = accounts.receipts(WallTime::from_unix_s(8), -6.0);
        let [receipt] = &receipts[..] else {
            panic!("{receipts:?}")
        };
        assert_eq!(
            (receipt.first, receipt.last),
            (SampleTime(1_000).to_wall(), SampleTime(3_880).to_wall())
        );
        assert_eq!(receipt.sounded, samples_to_duration(2_880));
        assert_eq!((receipt.packets, receipt.lost, receipt.over), (2, 1, true));
        assert!((receipt.output_dbfs + 12.02).abs() < 0.01);
        assert!(accounts.receipts(now, 0.0).is_empty(), "acknowledged");
        assert_eq!(accounts.on_air(), None);
    }

    #[test]
    fn waiting_for_packets_that_were_never_sent_is_no_loss() {
        let mut accounts = Accounts::default();
        accounts.note(&switch(0, None, Some(1), SwitchReason::Started), NOW);
        for playout in [frame(1, 0), gap(1, 960), gap(1, 1_920)] {
            accounts.note(&playout, NOW);
        }
        accounts.note(&switch(2_880, Some(1), None, SwitchReason::Silent), NOW);
        accounts.sounded(SampleTime(0), &[0.0; 4_000], WallTime::from_unix_s(1));
        let receipts = accounts.receipts(WallTime::default(), 0.0);
        assert_eq!((receipts[0].packets, receipts[0].lost), (1, 0));
    }

    #[test]
    fn what_quiet_hours_kept_silent_is_no_loss_and_has_a_receipt() {
        let mut accounts = Accounts::default();
        let withheld = |start, why| {
            Playout::Withheld(Withheld {
                session: playing(1),
                start: SampleTime(start),
                samples: 4_800,
                why,
            })
        };
        accounts.note(&withheld(0, Silence::PolicyUnknown), NOW);
        accounts.note(&withheld(4_800, Silence::QuietHours), NOW);
        accounts.sounded(SampleTime(0), &[0.0; 9_600], NOW);
        let receipts = accounts.receipts(WallTime::default(), 0.0);
        assert_eq!((receipts[0].packets, receipts[0].lost), (0, 0));
        assert_eq!((receipts[0].sounded, receipts[0].over), (Duration::ZERO, true));
        let silenced = Silenced {
            why: Silence::QuietHours,
            span: Duration::from_millis(200),
        };
        assert_eq!(receipts[0].silenced, Some(silenced));

        // The window opens in its midst.
        accounts.note(&switch(9_600, None, Some(1), SwitchReason::Started), NOW);
        accounts.note(&frame(1, 9_600), NOW);
        accounts.sounded(SampleTime(9_600), &[0.5; 960], NOW);
        let receipts = accounts.receipts(WallTime::default(), 0.0);
        assert_eq!(receipts[0].first, SampleTime(9_600).to_wall());
        assert_eq!((receipts[0].packets, receipts[0].over), (1, false));
        assert_eq!(receipts[0].silenced, Some(silenced));
    }

    #[test]
    fn accounts_are_bounded_and_the_newest_stay() {
        let mut accounts = Accounts::default();
        let sessions = RECEIPTS_MAX as u64 + 10;
        for session in 1..=sessions {
            let at = i64::try_from(session).unwrap() * 100;
            let from = (session > 1).then(|| session - 1);
            accounts.note(&switch(at, from, Some(session), SwitchReason::PreEmpted), NOW);
            let now = WallTime::from_unix_s(i64::try_from(session).unwrap());
            accounts.sounded(SampleTime(at), &[0.1; 100], now);
        }
        let receipts = accounts.receipts(WallTime::default(), 0.0);
        assert_eq!(receipts.len(), RECEIPTS_MAX);
        assert_eq!(
            receipts.last().map(|receipt| receipt.session),
            Some(SessionId(sessions))
        );
    }
}
