//! The panel over TLS, with the station's own authority: who trusts it gets in, who comes without TLS is shown the way,
//! and receivers report over it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::Station;
use loa_tests::network::enter_own_network;
use loa_tests::schedule::import;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

fn agent(authority: Option<&str>) -> Result<Agent> {
    let mut config = Agent::config_builder()
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(10)));
    if let Some(pem) = authority {
        let roots = RootCerts::new_with_certs(&[Certificate::from_pem(pem.as_bytes())?]);
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    Ok(config.build().into())
}

#[test]
fn who_trusts_the_station_gets_in() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.secure()?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let pem = std::fs::read_to_string(dir.path().join("data/keys/panel-ca.pem"))?;
    let (trusting, stranger) = (agent(Some(&pem))?, agent(None)?);
    let secure = station.url("");
    ensure!(secure.starts_with("https://"), "{secure}");

    let mut certificate = trusting.get(format!("{secure}/ca.crt")).call()?;
    ensure!(
        certificate.body_mut().read_to_string()? == pem,
        "what browsers install is the authority"
    );
    let page = trusting
        .get(format!("{secure}/ca"))
        .header("accept", "text/html")
        .call()?;
    ensure!(page.status() == 200);
    let refused = stranger.get(format!("{secure}/healthz")).call();
    ensure!(
        refused.is_err(),
        "who does not trust it is not let in: {refused:?}"
    );

    let plain = secure.replace("https://", "http://");
    let shown = stranger.get(format!("{plain}/today?date=2026-12-04")).call()?;
    let location = shown.headers().get("location").context("a way")?.to_str()?;
    ensure!(
        shown.status() == 308 && location == format!("{secure}/today?date=2026-12-04"),
        "{} {location}",
        shown.status()
    );

    let login = format!(
        "name={}&password={}",
        loa_headend::workbench::USER,
        loa_headend::workbench::PASSWORD
    );
    let answer = trusting
        .post(format!("{secure}/login"))
        .header("content-type", "application/x-www-form-urlencoded")
        .send(&login)?;
    let cookie = answer.headers().get("set-cookie").context("a cookie")?.to_str()?;
    ensure!(
        cookie.contains("; Secure"),
        "the login never travels without TLS: {cookie}"
    );

    let receiver = station.receiver("loa-1", "thon-1", "null")?;
    let began = Instant::now();
    let heard = loop {
        let list: Value = serde_json::from_str(&station.loa(&["receiver", "list", "--json"])?)?;
        let heard = list[0]["report_at"].is_number() || list[0]["report_at"].is_string();
        if heard || began.elapsed() > Duration::from_secs(15) {
            break heard;
        }
        std::thread::sleep(Duration::from_millis(300));
    };
    ensure!(heard, "the receiver reports over TLS: {}", receiver.log());
    receiver.stop()?;
    head_end.stop()?;
    let shown = station.loa(&["key", "panel"])?;
    ensure!(shown.starts_with(&pem) && shown.contains("SHA-256 "), "{shown}");
    Ok(())
}
