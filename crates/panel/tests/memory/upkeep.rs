//! Copies of the database and the configuration of the station in memory.

use std::path::PathBuf;

use loa_panel::{
    Answer, BackupItem, BackupRefusal, Backups, ClockItem, ConsoleError, DiskItem, Setting, Settings, Upkeep,
};

use super::{Memory, at, done};

impl Upkeep for Memory {
    fn backups(&self) -> Answer<'_, Backups> {
        let item = |name: &str, bytes, days: i64| BackupItem {
            name: name.into(),
            bytes,
            made: at(-days * 86_400),
        };
        done(Backups {
            dir: "/var/lib/loa/backups".into(),
            beside: vec!["/var/lib/loa/media".into(), "/var/lib/loa/keys".into()],
            database: "/var/lib/loa/loa.db".into(),
            items: vec![
                item("loa-2026-11-24-060000.db", 48_300_000, 10),
                item("loa-2026-11-01-060000.db", 41_900_000, 33),
            ],
        })
    }

    fn back_up<'a>(&'a self, by: &'a str) -> Answer<'a, BackupItem> {
        if !self.healthy {
            let refused = ConsoleError::Backup(BackupRefusal::UnderWay);
            return Box::pin(std::future::ready(Err(refused)));
        }
        self.changes
            .lock()
            .expect("not poisoned")
            .push(format!("{by} made a backup"));
        done(BackupItem {
            name: "loa-2026-12-04-171230.db".into(),
            bytes: 48_400_000,
            made: super::NOW,
        })
    }

    fn take_backup<'a>(&'a self, name: &'a str, by: &'a str) -> Answer<'a, PathBuf> {
        self.changes
            .lock()
            .expect("not poisoned")
            .push(format!("{by} took {name}"));
        done(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")))
    }

    fn settings(&self) -> Answer<'_, Settings> {
        let setting = |section: &str, key: &str, value: &str, in_file: Option<&str>| Setting {
            section: section.into(),
            key: key.into(),
            value: value.into(),
            is_default: in_file.is_none(),
            in_file: in_file.map(Into::into),
        };
        done(Settings {
            version: "0.1.0".into(),
            licence: "AGPL-3.0-or-later".into(),
            started: at(-90_000),
            file: "/etc/loa/loa.toml".into(),
            file_fault: None,
            values: vec![
                setting("", "data_dir", "/var/lib/loa", None),
                setting("station", "name", "Đài truyền thanh Sông Mây", None),
                setting("multicast", "base", "239.192.0.0", None),
                setting("playout", "fill", "", Some("Nhạc hiệu")),
                setting("panel", "totp_roles", "administrator, emergency_officer", None),
            ],
            clock: ClockItem {
                is_synchronised: true,
                error_us: 3_400,
                step_ms: None,
            },
            disks: vec![DiskItem {
                path: "/var/lib/loa".into(),
                free: 182_000_000_000,
                total: 250_000_000_000,
            }],
            panel: "https://0.0.0.0:8443".into(),
            sends_from: "10.0.0.2".into(),
            groups: vec![("tinh".into(), "239.192.0.1:5004".into())],
        })
    }
}
