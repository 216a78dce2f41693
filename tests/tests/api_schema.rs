//! The JSON API of a running station, tried against its own description by a program that we did not write:
//! schemathesis makes up requests, good and bad, and judges the answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{Station, USER, binary};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, second_from_now};
use loa_tests::sound::demo_audio;
use serde_json::{Value, json};

#[test]
fn the_api_answers_as_its_description_says_whatever_it_is_asked() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.loa(&["media", "add", &demo_audio("khan-cap.wav").display().to_string()])?;
    let airing = Airing {
        code: "ban-tin",
        zone: "xa-b",
        media: "khan-cap",
        class: "priority",
        chime: true,
        at: second_from_now(20),
        max_duration: "1m",
    };
    import(&station, &[airing])?;
    let all = "see,announce,alert";
    let token = station.loa(&["token", "add", USER, "schemathesis", "--may", all, "--days", "1"])?;
    let head_end = station.start()?;
    let receiver = station.receiver("loa-1", "thon-1", "null")?;

    let description = ureq::get(station.url("/api/v1/openapi.json"))
        .call()?
        .body_mut()
        .read_to_string()?;
    let description = with_what_is_there(&station, &description)?;
    let file = dir.path().join("openapi.json");
    fs::write(&file, description.to_string())?;
    let seed = seed()?;
    println!("seed {seed}; the same requests again: LOA_API_SEED={seed}");
    let mut schemathesis = Command::new(schemathesis()?);
    schemathesis
        .current_dir(dir.path())
        .arg("run")
        .arg(&file)
        .args(["--url", &station.url("")])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--checks", CHECKS])
        .args([
            "--seed",
            &seed.to_string(),
            "--max-examples",
            "60",
            "--max-time",
            "60",
        ])
        .args(["--request-timeout", "10", "--suppress-health-check", "all"])
        .args(["--generation-database", "none", "--no-color", "--warnings", "off"])
        .args(["--header", &format!("Authorization: Bearer {}", token.trim())]);
    // What goes on until somebody leaves has no answer to judge.
    for path in endless(&description) {
        schemathesis.args(["--exclude-path", path]);
    }
    let output = schemathesis.output().context("schemathesis does not start")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}");
    ensure!(
        output.status.success(),
        "seed {seed}: the API is not as it is described:\n{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    ensure!(
        station.health()?.contains("\"off_air\":false"),
        "it is still there"
    );
    let told = station.loa(&["audit", "list", "--days", "2"])?;
    ensure!(
        told.contains(&format!("token schemathesis of {USER}")),
        "something of it was done, and says by whom: {told}"
    );
    receiver.stop()?;
    head_end.stop()
}

/// Puts the names of what this station has into the examples of the description, so that requests get past the first
/// refusal.
fn with_what_is_there(station: &Station, description: &str) -> Result<Value> {
    let mut description: Value = serde_json::from_str(&description.replace("xa-dong", "xa-a"))?;
    let media: Value = serde_json::from_str(&station.loa(&["media", "list", "--json"])?)?;
    let body = &mut description["paths"]["/api/v1/overrides"]["post"]["requestBody"]["content"];
    ensure!(body["application/json"].is_object(), "overrides take no JSON");
    body["application/json"]["examples"] = json!({
        "one": { "value": { "zone": "xa-a", "media": media[0]["hash"], "class": "normal", "limit_s": 1 } },
        "two": { "value": { "zone": "xa-b", "media": media[0]["hash"], "class": "emergency", "chime": true } },
    });
    Ok(description)
}

fn endless(description: &Value) -> Vec<&str> {
    let paths = description["paths"].as_object().into_iter().flatten();
    let endless = paths.filter(|(_, item)| {
        let mut operations = item.as_object().into_iter().flatten();
        operations.any(|(_, operation)| operation["x-endless"] == true)
    });
    endless.map(|(path, _)| path.as_str()).collect()
}

/// Returns the seed that is asked for, or the usual one.
fn seed() -> Result<u64> {
    match std::env::var("LOA_API_SEED") {
        Ok(seed) => seed.parse().context("LOA_API_SEED is a number"),
        Err(_) => Ok(20_261_129),
    }
}

/// Returns the program that `cargo xtask setup` puts beside the binaries.
fn schemathesis() -> Result<PathBuf> {
    let loa = binary("loa")?;
    let target = loa.ancestors().find(|dir| dir.join("tools").is_dir());
    let program = target.map(|target| target.join("tools/schemathesis/bin/schemathesis"));
    let program = program.filter(|program| fs::metadata(program).is_ok_and(|found| found.is_file()));
    program.with_context(|| {
        let near = loa.parent().unwrap_or(Path::new("")).display();
        format!("no schemathesis near {near}: run `cargo xtask setup`")
    })
}

/// All that an answer can be judged by. Not whether whatever a schema allows is accepted, and nothing else: it cannot say
/// that 30 February is no date, nor that 60.0 is no whole number.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method,\
                      allow_header_conformance,ignored_auth";
