//! `[[programme]]`: something that can be aired.

use std::ops::Range;
use std::time::Duration;

use loa_model::relay_address::{Address, AddressError};
use loa_model::{BulletinClass, Chime, PlaylistItem, PreEmption, ProgrammeSpec, Relay, Source, WhenNone};
use toml::de::DeTable;

use super::fields::{Entry, Reader};
use crate::diagnostic::{Diagnostic, Placed};
use crate::said::{Said, said};

/// A `[[programme]]` table; programmes and media are named as written.
#[derive(Clone, Debug)]
pub struct ProgrammeEntry {
    /// Its code.
    pub code: Placed<String>,
    /// What it is. A playlist's items stand as media, until it is known which of them are programmes.
    pub spec: ProgrammeSpec<Placed<String>, Placed<String>>,
}

impl<'a> Reader<'a> {
    pub(super) fn programme(&mut self, table: &DeTable<'a>, span: &Range<usize>) -> Option<ProgrammeEntry> {
        let entry = self.entry("[[programme]]", KEYS, table, span);
        self.require(&entry, "code", "\"ban-tin-sang\"");
        self.require(&entry, "title", "\"Bản tin buổi sáng\"");
        let code = self.code(&entry, "code");
        let title = self.text(&entry, "title", "\"Bản tin buổi sáng\"");
        let source = self.source(&entry);
        let class = self.class(&entry);
        let chime = self.chime(&entry);
        let pre_emption = self.word(&entry, "pre_emption", &["resume", "rejoin", "duck", "drop"]);
        let give_up_after = self.span(&entry, "give_up_after", DURATION_MAX);
        let topic = self.text(&entry, "topic", "\"Y tế\"");
        let campaign = self.text(&entry, "campaign", "\"Chuyển đổi số 2026\"");
        let source = source?;
        let default = match &source {
            // What is live goes on whether it is heard or not.
            Source::Relay(_) => PreEmption::Rejoin,
            _ => PreEmption::Resume,
        };
        let pre_emption = match pre_emption {
            Some(word) if word.value == "resume" && matches!(source, Source::Relay(_)) => {
                let message = said!(
                    "tiếp âm không thể phát tiếp từ chỗ bị cắt",
                    "a relay cannot resume where it was cut"
                );
                self.faults.push(Diagnostic::error(
                    &word.place,
                    message,
                    said!("viết \"rejoin\" hoặc \"drop\"", "write \"rejoin\" or \"drop\""),
                ));
                default
            }
            Some(word) if word.value == "duck" && matches!(source, Source::Relay(_) | Source::Silence) => {
                let message = said!(
                    "chỉ tệp trong thư viện mới phát nhỏ bên dưới được",
                    "only what is in the library can play on beneath something else"
                );
                self.faults.push(Diagnostic::error(
                    &word.place,
                    message,
                    said!("viết \"rejoin\" hoặc \"drop\"", "write \"rejoin\" or \"drop\""),
                ));
                default
            }
            Some(word) => match word.value {
                "rejoin" => PreEmption::Rejoin,
                "duck" => PreEmption::Duck,
                "drop" => PreEmption::Drop,
                _ => PreEmption::Resume,
            },
            None => default,
        };
        Some(ProgrammeEntry {
            code: code?,
            spec: ProgrammeSpec {
                title: title?.value,
                source,
                class: class.map_or(BulletinClass::Normal, |class| class.value),
                chime,
                pre_emption,
                give_up_after: give_up_after.map(|span| span.value),
                topic: topic.map(|topic| topic.value),
                campaign: campaign.map(|campaign| campaign.value),
            },
        })
    }

