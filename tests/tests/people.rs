//! People at a running station: logging in step by step, what a role opens, and what ends it, by page, API and command.

use anyhow::{Context as _, Result, ensure};
use loa_headend::totp;
use loa_headend::workbench::{PASSWORD, Station, USER};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{import, now};
use serde_json::json;

/// A browser without a window: it keeps its cookie and follows nothing.
struct Client {
    agent: ureq::Agent,
    base: String,
    cookie: String,
}

impl Client {
    fn new(station: &Station) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Self {
            agent: config.into(),
            base: station.url(""),
            cookie: String::new(),
        }
    }

    fn get(&self, path: &str) -> Result<(u16, String)> {
        let mut answer = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("cookie", &self.cookie)
            .call()?;
        Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
    }

    fn post(&mut self, path: &str, kind: &str, body: &str) -> Result<(u16, String)> {
        let mut answer = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("cookie", &self.cookie)
            .header("content-type", kind)
            .send(body)?;
        let cookie = answer.headers().get("set-cookie");
        if let Some(cookie) = cookie.and_then(|cookie| cookie.to_str().ok()) {
            cookie
                .split(';')
                .next()
                .unwrap_or_default()
                .clone_into(&mut self.cookie);
        }
        Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
    }

    fn form(&mut self, path: &str, body: &str) -> Result<(u16, String)> {
        self.post(path, "application/x-www-form-urlencoded", body)
    }

    fn log_in(&mut self, name: &str, password: &str) -> Result<(u16, String)> {
        let body = json!({ "name": name, "password": password }).to_string();
        self.post("/api/v1/login", "application/json", &body)
    }

    fn code(&mut self, code: &str) -> Result<u16> {
        let body = json!({ "code": code }).to_string();
        Ok(self.post("/api/v1/login/code", "application/json", &body)?.0)
    }

    /// Tells what a page answers to who has this cookie.
    fn air(&self) -> Result<u16> {
        Ok(self.get("/api/v1/snapshot")?.0)
    }
}

/// Returns what stands between two marks.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Result<&'a str> {
    let rest = text
        .split_once(from)
        .with_context(|| format!("no {from} in {text}"))?
        .1;
    Ok(rest.split(to).next().unwrap_or_default())
}

