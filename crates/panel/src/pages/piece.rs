//! One piece of the library: how it looks and sounds, what was decided of it, where it airs.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Form, Json};
use loa_model::{ApprovalState, ContentHash, Permission};
use serde::Deserialize;
use serde_json::json;

use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::library::{PEAKS_PER_S, PieceChange, PieceItem};
use crate::pages::library::{PieceRow, is_shown, row};
use crate::pages::versions::{Versions, versions};
use crate::pages::{Frame, html};
use crate::plain::{day_and_clock, decimal, length};
use crate::router::Panel;
use crate::sound;

#[derive(Template)]
#[template(path = "piece.html")]
struct PiecePage {
    frame: Frame,
    piece: PieceRow,
    file_name: String,
    format: String,
    gain: String,
    /// Length, in seconds as JavaScript reads it.
    seconds: f64,
    /// Who decided and when; none for what nobody decided about.
    decided: Option<String>,
    cut: Option<CutRow>,
    /// Episodes of the same series, newest first.
    episodes: Vec<PieceRow>,
    /// The same in other languages.
    versions: Versions,
    may_edit: bool,
    may_approve: bool,
    /// What the user may decide, with its word: by the way that decisions go.
    steps: Vec<(&'static str, String)>,
    verdicts: Vec<(&'static str, String)>,
    /// Why it cannot be removed; none if it can.
    kept_by: Option<String>,
}

struct CutRow {
    hash: String,
    text: String,
    /// Whether what it was cut from is there.
    is_there: bool,
}

pub(crate) async fn page(
    State(panel): State<Panel>,
    user: User,
    lang: Lang,
    Path(hash): Path<String>,
) -> Result<Response, PanelError> {
    let piece = found(&panel, &user, &hash, Permission::See).await?;
    let (zones, station) = (panel.console.zones(), panel.console.station());
    let (may_edit, may_approve) = (
        user.may_of(Permission::Edit, piece.zone, &zones),
        user.may_of(Permission::Approve, piece.zone, &zones),
    );
    let episodes = match &piece.series {
        None => Vec::new(),
        Some(series) => {
            let mut all = panel.console.pieces().await?;
            all.retain(|other| other.series.as_ref() == Some(series) && is_shown(&user, other.zone, &zones));
            all
        }
    };
    let versions = versions(&panel, &user, &piece, lang).await?;
    let decided = piece.decision.as_ref().map(|decision| {
        let at = day_and_clock(decision.at, panel.console.now(), station.time_zone, lang);
        lang.say_with("piece-decided", &[("by", &decision.by), ("at", &at)])
    });
    let cut = piece.cut.as_ref().map(|cut| {
        let title = cut.title.clone().unwrap_or_else(|| lang.say("piece-gone"));
        let (start, end) = (length(cut.start), length(cut.end));
        CutRow {
            hash: cut.hash.to_string(),
            is_there: cut.title.is_some(),
            text: lang.say_with(
                "piece-cut-from",
                &[("title", &title), ("start", &start), ("end", &end)],
            ),
        }
    });
    let named = |state: &ApprovalState| {
        let key = match state {
            ApprovalState::Draft => "decide-draft",
            ApprovalState::Submitted => "decide-submit",
            ApprovalState::Approved => "decide-approve",
            ApprovalState::Rejected => "decide-reject",
            ApprovalState::Archived => "decide-archive",
        };
        (state.name(), lang.say(key))
    };
    let open = |states: &[ApprovalState]| {
        let open = states
            .iter()
            .filter(|to| piece.state.way_to(**to).is_some_and(|way| !way.is_empty()));
        open.map(named).collect()
    };
    Ok(html(&PiecePage {
        frame: Frame::new(&panel, lang, Some(&user.person), &format!("/library/{hash}")),
        file_name: piece.file_name.clone(),
        format: piece.format.clone(),
        gain: format!("{} dB", decimal(piece.gain_db, lang)),
        // As exact as the fields of a cut are.
        seconds: (piece.duration.as_secs_f64() * 100.0).floor() / 100.0,
        decided,
        cut,
        versions,
        steps: open(&AUTHORS),
        verdicts: open(&APPROVERS),
        episodes: episodes
            .iter()
            .map(|episode| row(&panel, episode, lang))
            .collect(),
        kept_by: piece
            .keeper()
            .map(|keeper| lang.say_with("piece-in-use", &[("by", keeper)])),
        piece: row(&panel, &piece, lang),
        may_edit,
        may_approve,
    }))
}

pub(crate) async fn peaks(
    State(panel): State<Panel>,
    user: User,
    Path(hash): Path<String>,
) -> Result<Response, PanelError> {
    let piece = found(&panel, &user, &hash, Permission::See).await?;
    let peaks = panel.console.peaks(piece.hash).await?;
    let kept = [(header::CACHE_CONTROL, "private, max-age=86400")];
    Ok((kept, Json(json!({ "per_s": PEAKS_PER_S, "peaks": peaks }))).into_response())
}

pub(crate) async fn sound(
    State(panel): State<Panel>,
    user: User,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PanelError> {
    let piece = found(&panel, &user, &hash, Permission::See).await?;
    sound::file(&panel.console.sound_path(piece.hash), &headers).await
}

#[derive(Deserialize)]
pub(crate) struct Named {
    title: String,
}

pub(crate) async fn rename(
    State(panel): State<Panel>,
    user: User,
    Path(hash): Path<String>,
    Form(Named { title }): Form<Named>,
) -> Result<Redirect, PanelError> {
    change(&panel, &user, &hash, Permission::Edit, PieceChange::Title(title)).await
}

#[derive(Deserialize)]
pub(crate) struct InSeries {
    /// Empty for none.
    series: String,
}

pub(crate) async fn set_series(
    State(panel): State<Panel>,
    user: User,
    Path(hash): Path<String>,
    Form(InSeries { series }): Form<InSeries>,
) -> Result<Redirect, PanelError> {
    let series = Some(series).filter(|series| !series.trim().is_empty());
    change(
        &panel,
        &user,
        &hash,
        Permission::Edit,
        PieceChange::Series(series),
    )
    .await
}

#[derive(Deserialize)]
pub(crate) struct Ends {
    /// Seconds from the beginning.
    start: f64,
    end: f64,
    title: String,
}

/// Has a stretch made into a piece of its own; it is on the library's page while that is under way.
pub(crate) async fn cut(
    State(panel): State<Panel>,
    user: User,
    Path(hash): Path<String>,
    Form(Ends { start, end, title }): Form<Ends>,
) -> Result<Redirect, PanelError> {
    // What is no time at all is no place in the piece either.
    let time = |s: f64| Duration::try_from_secs_f64(s).unwrap_or(Duration::ZERO);
    let change_to = PieceChange::Cut(time(start), time(end), title);
    let changed = change(&panel, &user, &hash, Permission::Edit, change_to).await;
    changed.map(|_| Redirect::to("/library"))
}

pub(crate) async fn remove(
    State(panel): State<Panel>,
    user: User,
    Path(hash): Path<String>,
) -> Result<Redirect, PanelError> {
    let changed = change(&panel, &user, &hash, Permission::Edit, PieceChange::Remove).await;
    changed.map(|_| Redirect::to("/library"))
}

#[derive(Deserialize)]
pub(crate) struct Decision {
    state: ApprovalState,
    #[serde(default)]
    note: String,
}

/// What an author does: hands it in, takes it back.
pub(crate) async fn submit(
    State(panel): State<Panel>,
    user: User,
    Path(hash): Path<String>,
    Form(decision): Form<Decision>,
) -> Result<Redirect, PanelError> {
    decide(&panel, &user, &hash, decision, Permission::Edit, &AUTHORS).await
}

/// What an approver does: lets it on air, sends it back, puts it away.
pub(crate) async fn judge(
    State(panel): State<Panel>,
    user: User,
    Path(hash): Path<String>,
    Form(decision): Form<Decision>,
) -> Result<Redirect, PanelError> {
    decide(&panel, &user, &hash, decision, Permission::Approve, &APPROVERS).await
}

async fn decide(
    panel: &Panel,
    user: &User,
    hash: &str,
    Decision { state, note }: Decision,
    permission: Permission,
    open: &[ApprovalState],
) -> Result<Redirect, PanelError> {
    if !open.contains(&state) {
        // It is another one's to decide.
        found(panel, user, hash, permission).await?;
        return Err(PanelError::Forbidden {
            permission: Permission::Approve,
            zone: None,
        });
    }
    change(panel, user, hash, permission, PieceChange::Decide(state, note)).await
}

async fn change(
    panel: &Panel,
    user: &User,
    hash: &str,
    permission: Permission,
    change: PieceChange,
) -> Result<Redirect, PanelError> {
    let piece = found(panel, user, hash, permission).await?;
    panel
        .console
        .change_piece(piece.hash, change, &user.person.name)
        .await?;
    Ok(Redirect::to(&format!("/library/{}", piece.hash)))
}

/// Finds a piece on which the user may do this.
pub(crate) async fn found(
    panel: &Panel,
    user: &User,
    hash: &str,
    permission: Permission,
) -> Result<PieceItem, PanelError> {
    let none = || PanelError::NoMedia(hash.to_owned());
    let wanted: ContentHash = hash.parse().map_err(|_| none())?;
    let piece = panel.console.piece(wanted).await?.ok_or_else(none)?;
    let zones = panel.console.zones();
    let may = match permission {
        Permission::See => is_shown(user, piece.zone, &zones),
        other => user.may_of(other, piece.zone, &zones),
    };
    if may {
        return Ok(piece);
    }
    let zone = piece.zone.and_then(|zone| zones.get(zone));
    Err(PanelError::Forbidden {
        permission,
        zone: zone.map(|zone| zone.name.clone()),
    })
}

/// What those who make programmes decide, and what those who answer for them do.
const AUTHORS: [ApprovalState; 2] = [ApprovalState::Submitted, ApprovalState::Draft];
const APPROVERS: [ApprovalState; 3] = [
    ApprovalState::Approved,
    ApprovalState::Rejected,
    ApprovalState::Archived,
];
