//! Emergencies by programs at a running station: what lies ready, the alarm and its end, and two persons, of whom a token
//! is none beside its owner.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{Station, USER};
use loa_tests::network::enter_own_network;
use loa_tests::program::{Program, send_form};
use loa_tests::schedule::zones_with_two_persons;
use loa_tests::sound::demo_audio;
use serde_json::{Value, json};

/// Makes a station with a commune that takes two persons, and a second officer.
fn station(dir: &Path) -> Result<Station> {
    let station = Station::new(dir)?;
    for name in ["khan-cap.wav", "thong-bao.aiff"] {
        station.loa(&["media", "add", &demo_audio(name).display().to_string()])?;
    }
    let zones = zones_with_two_persons(&station)?;
    let zones = station.write("zones.toml", &zones)?;
    station.loa(&["schedule", "import", &zones])?;
    Ok(station)
}

fn program(station: &Station, owner: &str, name: &str) -> Result<Program> {
    let token = station.loa(&["token", "add", owner, name, "--may", "see,announce,alert"])?;
    Ok(Program::new(station, &token))
}

/// Writes the emergency that lies ready, on the page as people do.
fn write_template(station: &Station) -> Result<()> {
    let media: Value = serde_json::from_str(&station.loa(&["media", "list", "--json"])?)?;
    let hash = |title: &str| {
        let mut all = media.as_array().into_iter().flatten();
        let found = all.find(|item| item["title"] == title);
        found
            .and_then(|item| item["hash"].as_str())
            .with_context(|| format!("no {title}"))
    };
    let form = format!(
        "title=Vo-dap&warning_text=a&retraction_text=b&zone=xa-a&minutes=2&repeats=0&signal=on&warning={}&retraction={}",
        hash("khan-cap")?,
        hash("thong-bao")?
    );
    let (status, page) = send_form(station, "/emergency/templates", &form)?;
    ensure!(status == 303, "the template is kept: {status} {page}");
    Ok(())
}

fn shown(program: &Program, path: &str) -> Result<Value> {
    let (status, text) = program.get(path)?;
    ensure!(status == 200, "{path}: {status} {text}");
    Ok(serde_json::from_str(&text)?)
}

#[test]
fn programs_raise_an_alarm_and_take_it_back_and_nobody_is_two_persons() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = station(dir.path())?;
    let sensor = program(&station, USER, "cam-bien")?;
    let board = program(&station, USER, "bang")?;
    let second = program(&station, "lan", "may-tinh")?;
    let mut head_end = station.start()?;
    write_template(&station)?;

    let templates = shown(&sensor, "/api/v1/emergencies/templates")?;
    let number = templates[0]["number"].clone();
    ensure!(
        templates[0]["title"] == "Vo-dap" && templates[0]["warning"]["length_s"].as_f64() > Some(0.0),
        "{templates}"
    );
    let wish = |what: &str, zone: &str| json!({ "what": { what: number }, "zones": [zone], "minutes": 2 });

    // The alarm, and that it is over.
    let (status, started) = sensor.post("/api/v1/emergencies", &wish("warning", "xa-a"))?;
    let session = &started["sessions"][0]["session"];
    ensure!(
        status == 200 && started["sessions"][0]["zone"] == "xa-a",
        "{started}"
    );
    head_end.wait_until("on the air with its retraction", || {
        let now = shown(&sensor, "/api/v1/emergencies")?;
        let one = &now["running"][0];
        Ok(one["on_air"] == true && one["sessions"][0] == *session && one["retraction"] == number)
    })?;
    let stopped = sensor.delete(&format!("/api/v1/overrides/{session}"))?;
    ensure!(stopped == 204, "stopped: {stopped}");
    let (status, over) = sensor.post("/api/v1/emergencies", &wish("retraction", "xa-a"))?;
    ensure!(status == 200, "{over}");

    // Where nothing is to be taken back, its words are words like others.
    let (status, waits) = sensor.post("/api/v1/emergencies", &wish("retraction", "xa-b"))?;
    ensure!(
        status == 202,
        "a retraction of nothing takes two persons: {waits}"
    );
    let path = format!("/api/v1/emergencies/waiting/{}", waits["number"]);
    ensure!(sensor.delete(&path)? == 204, "withdrawn");

    // Two persons: neither the token that asked, nor another one of its owner, nor the owner.
    let (status, waits) = sensor.post("/api/v1/emergencies", &wish("warning", "xa-b"))?;
    ensure!(
        status == 202 && waits["by"] == format!("token cam-bien of {USER}"),
        "{waits}"
    );
    let path = format!("/api/v1/emergencies/waiting/{}", waits["number"]);
    let confirm = format!("{path}/confirm");
    let seen = json!({ "content": waits["content"] });
    for same in [&sensor, &board] {
        let (status, said) = same.post(&confirm, &seen)?;
        ensure!(status == 403, "the same person: {said}");
    }
    let form = format!("content={}", waits["content"].as_str().unwrap_or_default());
    let page = confirm.replace("/api/v1/emergencies", "/emergency");
    let (status, said) = send_form(&station, &page, &form)?;
    ensure!(status == 403, "the same person on the page: {status} {said}");
    let (status, said) = second.post(&confirm, &json!({ "content": "00".repeat(32) }))?;
    ensure!(status == 409, "not what is asked for: {said}");
    let (status, released) = second.post(&confirm, &seen)?;
    ensure!(
        status == 200 && released["sessions"][0]["zone"] == "xa-b",
        "{released}"
    );
    let session = &released["sessions"][0]["session"];
    ensure!(sensor.delete(&format!("/api/v1/overrides/{session}"))? == 204);

    // What was on the air there is taken back by one, after a restart of the head-end too.
    let (status, over) = sensor.post("/api/v1/emergencies", &wish("retraction", "xa-b"))?;
    ensure!(status == 200, "a retraction takes one person: {over}");
    head_end.stop()?;
    head_end = station.start()?;
    let (status, over) = sensor.post("/api/v1/emergencies", &wish("retraction", "thon-3"))?;
    ensure!(status == 200, "a retraction takes one person: {over}");
    let (status, waits) = sensor.post("/api/v1/emergencies", &wish("retraction", "tinh"))?;
    ensure!(status == 202, "not where nobody was warned: {waits}");
    let path = format!("/api/v1/emergencies/waiting/{}", waits["number"]);
    ensure!(sensor.delete(&path)? == 204, "withdrawn");

    // Asked for again, which is asking once, and withdrawn.
    let (status, waits) = sensor.post("/api/v1/emergencies", &wish("warning", "xa-b"))?;
    ensure!(status == 202, "{waits}");
    let (_, again) = sensor.post("/api/v1/emergencies", &wish("warning", "xa-b"))?;
    ensure!(again["number"] == waits["number"], "{again}");
    let path = format!("/api/v1/emergencies/waiting/{}", waits["number"]);
    ensure!(second.delete(&path)? == 204, "withdrawn");
    ensure!(second.delete(&path)? == 404, "once");
    ensure!(
        shown(&second, "/api/v1/emergencies")?["waiting"] == json!([]),
        "nothing waits"
    );
    head_end.stop()?;

    let audit = station.loa(&["audit", "list"])?;
    for expected in ["second Some(\"token may-tinh of lan\")", "emergency-withdrawn"] {
        ensure!(audit.contains(expected), "{expected}: {audit}");
    }
    Ok(())
}
