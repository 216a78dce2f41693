//! Random stations, days and steps for a [`Life`](super::life::Life).

use std::time::Duration;

use loa_model::{
    BulletinClass, Chime, Content, Days, Piece, PreEmption, QuietPolicy, Relay, RunSheetLine, Window, ZoneId,
    ZoneTree,
};
use proptest::prelude::*;

use super::life::Step;
use super::{line, media, tree};

/// The tree of zones; zones 2 and 3 may be silent for some minutes of the hour in which everything happens.
pub(crate) fn zones() -> impl Strategy<Value = ZoneTree> {
    let policy =
        (0..4u16, 1..5u16, prop::option::of(1..3u16)).prop_map(|(from, length, minutes)| QuietPolicy {
            windows: vec![Window {
                days: Days::ALL,
                from: 480 + from,
                to: 480 + from + length,
            }],
            minutes_a_day: minutes,
            volume: Vec::new(),
        });
    prop::option::weighted(0.5, policy).prop_map(|policy| {
        let all = tree();
        let zones = all.iter().cloned().map(|mut zone| {
            if zone.id == ZoneId(2) {
                zone.settings.quiet.clone_from(&policy);
            }
            zone
        });
        ZoneTree::new(zones.collect()).unwrap()
    })
}

fn class() -> impl Strategy<Value = BulletinClass> {
    prop::sample::select(BulletinClass::ALL.to_vec())
}

pub(crate) fn planned() -> impl Strategy<Value = Vec<RunSheetLine>> {
    let policies = [
        PreEmption::Resume,
        PreEmption::Rejoin,
        PreEmption::Duck,
        PreEmption::Drop,
    ];
    let one = (
        1..=5i64,
        0..120u32,
        1..40u32,
        class(),
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(policies.to_vec()),
        (content(), prop::option::weighted(0.2, 1..20u64), 1..4u16),
    );
    prop::collection::vec(one, 0..14).prop_map(|lines| {
        let lines = lines.into_iter().enumerate();
        let made = lines.map(
            |(i, (zone, start, duration, class, chime, cut, pre_emption, (content, patience, order)))| {
                let made = line(
                    i64::try_from(i).unwrap() + 1,
                    zone,
                    f64::from(start),
                    f64::from(duration),
                    class,
                );
                let (content, pre_emption) = content.of(&made.content, pre_emption);
                RunSheetLine {
                    // What has no end of its own is cut.
                    cut: cut || content.duration().is_none(),
                    chime: Chime {
                        before: chime,
                        after: chime && order == 1,
                        gain_db: 0,
                    },
                    content,
                    order,
                    pre_emption,
                    give_up_after: patience.map(Duration::from_secs),
                    ..made
                }
            },
        );
        made.collect()
    })
}

/// What a line is made of.
#[derive(Clone, Copy, Debug)]
enum Made {
    Whole,
    Pieces(u8),
    Relay,
    Silence,
}

fn content() -> impl Strategy<Value = Made> {
    prop_oneof![
        4 => Just(Made::Whole),
        2 => (2..5u8).prop_map(Made::Pieces),
        1 => Just(Made::Relay),
        1 => Just(Made::Silence),
    ]
}

impl Made {
    /// Makes a whole piece of it, and says how it comes back.
    fn of(self, whole: &Content, pre_emption: PreEmption) -> (Content, PreEmption) {
        let (_, piece, _) = whole.piece_at(Duration::ZERO).expect("a line has a length");
        match self {
            Self::Whole => (whole.clone(), pre_emption),
            Self::Pieces(count) => {
                let duration = piece.duration / u32::from(count);
                let number = i64::from(piece.media.0[0]);
                let pieces = (0..i64::from(count)).map(|index| Piece {
                    media: media(number + 30 * (index % 2)),
                    duration,
                });
                (Content::Pieces(pieces.collect()), pre_emption)
            }
            Self::Relay => {
                let relay = Relay {
                    sources: vec!["http://one".into(), "http://two".into()],
                    fill: None,
                    silence: Duration::from_secs(10),
                    studio: false,
                };
                // What is live cannot resume.
                let comes_back = if pre_emption == PreEmption::Drop {
                    PreEmption::Drop
                } else {
                    PreEmption::Rejoin
                };
                (Content::Relay(relay), comes_back)
            }
            Self::Silence => (Content::Silence, pre_emption),
        }
    }
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        6 => (0.0..15.0f64).prop_map(Step::Wait),
        3 => (1..=5i64, 20..24i64, class(), 1.0..30.0f64, 0.5..40.0f64, any::<bool>())
            .prop_map(|(zone, media, class, duration, limit, chime)| Step::Override { zone, media, class, duration, limit, chime }),
        2 => any::<prop::sample::Index>().prop_map(Step::Stop),
        1 => (1..24i64, any::<bool>()).prop_map(|(media, ready)| Step::Load { media, ready }),
        1 => (1..4u32, prop::option::of(0..2usize)).prop_map(|(relay, source)| Step::Source { relay, source }),
        1 => any::<prop::sample::Index>().prop_map(Step::DeadAir),
        2 => any::<u16>().prop_map(Step::Replan),
        1 => (0.1..20.0f64).prop_map(Step::Crash),
        1 => (0.1..20.0f64).prop_map(Step::Restart),
    ];
    prop::collection::vec(one, 0..25)
}
