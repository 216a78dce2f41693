//! A real browser, driven over WebDriver (W3C WebDriver, and Chromium's log endpoint).

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use loa_headend::workbench::{PASSWORD, Station, USER};
use serde_json::{Value, json};

/// The Tab key, for [`Browser::press`].
pub const TAB: &str = "\u{e004}";
/// The Enter key, for [`Browser::press`].
pub const ENTER: &str = "\u{e007}";

/// How pages are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Of the page, pixels.
    pub width: u32,
    /// Of the page, pixels.
    pub height: u32,
    /// Whether dark colours are preferred.
    pub dark: bool,
}

/// Chromium without a window, in the network of the calling thread; ended when dropped.
pub struct Browser {
    driver: Child,
    session: String,
}

impl Browser {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// If Chromium or its driver is missing or does not start within 20 s.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Starts it with a microphone that says, over and over, what a WAV file holds.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn with_microphone(wav: &Path) -> Result<Self> {
        Self::start_with(&[
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            "--autoplay-policy=no-user-gesture-required",
            &format!("--use-file-for-fake-audio-capture={}", wav.display()),
        ])
    }

    fn start_with(more: &[&str]) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("`cargo xtask setup` installs chromium-driver")?;
        let mut browser = Self {
            driver,
            session: format!("http://127.0.0.1:{port}/session"),
        };
        // A station's own authority is not installed in this browser.
        let args: Vec<_> = ["--headless=new", "--no-sandbox", "--disable-gpu"]
            .iter()
            .chain(more)
            .collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:chromeOptions": { "args": args },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        }}});
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match browser.post("", &wanted) {
                Ok(session) => {
                    let id = session["sessionId"].as_str().context("a session without an id")?;
                    browser.session = format!("{}/{id}", browser.session);
                    return Ok(browser);
                }
                Err(error) => ensure!(Instant::now() < deadline, "the browser does not start: {error:#}"),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Logs in as the user that every test station has.
    ///
    /// # Errors
    ///
    /// If the station does not let it in.
    pub fn log_in(&self, station: &Station) -> Result<()> {
        self.log_in_as(station, USER)
    }

    /// Logs in as another user who has the same password.
    ///
    /// # Errors
    ///
    /// If the station does not let it in.
    pub fn log_in_as(&self, station: &Station, name: &str) -> Result<()> {
        self.open(&station.url("/login"))?;
        self.type_into("input[name=name]", name)?;
        self.type_into("input[name=password]", PASSWORD)?;
        self.click("main button")?;
        self.wait_for("return location.pathname === '/'")
    }

    /// Opens a page and waits until it is loaded.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn open(&self, url: &str) -> Result<()> {
        self.post("/url", &json!({ "url": url })).map(drop)
    }

    /// Sets the size of the window.
    ///
    /// # Errors
    ///
    /// If the browser refuses.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.post("/window/rect", &json!({ "width": width, "height": height }))
            .map(drop)
    }

    /// Looks at pages on a screen of this size, as narrow as a phone's too, in light or in the dark.
    ///
    /// # Errors
    ///
    /// If the browser refuses.
    pub fn look(&self, look: Look) -> Result<()> {
        let Look { width, height, dark } = look;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &size)?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &media).map(drop)
    }

    /// Returns the page from its head to its foot as a PNG file's bytes, no longer than so many pixels.
    ///
    /// # Errors
    ///
    /// If the browser refuses.
    pub fn whole_page(&self, longest: u32) -> Result<Vec<u8>> {
        let size =
            self.script("const root = document.documentElement; return [innerWidth, root.scrollHeight]")?;
        let height = size[1].as_u64().context("no height")?.min(longest.into());
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": height, "scale": 1 });
        let wanted =
            json!({ "format": "png", "captureBeyondViewport": true, "optimizeForSpeed": true, "clip": clip });
        let picture = self.devtools("Page.captureScreenshot", &wanted)?;
        Ok(BASE64.decode(picture["data"].as_str().context("no picture")?)?)
    }

    /// Has Chromium do what its developer tools can.
    fn devtools(&self, command: &str, parameters: &Value) -> Result<Value> {
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
    }

    /// Types into the first element that fits a CSS selector.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        let element = self.element(selector)?;
        self.post(&format!("/element/{element}/value"), &json!({ "text": text }))
            .map(drop)
    }

    /// Clicks the first element that fits a CSS selector.
    ///
    /// # Errors
    ///
    /// If there is none, or something lies over it.
    pub fn click(&self, selector: &str) -> Result<()> {
        let element = self.element(selector)?;
        self.post(&format!("/element/{element}/click"), &json!({}))
            .map(drop)
    }

    /// Presses keys one after another, wherever the focus is; see [`TAB`] and [`ENTER`].
    ///
    /// # Errors
    ///
    /// If the browser refuses.
    pub fn press(&self, keys: &str) -> Result<()> {
        let stroke = |key: char| [key_action(key, true), key_action(key, false)];
        self.act("key", "keyboard", &keys.chars().flat_map(stroke).collect())
    }

    /// Presses a key and holds it, or lets go of it.
    ///
    /// # Errors
    ///
    /// If the browser refuses.
    pub fn hold_key(&self, key: char, is_down: bool) -> Result<()> {
        self.act("key", "keyboard", &json!([key_action(key, is_down)]))
    }

    /// Presses Tab until a script says that the focus is where it should be.
    ///
    /// # Errors
    ///
    /// If that is nowhere within 200 stops.
    pub fn tab_to(&self, script: &str) -> Result<()> {
        for _ in 0..200 {
            if self.script(script)? == json!(true) {
                return Ok(());
            }
            self.press(TAB)?;
        }
        bail!("Tab never came to where `{script}` is true")
    }

    /// Presses the pointer on the first element that fits a CSS selector, and holds it there.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn hold(&self, selector: &str) -> Result<()> {
        let element = self.element(selector)?;
        let actions = json!([on_element(&element), { "type": "pointerDown", "button": 0 }]);
        self.act("pointer", "mouse", &actions)
    }

    /// Lets go of what is held.
    ///
    /// # Errors
    ///
    /// If the browser refuses.
    pub fn release(&self) -> Result<()> {
        let actions = json!([{ "type": "pointerUp", "button": 0 }]);
        self.act("pointer", "mouse", &actions)
    }

    /// Drags the first element that fits a CSS selector by so many pixels, as a mouse does.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn drag(&self, selector: &str, dx: i32, dy: i32) -> Result<()> {
        let element = self.element(selector)?;
        let half = |part: i32| part / 2;
        let go = |dx: i32, dy: i32| json!({ "type": "pointerMove", "duration": 50, "origin": "pointer", "x": dx, "y": dy });
        let actions = json!([
            on_element(&element),
            { "type": "pointerDown", "button": 0 },
            go(half(dx), half(dy)),
            go(dx - half(dx), dy - half(dy)),
            { "type": "pointerUp", "button": 0 },
        ]);
        self.act("pointer", "mouse", &actions)
    }

    /// Draws with the mouse from the first point to the others, one after another; pixels of the window.
    ///
    /// # Errors
    ///
    /// If there is no point, or one lies outside the window.
    pub fn draw(&self, points: &[(i64, i64)]) -> Result<()> {
        let go = |(x, y): &(i64, i64)| json!({ "type": "pointerMove", "duration": 50, "origin": "viewport", "x": x, "y": y });
        let (first, others) = points.split_first().context("nothing to draw")?;
        let mut actions = vec![go(first), json!({ "type": "pointerDown", "button": 0 })];
        actions.extend(others.iter().map(go));
        actions.push(json!({ "type": "pointerUp", "button": 0 }));
        self.act("pointer", "mouse", &Value::Array(actions))
    }

    fn act(&self, kind: &str, id: &str, actions: &Value) -> Result<()> {
        let source = json!({ "type": kind, "id": id, "actions": actions });
        self.post("/actions", &json!({ "actions": [source] })).map(drop)
    }

    /// Says yes to the question that the page asks.
    ///
    /// # Errors
    ///
    /// If it asks none.
    pub fn accept(&self) -> Result<()> {
        self.post("/alert/accept", &json!({})).map(drop)
    }

    /// Runs a script in the page and returns what it returns.
    ///
    /// # Errors
    ///
    /// If the script throws.
    pub fn script(&self, script: &str) -> Result<Value> {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script in the page and returns what it hands to its last argument, a function.
    ///
    /// # Errors
    ///
    /// If the script throws, or does not answer within 30 s.
    pub fn script_that_answers(&self, script: &str) -> Result<Value> {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Waits until a script returns true. One that throws, in a page that is not yet whole, may still.
    ///
    /// # Errors
    ///
    /// If it did not within 10 s.
    pub fn wait_for(&self, script: &str) -> Result<()> {
        self.wait_for_within(Duration::from_secs(10), script)
    }

    /// Waits as [`wait_for`](Self::wait_for) does, as long as that.
    ///
    /// # Errors
    ///
    /// If it did not return true by then; what it returned or threw last stands in the message.
    pub fn wait_for_within(&self, span: Duration, script: &str) -> Result<()> {
        let deadline = Instant::now() + span;
        loop {
            let said = match self.script(script) {
                Ok(Value::Bool(true)) => return Ok(()),
                Ok(said) => said.to_string(),
                // A question that nobody expects is no page that still loads.
                Err(error) if error.to_string().contains("unexpected alert") => return Err(error),
                Err(error) => format!("{error:#}"),
            };
            if Instant::now() > deadline {
                let shown = self
                    .script("return `${location}: ${document.body.innerText.slice(0, 500)}`")
                    .map_or_else(|error| format!("{error:#}"), |shown| shown.to_string());
                bail!("`{script}` was not true within {span:?}, but last: {said}; at {shown}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Returns the page as a PNG file's bytes.
    ///
    /// # Errors
    ///
    /// If the browser refuses.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let url = format!("{}/screenshot", self.session);
        let answer: Value = ureq::get(&url)
            .call()?
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_json()?;
        Ok(BASE64.decode(answer["value"].as_str().context("no picture")?)?)
    }

    /// Takes what the console said that somebody should look at.
    ///
    /// # Errors
    ///
    /// If the browser refuses.
    pub fn console(&self) -> Result<Vec<String>> {
        let entries = self.post("/se/log", &json!({ "type": "browser" }))?;
        let bad = entries
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["level"] != "INFO");
        Ok(bad.map(ToString::to_string).collect())
    }

    /// Takes the addresses that were asked for.
    ///
    /// # Errors
    ///
    /// If the browser refuses.
    pub fn requests(&self) -> Result<Vec<String>> {
        let entries = self.post("/se/log", &json!({ "type": "performance" }))?;
        let mut urls = Vec::new();
        for entry in entries.as_array().into_iter().flatten() {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap_or("{}"))?;
            if message["message"]["method"] == "Network.requestWillBeSent" {
                urls.extend(
                    message["message"]["params"]["request"]["url"]
                        .as_str()
                        .map(str::to_owned),
                );
            }
        }
        Ok(urls)
    }

    fn element(&self, selector: &str) -> Result<String> {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }))?;
        let id = found
            .as_object()
            .and_then(|object| object.values().next())
            .and_then(Value::as_str);
        Ok(id.with_context(|| format!("no element {selector}"))?.to_owned())
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut answer = agent.post(format!("{}{path}", self.session)).send_json(body)?;
        let text: Value = answer.body_mut().read_json()?;
        if !answer.status().is_success() {
            bail!("the browser refused {path}: {}", text["value"]["message"]);
        }
        Ok(text["value"].clone())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closes Chromium; what is left goes with the driver.
        let _ = ureq::delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn key_action(key: char, is_down: bool) -> Value {
    let what = if is_down { "keyDown" } else { "keyUp" };
    json!({ "type": what, "value": key.to_string() })
}

/// Moves the pointer onto an element.
fn on_element(element: &str) -> Value {
    let origin = json!({ "element-6066-11e4-a52e-4f735466cecf": element });
    json!({ "type": "pointerMove", "duration": 0, "origin": origin, "x": 0, "y": 0 })
}
