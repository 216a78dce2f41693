//! A station in memory: what the panel's tests and its preview show.

mod emergency;
pub(crate) mod library;
mod people;
pub(crate) mod schedules;
mod tokens;
mod upkeep;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::NaiveDate;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use loa_model::{
    ApprovalState, BulletinClass, Channel, Chime, Command, CommandDone, Content, ContentHash, EndReason,
    Heard, LineName, NextUp, ORDER_DEFAULT, OccurrenceId, Origin, Place, PreEmption, Reason, Refusal,
    RunSheet, RunSheetLine, SessionId, SessionState, SlotId, Snapshot, TieRule, Verdict, WallTime, Zone,
    ZoneId, ZoneSettings, ZoneState, ZoneTree,
};
use loa_panel::{
    Answer, AsRunDay, AsRunLine, BadSound, Console, ConsoleError, DrillItem, Health, ListeningReceiver,
    MediaItem, Metric, MetricKind, ProofItem, Reach, ReceiverItem, ReportRefusal, Said, Speaking, Speech,
    SpeechEnd, StartItem, Station, Tapped, Trouble,
};

/// 17:12:30 in Vietnam.
pub(crate) const NOW: WallTime = WallTime::from_unix_s(1_796_379_150);

/// A station whose answers are fixed, but for what is logged in and what was commanded.
pub(crate) struct Memory {
    pub(crate) reach: Reach,
    pub(crate) commands: Mutex<Vec<Command>>,
    pub(crate) healthy: bool,
    /// Everybody is logged in, for looking at pages.
    pub(crate) open: bool,
    pub(crate) hostile_title: bool,
    /// The emergency on the air is an exercise.
    pub(crate) drill: bool,
    /// Emergencies take two persons.
    pub(crate) two_persons: bool,
    /// What waits for the second one, beside what waits always.
    pub(crate) asked: Mutex<Vec<loa_panel::Waiting>>,
    /// The library does not answer.
    pub(crate) library_lost: bool,
    /// Nothing is on air to listen to.
    pub(crate) silent: bool,
    /// The login has ended.
    pub(crate) logged_out: AtomicBool,
    /// The second commune has programmes of its own.
    pub(crate) busy: bool,
    /// What was changed of people, in words.
    pub(crate) changes: Mutex<Vec<String>>,
    /// What is on its way in.
    pub(crate) uploads: Mutex<Vec<loa_panel::UploadItem>>,
    /// Passwords that were looked at.
    pub(crate) log_ins: AtomicUsize,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            reach: Reach {
                is_secure: false,
                authority: Some("-----BEGIN CERTIFICATE-----\n".into()),
            },
            commands: Mutex::default(),
            healthy: true,
            open: false,
            hostile_title: false,
            drill: false,
            two_persons: false,
            asked: Mutex::default(),
            library_lost: false,
            silent: false,
            logged_out: AtomicBool::new(false),
            busy: false,
            changes: Mutex::default(),
            uploads: Mutex::default(),
            log_ins: AtomicUsize::new(0),
        }
    }

    fn title(&self) -> String {
        if self.hostile_title {
            "<script>alert(1)</script>".into()
        } else {
            "Bản tin buổi chiều của tỉnh".into()
        }
    }
}

fn done<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

fn at(s: i64) -> WallTime {
    NOW.offset_ns(s * 1_000_000_000)
}

fn state(session: u64, title: &str, class: BulletinClass, by: Option<&str>, ends: i64) -> SessionState {
    let origin = match by {
        Some(by) => Origin::Override {
            by: by.into(),
            first: SessionId(session),
        },
        None => Origin::Slot(OccurrenceId {
            slot: SlotId(1),
            zone: ZoneId(1),
            start: NOW,
        }),
    };
    SessionState {
        drill: false,
        began: Some(at(-150)),
        session: SessionId(session),
        part: 1,
        origin,
        title: title.into(),
        class,
        since: at(-150),
        ends: at(ends),
    }
}

/// A speech that nobody hears.
struct Spoken(Vec<(ZoneId, SessionId)>);

impl Speaking for Spoken {
    fn sessions(&self) -> &[(ZoneId, SessionId)] {
        &self.0
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn hear(&mut self, _: Said<'_>) -> Result<f32, BadSound> {
        Ok(-20.0)
    }

    fn is_heard(&self) -> bool {
        true
    }

    fn end(self: Box<Self>, _: SpeechEnd) -> Answer<'static, ()> {
        done(())
    }
}

/// Where a receiver stands; of those in one zone only the first has a place.
fn place_of(code: &str, zone: i64) -> Option<Place> {
    code.ends_with('1').then(|| Place {
        latitude_e6: 10_776_900 + i32::try_from(zone).unwrap_or(0) * 9_000,
        longitude_e6: 106_700_900,
    })
}

