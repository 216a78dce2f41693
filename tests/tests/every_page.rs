//! Every page of a running station in Chromium: in both languages, on a phone and a desk, in light and dark. None is
//! left out: each address that the panel answers to is listed here as a page, or as something that is none.
//!
//! A picture of each goes to `target/tmp/panel`, for people to look through.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use loa_headend::totp;
use loa_headend::workbench::{PASSWORD, Process, Station};
use loa_panel::routes;
use loa_tests::axe::Axe;
use loa_tests::browser::{Browser, Look};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{local_seconds, now, second_from_now, sleep_until};
use loa_tests::sound::demo_audio;

/// A page as it is looked at.
struct Page {
    /// What its pictures are called.
    name: &'static str,
    /// Its row in the panel's table.
    route: &'static str,
    /// Where it is shown, without the language.
    address: &'static str,
    /// What is done on it first.
    before: &'static str,
}

/// What is shown before anybody has logged in.
const OUTSIDE: [Page; 2] = [page("login", "/login"), page("ca-outside", "/ca")];
/// What is shown between the password and the code.
const BETWEEN: [Page; 1] = [page("code", "/login/code")];
/// What is shown to somebody who may do everything.
const INSIDE: [Page; 28] = [
    page("on-air", "/"),
    after("menu", "/", "/", MENU),
    page("emergency", "/emergency"),
    after("emergency-drill", "/emergency", "/emergency", DRILL),
    after("emergency-speech", "/emergency", "/emergency", SPEECH),
    page("emergency-templates", "/emergency/templates"),
    page("speak", "/speak"),
    page("run-sheet", "/today"),
    at("run-sheet-empty", "/today", "/today?date=2019-01-01"),
    page("week", "/week"),
    at("insert", "/change", "/change?zone=xa-a"),
    at(
        "change",
        "/change",
        "{change}&deed=move&reach=day&to_time=05:40&to_date={tomorrow}",
    ),
    page("rehearsal", "/rehearsal"),
    page("as-run", "/as-run"),
    page("time-to-air", "/time-to-air"),
    page("backup", "/backup"),
    page("settings", "/settings"),
    page("library", "/library"),
    at("library-empty", "/library", "/library?q=khong-co"),
    after("piece", "/library/{hash}", "/library/{hash}", WAVE),
    page("receivers", "/receivers"),
    page("users", "/users"),
    at("user", "/users/{user}", "/users/2"),
    page("audit", "/audit"),
    page("account", "/account"),
    page("totp", "/account/totp"),
    page("ca", "/ca"),
    after("api", "/api", "/api", OPEN),
];

/// What is shown to somebody who may only look: the same pages, with nothing on them to press.
const WATCHING: [Page; 10] = [
    page("watched-on-air", "/"),
    page("watched-run-sheet", "/today"),
    page("watched-week", "/week"),
    page("watched-rehearsal", "/rehearsal"),
    page("watched-as-run", "/as-run"),
    page("watched-time-to-air", "/time-to-air"),
    page("watched-library", "/library"),
    after("watched-piece", "/library/{hash}", "/library/{hash}", WAVE),
    page("watched-receivers", "/receivers"),
    page("watched-account", "/account"),
];

/// What is no page, but a part of one, a stream or a file.
const NO_PAGES: [&str; 16] = [
    "/backup/{name}",
    "/assets/{name}",
    "/ca.crt",
    "/zones/{code}/loa.sdp",
    "/live/air",
    "/live/receivers",
    "/live/emergency",
    "/live/speak",
    "/zones/{code}/listen.opus",
    "/zones/{code}/listen.webm",
    "/as-run.csv",
    "/library/{hash}/peaks",
    "/library/{hash}/sound.opus",
    "/uploads",
    "/healthz",
    "/metrics",
];

const fn page(name: &'static str, route: &'static str) -> Page {
    at(name, route, route)
}

const fn at(name: &'static str, route: &'static str, address: &'static str) -> Page {
    after(name, route, address, "")
}

const fn after(name: &'static str, route: &'static str, address: &'static str, before: &'static str) -> Page {
    Page {
        name,
        route,
        address,
        before,
    }
}

const MENU: &str =
    "const button = document.querySelector('[popovertarget]'); if (button.offsetParent) button.click()";
const DRILL: &str = "document.querySelector('[name=drill][value=true]').click();
                     document.querySelector('[name=what]').click()";