#[test]
fn people_come_in_do_what_they_may_and_are_shown_out() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.configure("totp_roles = [\"announcer\"]\n")?;
    import(&station, &[])?;
    let printed = station.loa(&["user", "add", "xem", "--role", "viewer@xa-a", "--one-time"])?;
    let one_time = printed.trim().to_owned();
    let announcer = station.loa(&["user", "add", "ptv", "--role", "announcer@xa-a", "--one-time"])?;
    let refused = station.loa_refused(&["user", "role", "add", "xem", "viewer@xa-z"])?;
    ensure!(refused.contains("no zone \"xa-z\""), "{refused}");
    let head_end = station.start()?;

    // The first login takes a password of one's own, and nothing else.
    let mut xem = Client::new(&station);
    let answer = xem.log_in("xem", &one_time)?;
    ensure!(answer == (200, "{\"due\":\"password\"}".into()), "{answer:?}");
    ensure!(xem.air()? == 403, "not before a password of one's own");
    let own = "mat-khau-cua-toi";
    let (status, _) = xem.form(
        "/account/password",
        &format!("old={one_time}&new={own}&again={own}"),
    )?;
    ensure!(status == 303 && xem.air()? == 200, "{status}");
    ensure!(
        xem.log_in("xem", &one_time)?.0 == 401,
        "a one-time password lets in once"
    );
    ensure!(xem.get("/api/v1/as-run?zone=xa-a")?.0 == 200);
    let (status, text) = xem.get("/api/v1/as-run?zone=xa-b")?;
    ensure!(status == 403 && text.contains("may not look in"), "{text}");
    ensure!(xem.get("/users")?.0 == 403 && xem.get("/audit")?.0 == 403);

    // One-time codes, as a phone makes them.
    let (_, page) = xem.get("/account/totp")?;
    ensure!(page.contains("<svg class=\"qr\""), "{page}");
    let text = between(&page, "name=\"key\" value=\"", "\"")?.to_owned();
    let key = totp::key_from(&text).context("no key on the page")?;
    let step = totp::step_at(now());
    let first = totp::code_of(&key, step);
    let (status, page) = xem.form(
        "/account/totp",
        &format!("key={text}&uri=x&code={first}&password={own}"),
    )?;
    ensure!(status == 200, "{page}");
    let recovery: Vec<_> = page
        .split("<code class=\"key\">")
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .collect();
    ensure!(recovery.len() == 10, "{recovery:?}");

    let mut again = Client::new(&station);
    let answer = again.log_in("xem", own)?;
    ensure!(answer == (200, "{\"due\":\"code\"}".into()), "{answer:?}");
    ensure!(again.air()? == 403, "not before the code");
    ensure!(again.code(&first)? == 401, "the code that set it up was used");
    ensure!(again.code(recovery[0])? == 204 && again.air()? == 200);
    let mut third = Client::new(&station);
    third.log_in("xem", own)?;
    ensure!(third.code(recovery[0])? == 401, "a recovery code is used once");
    let next = totp::code_of(&key, step + 1);
    ensure!(third.code(&next)? == 204 && third.air()? == 200);
    let mut fourth = Client::new(&station);
    fourth.log_in("xem", own)?;
    ensure!(fourth.code(&next)? == 401, "a code is used once, in any browser");

    // Ten wrong codes, with that one, lock it for everybody, until somebody with the machine unlocks it.
    for _ in 0..9 {
        ensure!(fourth.code("000000")? == 401);
    }
    ensure!(fourth.code(recovery[1])? == 429, "right, but too late");
    ensure!(station.loa(&["user", "list"])?.contains("locked, one-time codes"));
    station.loa(&["user", "unlock", "xem"])?;
    ensure!(fourth.code(recovery[1])? == 204);

    // What is taken is gone at once; what is given is there.
    station.loa(&["user", "role", "remove", "xem", "viewer@xa-a"])?;
    ensure!(xem.air()? == 403);
    station.loa(&["user", "role", "add", "xem", "viewer@xa-a"])?;
    ensure!(xem.air()? == 200);
    let logins = station.loa(&["user", "sessions", "xem"])?;
    ensure!(logins.lines().count() == 4, "{logins}");
    let number = logins
        .lines()
        .last()
        .and_then(|line| line.split_whitespace().next())
        .context("no number")?;
    station.loa(&["user", "sessions", "xem", "--end", number])?;
    ensure!(xem.air()? == 401, "the oldest, in which the password was set");
    let (status, _) = fourth.form("/account/logins/end", "")?;
    ensure!(status == 303 && fourth.air()? == 200 && third.air()? == 401);
    station.loa(&["user", "totp", "reset", "xem"])?;
    ensure!(
        third.log_in("xem", own)?.0 == 204,
        "without the phone that was lost"
    );
    station.loa(&["user", "disable", "xem"])?;
    ensure!(fourth.air()? == 401 && third.log_in("xem", own)?.0 == 401);

    // A role may require one-time codes.
    let mut ptv = Client::new(&station);
    ptv.log_in("ptv", announcer.trim())?;
    ptv.form(
        "/account/password",
        &format!("old={}&new={own}&again={own}", announcer.trim()),
    )?;
    let (status, text) = ptv.get("/api/v1/snapshot")?;
    ensure!(status == 403 && text.contains("totp"), "{text}");
    ensure!(ptv.get("/account/totp")?.0 == 200);

    // All of it is in the audit log, which is whole.
    let mut officer = Client::new(&station);
    officer.log_in(USER, PASSWORD)?;
    let (_, page) = officer.get("/audit?what=xem&lang=en")?;
    for expected in [
        "added a user",
        "<ins>Viewer (xa-a)</ins>",
        "locked after wrong tries",
        "refused to log in",
        "lines are as they were written",
    ] {
        ensure!(page.contains(expected), "{expected}: {page}");
    }
    let told = station.loa(&["audit", "list", "--days", "2"])?;
    for expected in [
        "recovery code used",
        "one-time codes set up",
        "[viewer@xa-a] -> []",
    ] {
        ensure!(told.contains(expected), "{expected}: {told}");
    }
    station.loa(&["audit", "verify"])?;
    head_end.stop()
}