impl Console for Memory {
    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn station(&self) -> Station {
        Station {
            name: "Đài truyền thanh Sông Mây".into(),
            time_zone: chrono_tz::Tz::Asia__Ho_Chi_Minh,
        }
    }

    fn now(&self) -> WallTime {
        NOW
    }

    fn zones(&self) -> Arc<ZoneTree> {
        let zones = [
            (1, "tinh", "Tỉnh Sông Mây", None),
            (2, "xa-dong", "Xã Đông", Some(1)),
            (3, "thon-dinh", "Thôn Đình", Some(2)),
            (4, "thon-ben", "Thôn Bến Đò", Some(2)),
            (5, "xa-tay", "Xã Tây", Some(1)),
        ];
        let zone = |(id, code, name, parent): (i64, &str, &str, Option<i64>)| Zone {
            id: ZoneId(id),
            code: code.into(),
            name: name.into(),
            parent: parent.map(ZoneId),
            channel: Channel(u16::try_from(id).unwrap_or(0)),
            settings: ZoneSettings {
                language: (id == 2).then(|| "mnong".into()),
                ..ZoneSettings::default()
            },
        };
        Arc::new(ZoneTree::new(zones.into_iter().map(zone).collect()).expect("a tree"))
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        let bulletin = state(0x1_0000_0001, &self.title(), BulletinClass::Priority, None, 450);
        let mut emergency = state(
            0x1_0000_0002,
            "Cảnh báo lũ khẩn cấp",
            BulletinClass::Emergency,
            Some("truc-ban"),
            95,
        );
        emergency.drill = self.drill;
        let heard = |session: &SessionState, from| Heard {
            session: session.session,
            from: ZoneId(from),
            title: session.title.clone(),
            class: session.class,
            drill: session.drill,
        };
        let next = |from| NextUp {
            line: 4,
            from: ZoneId(from),
            start: at(1_050),
            title: "Ca nhạc buổi chiều".into(),
            class: BulletinClass::Background,
        };
        let zone = |id| ZoneState {
            zone: ZoneId(id),
            on_air: None,
            heard: None,
            waiting: vec![],
            next: Some(next(1)),
        };
        let waiting = state(
            0x1_0000_0003,
            "Chuyên mục của xã",
            BulletinClass::Normal,
            None,
            900,
        );
        let music = state(0x1_0000_0004, "Ca nhạc", BulletinClass::Normal, None, 900);
        let flood = state(0x1_0000_0005, "Báo lụt", BulletinClass::Emergency, None, 900);
        Arc::new(Snapshot {
            at: NOW,
            run_sheet: 12,
            zones: vec![
                ZoneState {
                    on_air: Some(bulletin.clone()),
                    heard: Some(heard(&bulletin, 1)),
                    ..zone(1)
                },
                ZoneState {
                    on_air: Some(emergency.clone()),
                    heard: Some(heard(&emergency, 2)),
                    waiting: vec![waiting],
                    ..zone(2)
                },
                ZoneState {
                    heard: Some(heard(&emergency, 2)),
                    ..zone(3)
                },
                ZoneState {
                    heard: Some(heard(&emergency, 2)),
                    ..zone(4)
                },
                ZoneState {
                    next: Some(next(5)),
                    waiting: if self.busy { vec![music, flood] } else { vec![] },
                    ..zone(5)
                },
            ],
        })
    }

    fn levels(&self) -> Arc<BTreeMap<ZoneId, f32>> {
        Arc::new([(ZoneId(1), -18.2), (ZoneId(2), -11.6)].into())
    }

    fn health(&self) -> Health {
        if self.healthy {
            return Health::default();
        }
        Health {
            problems: vec![Trouble::AirThreadEnded],
            off_air: true,
        }
    }

    fn metrics(&self) -> Vec<Metric> {
        let (name, help) = ("loa_packets_sent_total", "RTP packets sent.");
        vec![Metric {
            name,
            help,
            kind: MetricKind::Counter,
            labels: vec![],
            value: 5.0,
        }]
    }

    fn command<'a>(&'a self, command: Command, _by: &'a str) -> Answer<'a, CommandDone> {
        let answer = match &command {
            Command::Stop { session, .. } if session.0 == 404 => {
                Err(ConsoleError::Refused(Refusal::UnknownSession(*session)))
            }
            Command::StartOverride { .. } => Ok(CommandDone::OverrideStarted {
                session: SessionId(9),
                on_air: true,
            }),
            _ => Ok(CommandDone::Done),
        };
        if let Ok(mut commands) = self.commands.lock() {
            commands.push(command);
        }
        Box::pin(std::future::ready(answer))
    }