const SPEECH: &str = "document.querySelector('[name=what][value=speech]').click();
                      document.querySelector('[name=zone][value=xa-b]').click();
                      document.querySelector('details').open = true";
const OPEN: &str = "document.querySelectorAll('details').forEach((one, at) => { one.open = at < 6 })";
const WAVE: &str = "return new Promise((done) => setTimeout(done, 150))";

const PHONE: (u32, u32) = (390, 844);
const DESK: (u32, u32) = (1_440, 900);
/// The description of the API is longer than anybody looks at.
const LONGEST: u32 = 4_000;

#[test]
fn no_address_of_the_panel_is_left_out() {
    let answered: BTreeSet<_> = routes()
        .iter()
        .filter(|route| route.method == "GET" && !route.path.starts_with("/api/v1/"))
        .map(|route| route.path)
        .collect();
    let pages = OUTSIDE.iter().chain(&BETWEEN).chain(&INSIDE).chain(&WATCHING);
    let listed: BTreeSet<_> = pages.map(|page| page.route).chain(NO_PAGES).collect();
    assert_eq!(
        listed, answered,
        "list each new page above, so that it is looked at"
    );
}

#[test]
fn every_page_works_for_everybody_in_both_languages_small_and_large_light_and_dark() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = station(dir.path())?;
    let airs = on_air_soon(&station)?;
    let head_end = station.start()?;
    let receivers = receivers(&station)?;
    let begun = Instant::now();
    let mut review = Review::new(&station)?;

    enter_half(&review.browser, &station)?;
    review.look_at(&BETWEEN)?;
    log_out(&review.browser, &station)?;
    review.look_at(&OUTSIDE)?;
    review.browser.log_in(&station)?;
    write_emergency(&review.browser, &station)?;
    review.words = words(&review.browser, &station)?;
    sleep_until(airs);
    review.look_at(&INSIDE)?;
    log_out(&review.browser, &station)?;
    review.browser.log_in_as(&station, "mai")?;
    review.look_at(&WATCHING)?;

    println!("{} visits in {:?}", review.visits, begun.elapsed());
    let Review {
        findings, browser, ..
    } = review;
    ensure!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings.join("\n")
    );
    drop(browser);
    for receiver in receivers {
        receiver.stop()?;
    }
    head_end.stop()
}

/// Looks at pages, and keeps what is wrong with them.
struct Review<'a> {
    station: &'a Station,
    browser: Browser,
    axe: Axe,
    pictures: PathBuf,
    /// What stands in addresses for what is known only here.
    words: Vec<(&'static str, String)>,
    visits: usize,
    findings: Vec<String>,
}

impl<'a> Review<'a> {
    fn new(station: &'a Station) -> Result<Self> {
        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panel");
        if pictures.is_dir() {
            fs::remove_dir_all(&pictures)?;
        }
        fs::create_dir_all(&pictures)?;
        Ok(Self {
            station,
            browser: Browser::start()?,
            axe: Axe::new()?,
            pictures,
            words: Vec::new(),
            visits: 0,
            findings: Vec::new(),
        })
    }

