//! A piece in other languages: which programmes air which version where, and how one is set and taken away.

use std::collections::BTreeSet;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Redirect;
use loa_model::{BulletinClass, ContentHash, Permission, ProgrammeId, VersionFault, ZoneId, ZoneTree};
use serde::Deserialize;

use crate::console::ConsoleError;
use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::library::{PieceItem, VersionedItem};
use crate::pages::in_tree_order;
use crate::pages::library::{PieceRow, is_shown, row};
use crate::pages::piece::found;
use crate::plain::length;
use crate::router::Panel;

/// What a piece's page shows of it in other languages.
#[derive(Default)]
pub(crate) struct Versions {
    /// Programmes whose own piece it is.
    pub(crate) programmes: Vec<ProgrammeRow>,
    /// What it is a version of.
    pub(crate) of: Vec<OfRow>,
    /// Languages that zones are set to, and those that there are versions in.
    pub(crate) languages: Vec<String>,
    /// Pieces to choose a version from: hash, and what people know it by.
    pub(crate) choices: Vec<(String, String)>,
}

impl Versions {
    /// Tells whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.programmes.is_empty() && self.of.is_empty()
    }

    /// Tells whether the user may change those of any programme.
    pub(crate) fn may_change(&self) -> bool {
        self.programmes.iter().any(|programme| programme.may_change)
    }
}

pub(crate) struct ProgrammeRow {
    pub(crate) id: ProgrammeId,
    pub(crate) title: String,
    /// Where it airs.
    pub(crate) airs: String,
    pub(crate) versions: Vec<VersionRow>,
    pub(crate) may_change: bool,
    /// How a schedule file and a change here live together.
    pub(crate) owner: String,
}

pub(crate) struct VersionRow {
    pub(crate) language: String,
    /// None if it is not for the user's eyes.
    pub(crate) piece: Option<PieceRow>,
    /// Which zones are set to the language.
    pub(crate) zones: String,
}

/// A programme, and the language in which a piece is its version.
pub(crate) struct OfRow {
    pub(crate) text: String,
    /// The programme's own piece; none if it is not for the user's eyes.
    pub(crate) own: Option<PieceRow>,
}

/// Returns a piece in other languages.
pub(crate) async fn versions(
    panel: &Panel,
    user: &User,
    piece: &PieceItem,
    lang: Lang,
) -> Result<Versions, PanelError> {
    let items = panel.console.versions(piece.hash).await?;
    if items.is_empty() {
        return Ok(Versions::default());
    }
    let tree = panel.console.zones();
    let mut pieces = panel.console.pieces().await?;
    pieces.retain(|other| is_shown(user, other.zone, &tree));
    let shown = |hash: ContentHash| {
        let found = pieces.iter().find(|other| other.hash == hash);
        found.map(|other| row(panel, other, lang))
    };
    let version_row = |(language, version): (&String, &ContentHash)| {
        let is_set = |zone: ZoneId| tree.language(zone) == Some(language.as_str());
        let zones = zone_names(user, &tree, is_set);
        VersionRow {
            language: language.clone(),
            piece: shown(*version),
            zones: said_of_zones(&zones, ("version-zones", "version-no-zone"), lang),
        }
    };
    let mut programmes = Vec::new();
    let mut of = Vec::new();
    for item in &items {
        if item.media == piece.hash {
            let airs = zone_names(user, &tree, |zone| item.zones.contains(&zone));
            programmes.push(ProgrammeRow {
                id: item.id,
                title: item.title.clone(),
                airs: said_of_zones(&airs, ("version-airs", "version-airs-nowhere"), lang),
                versions: item.languages.iter().map(version_row).collect(),
                may_change: must_change(user, piece, item, &tree).is_ok(),
                owner: match &item.file {
                    Some(file) => lang.say_with("version-of-file", &[("file", file)]),
                    None => lang.say("version-of-panel"),
                },
            });
        }
        for (language, _) in item
            .languages
            .iter()
            .filter(|(_, version)| **version == piece.hash)
        {
            let values = [("title", item.title.as_str()), ("language", language.as_str())];
            of.push(OfRow {
                text: lang.say_with("use-language", &values),
                own: shown(item.media),
            });
        }
    }
    let set = tree.iter().filter_map(|zone| zone.settings.language.as_ref());
    let there = items.iter().flat_map(|item| item.languages.keys());
    let languages: BTreeSet<&String> = set.chain(there).collect();
    let others = pieces.iter().filter(|other| other.hash != piece.hash);
    Ok(Versions {
        programmes,
        of,
        languages: languages.into_iter().cloned().collect(),
        choices: others
            .map(|other| {
                let text = format!("{} · {}", other.title, length(other.duration));
                (other.hash.to_string(), text)
            })
            .collect(),
    })
}

