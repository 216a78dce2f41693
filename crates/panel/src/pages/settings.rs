//! How the station is set up, and where that is changed.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::error::PanelError;
use crate::guard::User;
use crate::lang::Lang;
use crate::pages::backup::size;
use crate::pages::{Frame, html};
use crate::plain::{calendar, clock, date, decimal};
use crate::router::Panel;
use crate::upkeep::{ClockItem, Setting};

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    version: String,
    licence: String,
    started: String,
    file: String,
    file_fault: Option<String>,
    /// Whether the file says something that is not in force yet.
    is_stale: bool,
    clock: String,
    clock_is_well: bool,
    disks: Vec<(String, String)>,
    panel: String,
    sends_from: String,
    groups: Vec<(String, String)>,
    sections: Vec<Section>,
}

/// A table of the file.
struct Section {
    /// Its name there; empty for what stands before the first.
    name: String,
    rows: Vec<Row>,
}

struct Row {
    key: String,
    /// What it is, in plain words.
    about: String,
    value: String,
    is_default: bool,
    in_file: Option<String>,
}

pub(crate) async fn page(State(panel): State<Panel>, user: User, lang: Lang) -> Result<Response, PanelError> {
    let settings = panel.console.settings().await?;
    let tz = panel.console.station().time_zone;
    let is_stale = settings.values.iter().any(|value| value.in_file.is_some());
    Ok(html(&SettingsPage {
        frame: Frame::new(&panel, lang, Some(&user.person), "/settings"),
        version: settings.version,
        licence: settings.licence,
        started: format!(
            "{} {}",
            clock(settings.started, tz),
            calendar(date(settings.started, tz), lang)
        ),
        file: settings.file.display().to_string(),
        file_fault: settings.file_fault,
        is_stale,
        clock: say_clock(settings.clock, lang),
        clock_is_well: settings.clock.is_synchronised && settings.clock.step_ms.is_none(),
        disks: settings
            .disks
            .iter()
            .map(|disk| {
                let values = [
                    ("free", &*size(disk.free, lang)),
                    ("total", &size(disk.total, lang)),
                ];
                (
                    disk.path.display().to_string(),
                    lang.say_with("disk-room", &values),
                )
            })
            .collect(),
        panel: settings.panel,
        sends_from: settings.sends_from,
        groups: settings.groups,
        sections: sections(settings.values, lang),
    }))
}

fn sections(values: Vec<Setting>, lang: Lang) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for setting in values {
        let row = Row {
            about: about(&setting, lang),
            key: setting.key,
            value: setting.value,
            is_default: setting.is_default,
            in_file: setting.in_file,
        };
        match sections.last_mut() {
            Some(section) if section.name == setting.section => section.rows.push(row),
            _ => sections.push(Section {
                name: setting.section,
                rows: vec![row],
            }),
        }
    }
    sections
}

/// Returns what a key is for.
fn about(setting: &Setting, lang: Lang) -> String {
    let name = [setting.section.as_str(), &setting.key];
    let name: Vec<_> = name.into_iter().filter(|part| !part.is_empty()).collect();
    let key = format!("setting-{}", name.join("-").replace('_', "-"));
    lang.try_say(&key).unwrap_or_default()
}

fn say_clock(clock: ClockItem, lang: Lang) -> String {
    if let Some(step) = clock.step_ms {
        return lang.say_with("clock-stepped", &[("ms", &step.to_string())]);
    }
    if !clock.is_synchronised {
        return lang.say("clock-free");
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let ms = decimal(clock.error_us as f64 / 1e3, lang);
    lang.say_with("clock-kept", &[("ms", &ms)])
}