    fn source(&mut self, entry: &Entry<'_, 'a>) -> Option<Source<Placed<String>, Placed<String>>> {
        let kinds: Vec<&str> = SOURCES.iter().copied().filter(|key| entry.has(key)).collect();
        let kind = match kinds[..] {
            [kind] => kind,
            [] => {
                if self.unread.is_empty() {
                    let remedy = said!(
                        "thêm media = \"ban-tin.mp3\", hoặc playlist, series, relay, studio hay silence",
                        "add media = \"ban-tin.mp3\", or playlist, series, relay, studio or silence"
                    );
                    self.faults.push(Diagnostic::error(
                        &entry.place,
                        said!(
                            "[[programme]] không có gì để phát",
                            "[[programme]] has nothing that sounds"
                        ),
                        remedy,
                    ));
                }
                return None;
            }
            [first, second, ..] => {
                let place = entry.place_of(self, second);
                let message = said!(
                    "[[programme]] có cả {first} lẫn {second}",
                    "[[programme]] has both {first} and {second}"
                );
                let remedy = said!(
                    "giữ lại một; cần cả hai thì viết hai chương trình, hoặc một playlist",
                    "keep one of them; for both, write two programmes, or a playlist of them"
                );
                self.faults.push(Diagnostic::error(&place, message, remedy));
                return None;
            }
        };
        let belongs: [(&str, &[&str]); 4] = [
            ("languages", &["media"]),
            ("when_none", &["series"]),
            ("fill", &["relay", "studio"]),
            ("silence_after", &["relay", "studio"]),
        ];
        for (key, to) in belongs {
            if entry.has(key) && !to.contains(&kind) {
                let place = entry.place_of(self, key);
                let message = said!(
                    "{key} không dùng cho chương trình có {kind}",
                    "{key} means nothing for a programme with {kind}"
                );
                let remedy = said!("bỏ đi, hoặc dùng {}", "leave it out, or use {}", to.join(", "));
                self.faults.push(Diagnostic::error(&place, message, remedy));
            }
        }
        match kind {
            "media" => {
                let languages = self.named_texts(entry, "languages", "{ mnong = \"ban-tin-mnong.mp3\" }");
                let languages = languages
                    .into_iter()
                    .map(|(name, media)| (name.value, media))
                    .collect();
                let media = self.text(entry, "media", "\"ban-tin-sang.mp3\"")?;
                Some(Source::Asset { media, languages })
            }
            "playlist" => {
                let items = self.texts(entry, "playlist", "[\"ban-tin-sang\", \"nhac.mp3\"]");
                if items.len() > PLAYLIST_MAX {
                    let message = said!(
                        "playlist có nhiều nhất {PLAYLIST_MAX} mục, đây có {}",
                        "a playlist holds at most {PLAYLIST_MAX} items, and this has {}",
                        items.len()
                    );
                    let place = entry.place_of(self, "playlist");
                    self.faults.push(Diagnostic::error(
                        &place,
                        message,
                        said!(
                            "gộp thành playlist của các playlist",
                            "make playlists of playlists"
                        ),
                    ));
                }
                Some(Source::Playlist(
                    items.into_iter().map(PlaylistItem::Media).collect(),
                ))
            }
            "series" => {
                let name = self.text(entry, "series", "\"suc-khoe\"")?.value;
                Some(Source::Series {
                    name,
                    when_none: self.when_none(entry),
                })
            }
            "silence" => self.silence(entry),
            _ => self.relay(entry, kind),
        }
    }

    fn silence(&mut self, entry: &Entry<'_, 'a>) -> Option<Source<Placed<String>, Placed<String>>> {
        if self.flag(entry, "silence")? {
            return Some(Source::Silence);
        }
        let place = entry.place_of(self, "silence");
        self.faults.push(Diagnostic::error(
            &place,
            said!(
                "silence = false nghĩa là không có gì để phát",
                "silence = false leaves nothing that sounds"
            ),
            said!(
                "viết silence = true để giữ im lặng, hoặc thay bằng media, playlist, series, relay hay studio",
                "write silence = true to keep the air free, or media, playlist, series, relay or studio in its place"
            ),
        ));
        None
    }

    fn when_none(&mut self, entry: &Entry<'_, 'a>) -> WhenNone<Placed<String>> {
        let Some(text) = self.code(entry, "when_none") else {
            return WhenNone::Skip;
        };
        match text.value.as_str() {
            "skip" => WhenNone::Skip,
            "repeat" => WhenNone::Repeat,
            _ => WhenNone::Instead(text),
        }
    }

    fn relay(
        &mut self,
        entry: &Entry<'_, 'a>,
        kind: &'static str,
    ) -> Option<Source<Placed<String>, Placed<String>>> {
        let example = if kind == "studio" {
            "[\"line:hw:1\"]"
        } else {
            "[\"https://radio.example/live.mp3\"]"
        };
        let sources = self.texts(entry, kind, example);
        for source in &sources {
            if let Err(error) = source.value.parse::<Address>() {
                let (message, remedy) = told(kind, &error);
                self.faults
                    .push(Diagnostic::error(&source.place, message, remedy));
            }
        }
        if sources.len() > SOURCES_MAX {
            let message = said!(
                "tiếp âm có nhiều nhất {SOURCES_MAX} nguồn",
                "a relay has at most {SOURCES_MAX} sources"
            );
            let place = entry.place_of(self, kind);
            self.faults.push(Diagnostic::error(
                &place,
                message,
                said!("giữ lại những nguồn tốt nhất", "keep the best of them"),
            ));
        }
        let silence = self.span(entry, "silence_after", DURATION_MAX);
        let fill = self.text(entry, "fill", "\"nhac-nen.mp3\"");
        (!sources.is_empty()).then(|| {
            Source::Relay(Relay {
                sources: sources.into_iter().map(|source| source.value).collect(),
                fill,
                silence: silence.map_or(SILENCE_AFTER, |silence| silence.value),
                studio: kind == "studio",
            })
        })
    }

