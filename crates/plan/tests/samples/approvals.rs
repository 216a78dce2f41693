//! Only what is approved airs, and an approval is of exactly that content.

use std::collections::BTreeMap;
use std::time::Duration;

use loa_model::{ApprovalState, ContentHash, Relay};
use loa_plan::{Lang, relay_hash};

use crate::common::{compare, resolved};
use crate::stored::stored;

/// Files of the library, by their place in it.
const MORNING: ContentHash = ContentHash([1; 32]);
const NEWS: ContentHash = ContentHash([4; 32]);

fn relay(sources: &[&str], studio: bool) -> ContentHash {
    relay_hash(&Relay {
        sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        fill: None,
        silence: Duration::from_secs(10),
        studio,
    })
}

/// Each row: a programme, what was decided, and the day that comes of it.
#[test]
fn golden_approvals() {
    use ApprovalState::{Approved, Archived, Draft, Rejected, Submitted};
    let stations = "relay = [\"https://an:bi-mat@a.example/1\", \"https://b.example/2\"]";
    let (a, b) = ("https://an:bi-mat@a.example/1", "https://b.example/2");
    let rows = [
        (
            "its own",
            "media = \"ban-tin-sang.mp3\"",
            vec![(MORNING, Approved)],
        ),
        (
            "of what the file held before it was imported anew",
            "media = \"thong-bao.wav\"",
            vec![(MORNING, Approved)],
        ),
        ("none", "media = \"thong-bao.wav\"", vec![]),
        ("draft", "media = \"thong-bao.wav\"", vec![(NEWS, Draft)]),
        ("submitted", "media = \"thong-bao.wav\"", vec![(NEWS, Submitted)]),
        ("rejected", "media = \"thong-bao.wav\"", vec![(NEWS, Rejected)]),
        ("archived", "media = \"thong-bao.wav\"", vec![(NEWS, Archived)]),
        (
            "of one piece of two",
            "playlist = [\"ban-tin-sang.mp3\", \"thong-bao.wav\"]",
            vec![(MORNING, Approved)],
        ),
        (
            "of one language, and the zone hears another",
            "media = \"ban-tin-sang.mp3\"\nlanguages = { mnong = \"thong-bao.wav\" }",
            vec![(MORNING, Approved)],
        ),
        (
            "of the stations",
            stations,
            vec![(relay(&[a, b], false), Approved)],
        ),
        (
            "of the stations in another order",
            stations,
            vec![(relay(&[b, a], false), Approved)],
        ),
        (
            "of one station alone",
            stations,
            vec![(relay(&[a], false), Approved)],
        ),
        (
            "of a studio at the same address",
            stations,
            vec![(relay(&[a, b], true), Approved)],
        ),
        (
            "of no episode",
            "series = \"suc-khoe\"",
            vec![(MORNING, Approved)],
        ),
    ];
    let (mut vi, mut en) = (String::new(), String::new());
    for (what, source, decided) in rows {
        let file = DAY.replace("SOURCE", source);
        let stored = stored(&resolved(&[("day.toml", &file)]).unwrap().schedule);
        let decided: BTreeMap<_, _> = decided.into_iter().collect();
        let sheet = stored.sheet("2026-12-01", Some(&decided));
        for (lang, text) in [(Lang::Vi, &mut vi), (Lang::En, &mut en)] {
            let sheet = stored.text(lang).render(&sheet);
            text.push_str(&format!("## {what}\n{sheet}\n"));
        }
    }
    assert!(!vi.contains("bi-mat") && !en.contains("bi-mat"), "{vi}{en}");
    compare("approvals.vi.txt", &vi);
    compare("approvals.en.txt", &en);
}

/// One programme in a zone that asks for approval, and in one that does not.
const DAY: &str = r#"
[[zone]]
code = "xa"
name = "Xã"
channel = 1
language = "mnong"
[[zone]]
code = "xa-khac"
name = "Xã khác"
channel = 2
approval = false
[[programme]]
code = "p"
title = "Bản tin"
SOURCE
[[slot]]
code = "s"
programme = "p"
zones = ["xa", "xa-khac"]
cron = "0 17 * * *"
max_duration = "50m"
"#;
