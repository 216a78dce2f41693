//! The library: files on their way in, and all that lies there.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use loa_model::{ApprovalState, Permission, ZoneId, ZoneTree};
use serde::Deserialize;

use crate::address::escaped;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::library::{PieceItem, Use, UsePart};
use crate::pages::{Frame, ZoneChoice, html, zone_choices};
use crate::plain::{day_and_clock, decimal, length, state_name};
use crate::router::Panel;

#[derive(Template)]
#[template(path = "library.html")]
struct LibraryPage {
    frame: Frame,
    wanted: Wanted,
    states: Vec<(&'static str, String)>,
    series: Vec<String>,
    languages: Vec<String>,
    /// Zones in which the user may add; none where the user may add nowhere.
    zones: Vec<ZoneChoice>,
    /// Whether the user may add to the whole station's.
    everywhere: bool,
    may_add: bool,
    bytes_max: u64,
    in_flight_max: u32,
    /// Pieces that wait for this user's decision.
    waiting: Option<String>,
    /// The user's own pieces that were sent back.
    sent_back: Option<String>,
    pieces: Vec<PieceRow>,
    summary: String,
    /// Address of the pieces before these, and of those after.
    newer: Option<String>,
    older: Option<String>,
}

/// A piece as a line.
pub(crate) struct PieceRow {
    pub(crate) hash: String,
    pub(crate) title: String,
    pub(crate) length: String,
    pub(crate) loudness: String,
    pub(crate) peak: String,
    pub(crate) state: String,
    pub(crate) state_code: &'static str,
    pub(crate) note: String,
    pub(crate) zone: String,
    pub(crate) series: String,
    pub(crate) added: String,
    pub(crate) uses: Vec<String>,
}

/// Which pieces are wanted; an empty text asks for nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    q: String,
    state: String,
    series: String,
    language: String,
    /// Only the user's own.
    mine: String,
    page: usize,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PanelError> {
    let zones = panel.console.zones();
    let mut pieces = panel.console.pieces().await?;
    pieces.retain(|piece| is_shown(&user, piece.zone, &zones));
    let series: BTreeSet<_> = pieces.iter().filter_map(|piece| piece.series.clone()).collect();
    let languages: BTreeSet<_> = pieces.iter().flat_map(languages_of).map(str::to_owned).collect();
    let count = |key: &str, wanted: &dyn Fn(&PieceItem) -> bool| {
        let count = pieces.iter().filter(|piece| wanted(piece)).count();
        (count > 0).then(|| lang.say_with(key, &[("count", &count.to_string())]))
    };
    let waiting = count("library-waiting", &|piece| {
        piece.state == ApprovalState::Submitted && user.may_of(Permission::Approve, piece.zone, &zones)
    });
    let sent_back = count("library-sent-back", &|piece| {
        piece.state == ApprovalState::Rejected && piece.added_by == user.person.name
    });
    let all = pieces.len();
    pieces.retain(|piece| wanted.fits(piece, &user));
    let found = pieces.len();
    let from = wanted.page.saturating_mul(PAGE);
    let page = |page: usize| format!("/library?{}page={page}", wanted.query());
    let limits = panel.console.upload_limits();
    let rights = &user.person.rights;
    let mut frame = Frame::new(&panel, lang, Some(&user.person), "/library");
    frame.query = wanted.query();
    Ok(html(&LibraryPage {
        frame,
        states: ApprovalState::ALL
            .map(|state| (state.name(), state_name(state, lang)))
            .into(),
        series: series.into_iter().collect(),
        languages: languages.into_iter().collect(),
        zones: zone_choices(Permission::Edit, rights, &zones),
        everywhere: rights.may_everywhere(Permission::Edit, &zones),
        may_add: rights.may_somewhere(Permission::Edit),
        bytes_max: limits.bytes_max,
        in_flight_max: limits.in_flight_max,
        waiting,
        sent_back,
        newer: wanted.page.checked_sub(1).map(page),
        older: (found > from.saturating_add(PAGE)).then(|| page(wanted.page + 1)),
        pieces: pieces
            .into_iter()
            .skip(from)
            .take(PAGE)
            .map(|piece| row(&panel, &piece, lang))
            .collect(),
        summary: lang.say_with(
            "library-found",
            &[("found", &found.to_string()), ("all", &all.to_string())],
        ),
        wanted,
    }))
}

/// Tells whether a piece is for the user's eyes: the whole station's, or of a zone that they see or hear.
pub(crate) fn is_shown(user: &User, zone: Option<ZoneId>, zones: &ZoneTree) -> bool {
    zone.is_none_or(|zone| user.person.rights.concerns(zone, zones))
}

/// Returns a piece as a line.
pub(crate) fn row(panel: &Panel, piece: &PieceItem, lang: Lang) -> PieceRow {
    let (station, zones) = (panel.console.station(), panel.console.zones());
    let zone = piece.zone.and_then(|zone| zones.get(zone));
    let at = day_and_clock(piece.added_at, panel.console.now(), station.time_zone, lang);
    PieceRow {
        hash: piece.hash.to_string(),
        title: piece.title.clone(),
        length: length(piece.duration),
        loudness: piece.loudness_lufs.map_or_else(
            || lang.say("loudness-none"),
            |lufs| format!("{} LUFS", decimal(lufs, lang)),
        ),
        peak: format!("{} dBTP", decimal(piece.true_peak_dbtp, lang)),
        state: state_name(piece.state, lang),
        state_code: piece.state.name(),
        note: piece
            .decision
            .as_ref()
            .map_or_else(String::new, |decision| decision.note.clone()),
        zone: zone.map_or_else(|| lang.say("whole-station"), |zone| zone.name.clone()),
        series: piece.series.clone().unwrap_or_default(),
        added: lang.say_with("piece-added", &[("by", &piece.added_by), ("at", &at)]),
        uses: piece.uses.iter().map(|one| use_text(one, lang)).collect(),
    }
}

/// Says as what a piece sounds.
pub(crate) fn use_text(one: &Use, lang: Lang) -> String {
    let (key, language) = match &one.part {
        UsePart::Sound => ("use-sound", ""),
        UsePart::Language(language) => ("use-language", language.as_str()),
        UsePart::Episode => ("use-episode", ""),
        UsePart::Fill => ("use-fill", ""),
        UsePart::Warning => ("use-warning", ""),
        UsePart::Retraction => ("use-retraction", ""),
        UsePart::DeadAir => ("use-dead-air", ""),
    };
    lang.say_with(key, &[("title", &one.title), ("language", language)])
}

fn languages_of(piece: &PieceItem) -> impl Iterator<Item = &str> {
    piece.uses.iter().filter_map(|one| match &one.part {
        UsePart::Language(language) => Some(language.as_str()),
        _ => None,
    })
}

impl Wanted {
    fn fits(&self, piece: &PieceItem, user: &User) -> bool {
        let asked = self.q.to_lowercase();
        let said = [&piece.title, &piece.file_name, &piece.added_by];
        (asked.trim().is_empty() || said.iter().any(|text| text.to_lowercase().contains(asked.trim())))
            && (self.state.is_empty() || piece.state.name() == self.state)
            && (self.series.is_empty() || piece.series.as_ref() == Some(&self.series))
            && (self.language.is_empty() || languages_of(piece).any(|language| language == self.language))
            && (self.mine.is_empty() || piece.added_by == user.person.name)
    }

    /// Returns what follows the page's address, for the same pieces.
    fn query(&self) -> String {
        let values = [
            ("q", &self.q),
            ("state", &self.state),
            ("series", &self.series),
            ("language", &self.language),
            ("mine", &self.mine),
        ];
        let values = values.iter().filter(|(_, value)| !value.is_empty());
        values
            .map(|(name, value)| format!("{name}={}&", escaped(value)))
            .collect()
    }
}

const PAGE: usize = 50;