    fn chime(&mut self, entry: &Entry<'_, 'a>) -> Chime {
        let before = self.flag(entry, "chime").unwrap_or(false);
        let after = self.flag(entry, "chime_after").unwrap_or(false);
        let gain_db = self.decibels(entry, "chime_db", &CHIME_GAINS_DB).unwrap_or(0);
        Chime {
            before,
            after,
            gain_db,
        }
    }
}

/// Says what is wrong with an address, without its secrets.
fn told(kind: &str, error: &AddressError) -> (Said, Said) {
    match error {
        AddressError::Scheme(shown) => (
            said!(
                "{kind} \"{shown}\" không phải địa chỉ chương trình",
                "{kind} \"{shown}\" is no address of a programme"
            ),
            said!("bắt đầu bằng {SCHEMES}", "begin it with {SCHEMES}"),
        ),
        AddressError::Rtp(shown) => (
            said!(
                "{kind} \"{shown}\" phải là một địa chỉ IP và một cổng, không kèm gì khác",
                "{kind} \"{shown}\" must be an IP address and a port, and nothing else"
            ),
            said!(
                "viết \"rtp://239.10.0.1:5004\"",
                "write \"rtp://239.10.0.1:5004\""
            ),
        ),
        AddressError::Host(shown) => (
            said!(
                "{kind} \"{shown}\" không có tên máy hoặc cổng hợp lệ",
                "{kind} \"{shown}\" names no host and port that can be called"
            ),
            said!(
                "viết \"https://radio.example:8000/live.mp3\"; ký tự lạ trong mật khẩu thì mã hóa, ví dụ / thành %2F",
                "write \"https://radio.example:8000/live.mp3\"; odd characters of a password are encoded, such as / as %2F"
            ),
        ),
        AddressError::Space(shown) => (
            said!(
                "{kind} \"{shown}\" có dấu cách",
                "{kind} \"{shown}\" holds a space"
            ),
            said!(
                "bỏ dấu cách, hoặc viết thành %20",
                "take it out, or write it as %20"
            ),
        ),
        AddressError::Empty(shown) => (
            said!(
                "{kind} \"{shown}\" chưa có tên đài hay thiết bị",
                "{kind} \"{shown}\" names no station or device"
            ),
            said!(
                "viết tiếp địa chỉ, ví dụ \"https://radio.example/live.mp3\" hoặc \"line:hw:1\"",
                "write the rest of it, such as \"https://radio.example/live.mp3\" or \"line:hw:1\""
            ),
        ),
        other => (
            said!("{kind}: {other}", "{kind}: {other}"),
            said!("sửa địa chỉ", "mend the address"),
        ),
    }
}

const KEYS: &[&str] = &[
    "code",
    "title",
    "media",
    "languages",
    "playlist",
    "series",
    "when_none",
    "relay",
    "studio",
    "fill",
    "silence_after",
    "silence",
    "class",
    "chime",
    "chime_after",
    "chime_db",
    "pre_emption",
    "give_up_after",
    "topic",
    "campaign",
];
const SOURCES: [&str; 6] = ["media", "playlist", "series", "relay", "studio", "silence"];
const SCHEMES: &str = "http://, https://, hls+http://, hls+https://, rtp://, line:";
/// How much quieter than it was made the chime may be, dB; it is rendered once for each.
pub const CHIME_GAINS_DB: [i8; 6] = [0, -3, -6, -9, -12, -18];
/// Longest a programme may hold the air, or wait for it.
const DURATION_MAX: Duration = Duration::from_secs(4 * 3_600);
/// A relay that is silent for this long has failed, unless its programme says otherwise.
const SILENCE_AFTER: Duration = Duration::from_secs(10);
/// Bounds what one line of a run-sheet holds.
const PLAYLIST_MAX: usize = 200;
/// Sources of one relay; each is watched.
const SOURCES_MAX: usize = 8;