    fn speak<'a>(&'a self, speech: Speech, _by: &'a str) -> Answer<'a, Box<dyn Speaking>> {
        let zone = speech.zones[0];
        done(Box::new(Spoken(vec![(zone, SessionId(0x1_0000_0009))])))
    }

    fn starts(&self, _: WallTime, _: WallTime) -> Answer<'_, Vec<StartItem>> {
        done(vec![StartItem {
            session: SessionId(0x1_0000_0007),
            zone: ZoneId(1),
            title: "DIỄN TẬP – Lũ lên nhanh".into(),
            class: BulletinClass::Live,
            drill: true,
            by: "lan".into(),
            pressed: at(-600),
            accepted: at(-600) + Duration::from_millis(21),
            first_packet: Some(at(-600) + Duration::from_millis(90)),
            began: at(-600) + Duration::from_millis(400),
            receivers: vec![
                (
                    "loa-1".into(),
                    ZoneId(2),
                    Some(at(-600) + Duration::from_millis(430)),
                ),
                ("loa-2".into(), ZoneId(5), None),
            ],
        }])
    }

    fn drills(&self, _: WallTime, _: WallTime) -> Answer<'_, Vec<DrillItem>> {
        done(vec![DrillItem {
            pressed: at(-600),
            title: "DIỄN TẬP – Lũ lên nhanh".into(),
            by: "lan".into(),
            zones: vec![ZoneId(1)],
            receivers: vec![
                ("loa-1".into(), Some(at(-600) + Duration::from_millis(430))),
                ("loa-2".into(), None),
            ],
        }])
    }

    fn time_to_air_alarm(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn listening(&self) -> Arc<Vec<ListeningReceiver>> {
        let receiver = |code: &str, zone, is_alive, plays: Option<u64>| ListeningReceiver {
            code: code.into(),
            zone: ZoneId(zone),
            place: place_of(code, zone),
            is_alive,
            plays: plays.map(|number| SessionId(0x1_0000_0000 + number)),
        };
        Arc::new(vec![
            receiver("thon-dinh-1", 3, true, Some(2)),
            // Plays what is weaker.
            receiver("thon-ben-1", 4, true, Some(1)),
            receiver("xa-tay-1", 5, false, None),
            receiver("xa-tay-2", 5, false, None),
        ])
    }

    fn run_sheet(&self, date: NaiveDate) -> Answer<'_, Option<RunSheet>> {
        let line = |number: u32, zone, start: i64, minutes: u64, title: &str, class, verdict, reasons| {
            RunSheetLine {
                number,
                occurrence: OccurrenceId {
                    slot: SlotId(i64::from(number)),
                    zone: ZoneId(zone),
                    start: at(start),
                },
                slot: format!("s{number}"),
                title: title.into(),
                content: Content::piece(ContentHash([1; 32]), Duration::from_secs(minutes * 60)),
                duration: Duration::from_secs(minutes * 60),
                cut: false,
                class,
                order: ORDER_DEFAULT,
                chime: Chime::default(),
                pre_emption: PreEmption::Resume,
                give_up_after: None,
                start: at(start),
                verdict,
                reasons,
            }
        };
        let scheduled = |rule: &str| Reason::Scheduled { rule: rule.into() };
        let yields = Reason::YieldsTo {
            line: LineName::Here(3),
            rule: TieRule::Class,
            then: PreEmption::Resume,
        };
        let off = Reason::OffAir {
            from: at(-150),
            back: Some(at(450)),
            offset: Duration::from_secs(90),
        };
        let cancelled = Reason::Cancelled {
            note: "nghỉ lễ".into(),
        };
        let lines = vec![
            line(
                1,
                1,
                -43_950,
                25,
                "Bản tin buổi sáng của tỉnh",
                BulletinClass::Priority,
                Verdict::Airs,
                vec![scheduled("0 5 * * Mon-Sat")],
            ),
            line(
                2,
                2,
                -240,
                15,
                "Chuyên mục của xã",
                BulletinClass::Normal,
                Verdict::Shifts,
                vec![yields, off, scheduled("0 17 * * Mon-Fri")],
            ),
            line(
                3,
                1,
                -150,
                10,
                &self.title(),
                BulletinClass::Priority,
                Verdict::Airs,
                vec![scheduled("10 17 * * *")],
            ),
            line(
                4,
                5,
                1_050,
                40,
                "Ca nhạc buổi chiều",
                BulletinClass::Background,
                Verdict::Dropped,
                vec![cancelled],
            ),
        ];
        done((date.to_string() == "2026-12-04").then_some(RunSheet {
            number: 12,
            date,
            lines,
        }))
    }

    fn media(&self) -> Answer<'_, Vec<MediaItem>> {
        let item = |n: u8, title: &str, s| MediaItem {
            hash: ContentHash([n; 32]),
            title: title.into(),
            duration: Duration::from_secs(s),
            zone: None,
            state: ApprovalState::Draft,
        };
        if self.library_lost {
            let lost = ConsoleError::Unavailable("database is locked".into());
            return Box::pin(std::future::ready(Err(lost)));
        }
        done(vec![
            item(1, "Cảnh báo lũ khẩn cấp", 65),
            item(2, "Thông báo họp dân", 140),
            MediaItem {
                zone: Some(ZoneId(5)),
                ..item(11, "Việc riêng phía tây", 60)
            },
            MediaItem {
                zone: Some(ZoneId(2)),
                state: ApprovalState::Archived,
                ..item(12, "Bài đã cất", 60)
            },
            MediaItem {
                state: ApprovalState::Rejected,
                ..item(13, "Bài phải đọc lại", 60)
            },
        ])
    }

    fn receivers(&self) -> Answer<'_, Vec<ReceiverItem>> {
        let item = |code: &str, zone, seen: Option<i64>| ReceiverItem {
            code: code.into(),
            zone: ZoneId(zone),
            place: place_of(code, zone),
            proof: seen.map(|seen| ProofItem {
                title: "Bản tin buổi sáng".into(),
                at: at(seen - 40_000),
                sounded: Duration::from_secs(900),
            }),
            seen: seen.map(at),
            playing: seen.map(|_| {
                if zone == 5 {
                    self.title()
                } else {
                    "Cảnh báo lũ khẩn cấp".into()
                }
            }),
            clock_trusted: true,
            buffer_ms: 412.0,
            output_dbfs: -19.0,
            counts: vec![],
            faults: vec![],
        };
        let faulty = ReceiverItem {
            clock_trusted: false,
            counts: vec![("lost".into(), 12), ("forged".into(), 3)],
            faults: vec!["no beacon from zone \"tinh\" for 7 s".into()],
            ..item("thon-ben-1", 4, Some(-4))
        };
        done(vec![
            item("thon-dinh-1", 3, Some(-2)),
            faulty,
            item("xa-tay-1", 5, Some(-900)),
            item("xa-tay-2", 5, None),
        ])
    }

    fn as_run(&self, _: NaiveDate) -> Answer<'_, AsRunDay> {
        let line = |session, part, title: &str, from, to: Option<i64>, reason| AsRunLine {
            session: Some((SessionId(session), part)),
            zone: "xa-dong".into(),
            title: title.into(),
            class: Some(BulletinClass::Normal),
            by: None,
            at: at(from),
            ended: to.map(at),
            reason,
        };
        let emergency = AsRunLine {
            class: Some(BulletinClass::Emergency),
            by: Some("truc-ban".into()),
            ..line(2, 1, "Cảnh báo lũ khẩn cấp", -90, None, None)
        };
        let missed = AsRunLine {
            session: None,
            class: None,
            reason: Some(EndReason::Missed),
            ..line(1, 1, "Thông báo họp dân", -7_200, None, None)
        };
        let pre_empted = EndReason::PreEmpted { by: SessionId(2) };
        done(AsRunDay {
            lines: vec![
                missed,
                line(1, 2, &self.title(), -240, Some(-90), Some(pre_empted)),
                emergency,
            ],
        })
    }

    fn report<'a>(
        &'a self,
        receiver: &'a str,
        signature: &'a str,
        body: Bytes,
    ) -> BoxFuture<'a, Result<(), ReportRefusal>> {
        let good = receiver == "pole" && signature == "sig" && &body[..] == b"{}";
        Box::pin(std::future::ready(if good {
            Ok(())
        } else {
            Err(ReportRefusal::NotSigned)
        }))
    }

    fn sdp(&self, zone: ZoneId) -> Option<String> {
        (zone == ZoneId(1)).then(|| "v=0\r\n".to_owned())
    }

    fn listen(&self, _: ZoneId) -> Option<BoxStream<'static, Tapped>> {
        let packet = |i: i64| Tapped {
            opus: Bytes::from_static(PACKET),
            samples: 960,
            at: at(i),
        };
        if self.silent {
            return Some(stream::pending().boxed());
        }
        if self.open {
            let tick = tokio::time::interval(Duration::from_millis(20));
            let packets = stream::unfold((tick, 0), move |(mut tick, i)| async move {
                tick.tick().await;
                Some((packet(i), (tick, i + 1)))
            });
            return Some(packets.boxed());
        }
        Some(stream::iter((0..3).map(packet)).boxed())
    }
}

/// 20 ms of silence, padded so that it differs from the panel's own (RFC 6716 §3.2.5).
pub(crate) const PACKET: &[u8] = &[0xfb, 0x41, 0x02, 0xff, 0xfe, 0, 0];
