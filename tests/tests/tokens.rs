//! Tokens of programs at a running station: made by command and by page, used, lent no more than is held, and ended.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_headend::workbench::{PASSWORD, Station, USER};
use loa_tests::network::enter_own_network;
use loa_tests::program::{Program, send_form};
use loa_tests::schedule::import;
use loa_tests::sound::demo_audio;
use serde_json::{Value, json};

fn air(program: &Program) -> Result<u16> {
    Ok(program.get("/api/v1/snapshot")?.0)
}

#[test]
fn programs_do_what_their_token_says_and_its_owner_may_and_no_longer() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    import(&station, &[])?;
    station.loa(&["media", "add", &demo_audio("khan-cap.wav").display().to_string()])?;
    station.loa(&["user", "add", "ptv", "--role", "announcer@xa-a", "--one-time"])?;
    // Each row: what is asked for, and why it is refused.
    for (args, says) in [
        (vec!["ptv", "x", "--may", "alert"], "may not alert"),
        (vec!["ptv", "x", "--zone", "xa-b"], "may not see"),
        (vec!["ptv", "x", "--zone", "xa-z"], "no zone \"xa-z\""),
        (vec![USER, "x", "--may", "administer"], "no token administers"),
        (vec![USER, "x", "--may", "fly"], "is no permission"),
        (vec![USER, "x", "--days", "0"], "1 to 366 days"),
        (vec!["nobody", "x"], "no user \"nobody\""),
    ] {
        let args: Vec<_> = ["token", "add"].into_iter().chain(args).collect();
        let refused = station.loa_refused(&args)?;
        ensure!(refused.contains(says), "{args:?}: {refused}");
    }
    let shown = station.loa(&[
        "token",
        "add",
        USER,
        "board",
        "--may",
        "see,announce",
        "--zone",
        "xa-a",
    ])?;
    ensure!(shown.starts_with("loa_"), "{shown}");
    let pending = station.loa(&["token", "add", "ptv", "board"])?;
    let taken = station.loa_refused(&["token", "add", USER, "board"])?;
    ensure!(taken.contains("exists already"), "{taken}");
    let mut head_end = station.start()?;

    let board = Program::new(&station, &shown);
    let (status, text) = board.get("/api/v1/me")?;
    let told: Value = serde_json::from_str(&text)?;
    ensure!(
        status == 200 && told["name"] == format!("token board of {USER}"),
        "{text}"
    );
    ensure!(
        told["may"][1]["zones"] == json!(["xa-a", "thon-1", "thon-2"]),
        "{text}"
    );
    let (_, text) = board.get("/api/v1/media")?;
    let media: Value = serde_json::from_str(&text)?;
    let start = |zone: &str, class: &str| {
        let body = json!({ "zone": zone, "media": media[0]["hash"], "class": class, "limit_s": 30 });
        board.post("/api/v1/overrides", &body)
    };
    let (status, started) = start("xa-a", "normal")?;
    ensure!(status == 200 && started["session"].is_u64(), "{started}");
    ensure!(start("xa-b", "normal")?.0 == 403, "another zone");
    ensure!(start("xa-a", "emergency")?.0 == 403, "not within the scope");
    ensure!(
        board.get("/account")?.0 == 401 && board.get("/")?.0 == 401,
        "no page"
    );
    let nobody = Program::new(&station, "loa_nobodys");
    ensure!(air(&nobody)? == 401);
    ensure!(
        air(&Program::new(&station, &pending))? == 401,
        "not before its owner has a password of their own"
    );

    // It is on air in the token's name, and so in both logs.
    head_end.wait_until("it is on air in the token's name", || {
        let (_, text) = board.get("/api/v1/as-run")?;
        Ok(text.contains(&format!("token board of {USER}")))
    })?;
    let listed = station.loa(&["token", "list", USER])?;
    ensure!(
        listed.contains("see,announce") && listed.contains("used "),
        "{listed}"
    );

    // Made on the page, with the password once more.
    let form = format!("name=trang&may=see&days=30&password={PASSWORD}");
    let (_, text) = send_form(&station, "/account/tokens", &form)?;
    let made = text
        .split("<code class=\"key\">")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    let page_made = Program::new(&station, made.context("no token on the page")?);
    ensure!(air(&page_made)? == 200);

    // What its owner loses, it loses; and it ends with the owner's leave, or by itself.
    for role in ["editor", "approver", "emergency_officer"] {
        station.loa(&["user", "role", "remove", USER, role])?;
    }
    ensure!(start("xa-a", "normal")?.0 == 403, "its owner announces no more");
    ensure!(air(&board)? == 200, "but still looks");
    station.loa(&["token", "revoke", USER, "trang"])?;
    ensure!(air(&page_made)? == 401);
    station.loa(&["user", "disable", USER])?;
    ensure!(air(&board)? == 401);
    station.loa(&["user", "enable", USER])?;
    ensure!(air(&board)? == 200);

    std::thread::sleep(Duration::from_secs(1));
    let told = station.loa(&["audit", "list", "--days", "2"])?;
    for expected in [
        "token added",
        "token revoked",
        "trang of truc-ban",
        "token board of truc-ban",
    ] {
        ensure!(told.contains(expected), "{expected}: {told}");
    }
    station.loa(&["audit", "verify"])?;
    head_end.stop()
}
