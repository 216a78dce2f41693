//! A certificate that is nearly over is told of everywhere, and renewed with a root key that lies in a safe.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use loa_headend::workbench::Station;
use loa_model::{BulletinClass, Channel};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{import, now};
use loa_wire::Certificate;

#[test]
fn a_certificate_that_is_nearly_over_is_told_of_and_renewed() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    import(&station, &[])?;
    let keys = station.path().join("data/keys");
    let safe = dir.path().join("safe.key");
    fs::rename(keys.join("root.key"), &safe)?;
    let root = BASE64.decode(fs::read_to_string(&safe)?.trim())?;
    let root: [u8; 32] = root.try_into().ok().context("the root key has 32 bytes")?;
    let own = BASE64.decode(station.loa(&["key", "station"])?.trim())?;
    let own: [u8; 32] = own.try_into().ok().context("the station's key has 32 bytes")?;
    let ends = now() + Duration::from_secs(20 * 86_400 - 60);
    let nearly_over = Certificate::issue(&root, own, Channel::EVERY_ZONE, BulletinClass::Emergency, ends);
    let nearly_over = BASE64.encode(nearly_over.encode());

    // Receivers are configured without the root's secret key.
    station.loa(&["key", "install", &nearly_over])?;
    station.loa(&["receiver", "config", "cot-1", "--zone", "xa-a"])?;
    station.loa_refused(&["check"])?;
    let head_end = station.start()?;
    let health = station.health()?;
    ensure!(
        health.contains("over in 20 days") && health.contains("loa key issue"),
        "{health}"
    );
    head_end.stop()?;

    let refused = station.loa_refused(&["key", "issue"])?;
    ensure!(refused.contains("--root-key"), "{refused}");
    let made = station.loa(&["key", "issue", "--root-key", &safe.display().to_string()])?;
    let refused = station.loa_refused(&["key", "install", "AAAA"])?;
    ensure!(refused.contains("loa key issue"), "{refused}");
    station.loa(&["key", "install", made.trim()])?;
    station.loa(&["check"])?;
    let head_end = station.start()?;
    let health = station.health()?;
    ensure!(!health.contains("certificate"), "{health}");
    head_end.stop()
}
