//! A real browser, driven over WebDriver (W3C WebDriver, and Chromium's log endpoint).

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

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
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:chromeOptions": { "args": ["--headless=new", "--no-sandbox", "--disable-gpu"] },
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

    /// Waits until a script returns true.
    ///
    /// # Errors
    ///
    /// If it did not within 10 s.
    pub fn wait_for(&self, script: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.script(script)? != json!(true) {
            ensure!(Instant::now() < deadline, "`{script}` was not true within 10 s");
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
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