#[derive(Deserialize)]
pub(crate) struct NewVersion {
    programme: i64,
    language: String,
    /// Hash of the piece.
    piece: String,
}

/// Adds a version, or puts another piece in its place.
pub(crate) async fn set(
    State(panel): State<Panel>,
    user: User,
    Path(hash): Path<String>,
    Form(new): Form<NewVersion>,
) -> Result<Redirect, PanelError> {
    let piece = found(&panel, &user, &hash, Permission::Edit).await?;
    let programme = changeable(&panel, &user, &piece, new.programme).await?;
    let version = found(&panel, &user, &new.piece, Permission::See).await?;
    let language = new.language.trim();
    panel
        .console
        .set_version(programme, language, Some(version.hash), &user.person.name)
        .await?;
    Ok(Redirect::to(&format!("/library/{}", piece.hash)))
}

#[derive(Deserialize)]
pub(crate) struct OldVersion {
    programme: i64,
    language: String,
}

/// Takes a version away; its piece stays in the library.
pub(crate) async fn remove(
    State(panel): State<Panel>,
    user: User,
    Path(hash): Path<String>,
    Form(old): Form<OldVersion>,
) -> Result<Redirect, PanelError> {
    let piece = found(&panel, &user, &hash, Permission::Edit).await?;
    let programme = changeable(&panel, &user, &piece, old.programme).await?;
    panel
        .console
        .set_version(programme, &old.language, None, &user.person.name)
        .await?;
    Ok(Redirect::to(&format!("/library/{}", piece.hash)))
}

/// Finds a programme whose own piece this is, if the user may change its versions.
async fn changeable(
    panel: &Panel,
    user: &User,
    piece: &PieceItem,
    programme: i64,
) -> Result<ProgrammeId, PanelError> {
    let items = panel.console.versions(piece.hash).await?;
    let wanted = |item: &&VersionedItem| item.id == ProgrammeId(programme) && item.media == piece.hash;
    let item = items
        .iter()
        .find(wanted)
        .ok_or(ConsoleError::Version(VersionFault::NoProgramme))?;
    must_change(user, piece, item, &panel.console.zones())?;
    Ok(item.id)
}

/// Refuses unless the user may change the versions of a programme.
///
/// It takes to edit the programme's own piece, as a change of its title or series does, and to edit in every zone in
/// which the programme airs, as a change of a slot does. Whoever changes what sounds in an emergency must be able to
/// raise one there too. The piece that becomes a version need only be for the user's eyes, as what a slot airs.
fn must_change(
    user: &User,
    piece: &PieceItem,
    item: &VersionedItem,
    tree: &ZoneTree,
) -> Result<(), PanelError> {
    let needed: &[Permission] = if item.class == BulletinClass::Emergency {
        &[Permission::Edit, Permission::Alert]
    } else {
        &[Permission::Edit]
    };
    for permission in needed {
        user.must_of(*permission, piece.zone, tree)?;
        for zone in item.zones.iter().filter_map(|zone| tree.get(*zone)) {
            user.must(*permission, zone, tree)?;
        }
    }
    Ok(())
}

/// Names the wanted zones that are for the user's eyes, each under those above it.
fn zone_names(user: &User, tree: &ZoneTree, wanted: impl Fn(ZoneId) -> bool) -> String {
    let zones = in_tree_order(tree).into_iter();
    let named = zones
        .filter(|zone| wanted(zone.id) && user.person.rights.concerns(zone.id, tree))
        .map(|zone| zone.name.as_str());
    named.collect::<Vec<_>>().join(", ")
}

/// Says the first of two texts with names of zones, or the second if there are none.
fn said_of_zones(names: &str, (some, none): (&str, &str), lang: Lang) -> String {
    if names.is_empty() {
        lang.say(none)
    } else {
        lang.say_with(some, &[("zones", names)])
    }
}
