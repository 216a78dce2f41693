//! Copies of the database: made by a button, listed, taken away.

use std::path::Path as FilePath;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use tokio::fs::File;

use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::{Frame, html};
use crate::plain::{calendar, clock, date, decimal};
use crate::router::Panel;
use crate::sound;

#[derive(Template)]
#[template(path = "backup.html")]
struct BackupPage {
    frame: Frame,
    /// What should be done about their age; none if nothing.
    warning: Option<String>,
    dir: String,
    /// Directories that belong to a whole copy.
    beside: Vec<String>,
    database: String,
    rows: Vec<BackupRow>,
}

struct BackupRow {
    name: String,
    day: String,
    at: String,
    size: String,
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Result<Response, PanelError> {
    let backups = panel.console.backups().await?;
    let tz = panel.console.station().time_zone;
    let age = backups
        .items
        .first()
        .map(|newest| panel.console.now().since(newest.made));
    let shown = |path: &FilePath| path.display().to_string();
    Ok(html(&BackupPage {
        frame: Frame::new(&panel, lang, Some(&user.person), "/backup"),
        warning: warning(age, lang),
        dir: shown(&backups.dir),
        beside: backups.beside.iter().map(|path| shown(path)).collect(),
        database: shown(&backups.database),
        rows: backups
            .items
            .into_iter()
            .map(|item| BackupRow {
                day: calendar(date(item.made, tz), lang),
                at: clock(item.made, tz),
                size: size(item.bytes, lang),
                name: item.name,
            })
            .collect(),
    }))
}

/// Returns what to say of the age of the newest, if it is time for another.
fn warning(age: Option<Duration>, lang: Lang) -> Option<String> {
    match age {
        None => Some(lang.say("backup-none")),
        Some(age) if age > OLD => {
            let days = (age.as_secs() / 86_400).to_string();
            Some(lang.say_with("backup-old", &[("days", &days)]))
        }
        Some(_) => None,
    }
}

/// Writes a size in MB or GB.
pub(crate) fn size(bytes: u64, lang: Lang) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mb = bytes as f64 / 1e6;
    if mb < 1_000.0 {
        format!("{} MB", decimal(mb, lang))
    } else {
        format!("{} GB", decimal(mb / 1_000.0, lang))
    }
}

pub(crate) async fn make(State(panel): State<Panel>, user: User) -> Result<Redirect, PanelError> {
    panel.console.back_up(&user.person.name).await?;
    Ok(Redirect::to("/backup"))
}

pub(crate) async fn download(
    State(panel): State<Panel>,
    user: User,
    Path(name): Path<String>,
) -> Result<Response, PanelError> {
    let path = panel.console.take_backup(&name, &user.person.name).await?;
    let file = File::open(&path).await.map_err(|_| PanelError::NoPage)?;
    let bytes = file.metadata().await.map_err(|_| PanelError::NoPage)?.len();
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.sqlite3".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        // It holds all that the station knows.
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, sound::read(file, bytes)).into_response())
}

/// A copy that is older than this no longer helps much: a week of schedules, people and logs would be missing.
const OLD: Duration = Duration::from_secs(7 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_without_a_backup_is_said() {
        let days = |days: u64| Some(Duration::from_secs(days * 86_400 + 60));
        assert!(warning(None, Lang::Vi).is_some());
        assert_eq!(warning(days(6), Lang::Vi), None);
        assert!(warning(days(9), Lang::En).is_some_and(|said| said.contains("9 days")));
    }
}