    fn look_at(&mut self, pages: &[Page]) -> Result<()> {
        for (width, height) in [PHONE, DESK] {
            for dark in [false, true] {
                self.browser.look(Look { width, height, dark })?;
                for page in pages {
                    for lang in ["vi", "en"] {
                        let scheme = if dark { "dark" } else { "light" };
                        let picture = format!("{}-{lang}-{width}-{scheme}.png", page.name);
                        self.visit(page, lang, width, &picture)
                            .with_context(|| format!("while looking at {picture}"))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn visit(&mut self, page: &Page, lang: &str, width: u32, picture: &str) -> Result<()> {
        let mut address = page.address.to_owned();
        for (word, meaning) in &self.words {
            address = address.replace(word, meaning);
        }
        let joint = if address.contains('?') { '&' } else { '?' };
        let browser = &self.browser;
        browser.open(&self.station.url(&format!("{address}{joint}lang={lang}")))?;
        browser.script(page.before)?;
        let shown = browser.script(
            "const root = document.documentElement;
             return [root.lang, location.pathname, root.scrollWidth, document.title, !!document.querySelector('h1')]",
        )?;
        let mut findings = Vec::new();
        let path = address.split('?').next().unwrap_or_default();
        if shown[0] != lang || shown[1] != path || shown[4] != true {
            findings.push(format!("shows something else: {shown}"));
        }
        if shown[2].as_u64().is_none_or(|wide| wide > width.into()) {
            findings.push(format!("is {} px wide", shown[2]));
        }
        findings.extend(self.axe.findings(browser)?);
        fs::write(self.pictures.join(picture), browser.whole_page(LONGEST)?)?;
        let console = browser.console()?.into_iter();
        findings.extend(console.map(|line| format!("the console says {line}")));
        let home = self.station.url("/");
        let asked = browser.requests()?;
        let away = asked
            .iter()
            .filter(|url| !url.starts_with(&home) && !url.starts_with("data:") && !url.starts_with("blob:"));
        findings.extend(away.map(|url| format!("asks for {url}")));
        if !asked.iter().any(|url| url.starts_with(&home)) {
            findings.push("its requests were not seen".to_owned());
        }
        self.visits += 1;
        self.findings.extend(
            findings
                .into_iter()
                .map(|finding| format!("{picture}: {finding}")),
        );
        Ok(())
    }
}

/// Makes a station with something on every page: zones with long names, a week with a clash, a piece in two languages,
/// people, a token, and settings that take two persons.
fn station(dir: &Path) -> Result<Station> {
    let station = Station::new(dir)?;
    station.secure()?;
    for name in [
        "chuyen-muc-xa-a.m4a",
        "khan-cap.wav",
        "thong-bao.aiff",
        "nhac-nen.opus",
    ] {
        station.loa(&["media", "add", &demo_audio(name).display().to_string()])?;
    }
    let zones = station.write("zones.toml", ZONES)?;
    let week = station.write("week.toml", WEEK)?;
    station.loa(&["schedule", "import", &zones, &week])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    for viewer in ["hoa", "mai"] {
        station.loa_with_input(
            &["user", "add", viewer, "--role", "viewer@xa-a", "--password-stdin"],
            PASSWORD,
        )?;
    }
    let token = [
        "token",
        "add",
        "truc-ban",
        "man-hinh-hoi-truong",
        "--may",
        "see",
        "--days",
        "30",
    ];
    station.loa(&token)?;
    Ok(station)
}

/// Plans something that is on the air while the pages are looked at, and returns when.
fn on_air_soon(station: &Station) -> Result<loa_model::WallTime> {
    let at = second_from_now(8);
    let playlist = vec!["\"nhac-nen\""; 60].join(", ");
    let text = format!(
        "[[programme]]\ncode = \"nhac\"\ntitle = \"Ca nhạc theo yêu cầu bạn nghe đài\"\nplaylist = [{playlist}]\n\
         class = \"background\"\n[[slot]]\ncode = \"nhac\"\nprogramme = \"nhac\"\nzones = [\"xa-a\"]\nat = {}\n\
         order = 1\nmax_duration = \"10m\"\n",
        local_seconds(at)
    );
    let file = station.write("nhac.toml", &text)?;
    let (zones, week) = (
        station.write("zones.toml", ZONES)?,
        station.write("week.toml", WEEK)?,
    );
    station.loa(&["schedule", "import", &zones, &week, &file])?;
    station.loa(&["programme", "decide", "approve", "--all"])?;
    Ok(at)
}

/// Starts two receivers, and registers one that never reports.
fn receivers(station: &Station) -> Result<[Process; 2]> {
    let one = station.receiver("cot-dinh-lang", "thon-1", "null")?;
    let two = station.receiver("nha-van-hoa", "thon-3", "null")?;
    let third = station.receiver("cho-moi", "thon-2", "null")?;
    third.kill()?;
    for (code, place) in [
        ("cot-dinh-lang", "10.7769,106.7009"),
        ("nha-van-hoa", "10.7831,106.7102"),
        ("cho-moi", "10.7702,106.7188"),
    ] {
        station.loa(&["receiver", "place", code, place])?;
    }
    Ok([one, two])
}

/// Sets up one-time codes for a user, and logs in again as far as the code.
fn enter_half(browser: &Browser, station: &Station) -> Result<()> {
    browser.log_in_as(station, "hoa")?;
    browser.open(&station.url("/account/totp"))?;
    let key = browser.script("return document.querySelector('[name=key]').value")?;
    let key = key
        .as_str()
        .and_then(totp::key_from)
        .context("no key on the page")?;
    browser.type_into("[name=code]", &totp::code_of(&key, totp::step_at(now())))?;
    browser.type_into("[name=password]", PASSWORD)?;
    browser.click("main .primary")?;
    browser.wait_for("return !!document.querySelector('.codes')")?;
    log_out(browser, station)?;
    browser.type_into("input[name=name]", "hoa")?;
    browser.type_into("input[name=password]", PASSWORD)?;
    browser.click("main button")?;
    browser.wait_for("return location.pathname === '/login/code'")
}

fn log_out(browser: &Browser, station: &Station) -> Result<()> {
    browser.open(&station.url("/account/totp"))?;
    browser.script("document.querySelector('form[action=\"/logout\"]').requestSubmit()")?;
    browser.wait_for("return location.pathname === '/login' && document.readyState === 'complete'")
}

/// Writes an emergency that lies ready.
fn write_emergency(browser: &Browser, station: &Station) -> Result<()> {
    browser.open(&station.url("/emergency/templates"))?;
    let status = browser.script(
        "const hash = (name, title) =>
             [...document.querySelectorAll(`[name=${name}] option`)].find(({ text }) => text.startsWith(title)).value;
         const body = new URLSearchParams({ title: 'Lũ về trên sông Mây', repeats: '3', minutes: '20', signal: 'on', zone: 'xa-a',
             warning_text: 'Nước sông lên nhanh. Bà con ở ven sông lên chỗ cao ngay, đừng quay lại lấy đồ.',
             warning: hash('warning', 'khan-cap'), retraction_text: 'Nước đã rút, bà con có thể về nhà.',
             retraction: hash('retraction', 'thong-bao') });
         return fetch('/emergency/templates', { method: 'POST', body }).then(({ status }) => status)",
    )?;
    ensure!(status == 200, "the emergency was not kept: {status}");
    Ok(())
}

/// Returns what stands in addresses for what is known only at this station.
fn words(browser: &Browser, station: &Station) -> Result<Vec<(&'static str, String)>> {
    let tomorrow = local_seconds(now() + Duration::from_secs(86_400))[..10].to_owned();
    browser.open(&station.url(&format!("/week?zone=xa-a&date={tomorrow}")))?;
    let change = browser.script(&format!(
        "return [...document.querySelectorAll('a[href^=\"/change?slot=\"]')].map((link) => link.getAttribute('href'))
             .find((href) => href.includes('date={tomorrow}') && href.includes('time=05:00'))",
    ))?;
    let hash = browser.script(
        "return fetch('/api/v1/media').then((answer) => answer.json()).then((media) => media[0].hash)",
    )?;
    Ok(vec![
        (
            "{change}",
            change.as_str().context("nothing to change tomorrow")?.to_owned(),
        ),
        (
            "{hash}",
            hash.as_str().context("nothing in the library")?.to_owned(),
        ),
        ("{tomorrow}", tomorrow),
    ])
}

const ZONES: &str = r#"
[[zone]]
code = "tinh"
name = "Tỉnh Sông Mây"
channel = 1
[[zone]]
code = "xa-a"
name = "Xã Vĩnh Thạnh Trung"
parent = "tinh"
channel = 2
[[zone]]
code = "xa-b"
name = "Xã Bình Hòa"
parent = "tinh"
channel = 3
two_persons = true
[[zone]]
code = "thon-1"
name = "Thôn Đình"
parent = "xa-a"
channel = 4
language = "mnong"
[[zone]]
code = "thon-2"
name = "Thôn Chợ Mới"
parent = "xa-a"
channel = 5
[[zone]]
code = "thon-3"
name = "Thôn Bến Đò"
parent = "xa-b"
channel = 6
"#;

const WEEK: &str = r#"
[[programme]]
code = "ban-tin"
title = "Bản tin buổi sáng của tỉnh"
media = "thong-bao"
class = "priority"
chime = true
[[programme]]
code = "chuyen-muc"
title = "Chuyên mục phòng chống thiên tai và tìm kiếm cứu nạn của xã Vĩnh Thạnh Trung"
media = "chuyen-muc-xa-a"
languages = { mnong = "thong-bao" }
[[programme]]
code = "nhac-chieu"
title = "Ca nhạc buổi chiều"
media = "nhac-nen"
class = "background"
[[slot]]
code = "sang"
programme = "ban-tin"
zones = ["tinh"]
cron = "30 5 * * *"
max_duration = "30m"
[[slot]]
code = "chuyen-muc"
programme = "chuyen-muc"
zones = ["xa-a"]
cron = "0 5 * * *"
max_duration = "45m"
[[slot]]
code = "chieu"
programme = "nhac-chieu"
zones = ["xa-a", "xa-b"]
cron = "0 17 * * *"
max_duration = "45m"
"#;
