//! Programs we did not write play a zone from its SDP file: the stream is RFC 7587 and the sound is the programme.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_dsp::compare::find_by_envelope;
use loa_headend::workbench::{Recording, Station};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, second_from_now, sleep_until};
use loa_tests::sound::{by_ffmpeg, demo_audio};

#[test]
fn ffmpeg_and_gstreamer_play_a_zone_from_its_sdp() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    let file = demo_audio("ban-tin-tinh.mp3");
    // As it is: levelling changes the loudness over time, which is what is compared.
    station.loa(&["media", "add", "--as-is", &file.display().to_string()])?;
    // A zone for each player: GStreamer may say goodbye for itself, and ffmpeg takes anybody's goodbye for the end.
    let at = second_from_now(5);
    let airing = |code, zone| Airing {
        code,
        zone,
        media: "ban-tin-tinh",
        class: "normal",
        chime: false,
        at,
        max_duration: "1m",
    };
    import(
        &station,
        &[airing("ban-tin-a", "xa-a"), airing("ban-tin-b", "xa-b")],
    )?;
    let head_end = station.start()?;

    let described = |zone: &str| -> Result<String> {
        let sdp = ureq::get(&station.url(&format!("/zones/{zone}/loa.sdp")))
            .call()?
            .body_mut()
            .read_to_string()?;
        check_rfc7587(&sdp, station.port)?;
        station.write(&format!("{zone}.sdp"), &sdp)
    };
    let (to_ffmpeg, to_gstreamer) = (described("xa-a")?, described("xa-b")?);
    let (by_player, by_gstreamer) = (dir.path().join("ffmpeg.wav"), dir.path().join("gstreamer.wav"));

    let mut ffmpeg = Command::new("timeout");
    ffmpeg.args([
        "-k",
        "5",
        "-s",
        "INT",
        "30",
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-protocol_whitelist",
        "file,udp,rtp",
    ]);
    ffmpeg
        .args(["-i", &to_ffmpeg, "-ac", "1", "-ar", "48000"])
        .arg(&by_player);
    let mut gstreamer = Command::new("timeout");
    gstreamer.args([
        "-k",
        "5",
        "-s",
        "INT",
        "24",
        "gst-launch-1.0",
        "-q",
        "-e",
        "filesrc",
        &format!("location={to_gstreamer}"),
    ]);
    gstreamer.args("! sdpdemux ! rtpopusdepay ! opusdec ! audioconvert ! audioresample".split(' '));
    gstreamer.args("! audio/x-raw,format=S16LE,rate=48000,channels=1 ! wavenc !".split(' '));
    gstreamer.args(["filesink", &format!("location={}", by_gstreamer.display())]);
    let mut players = Vec::new();
    for player in [&mut ffmpeg, &mut gstreamer] {
        players.push(
            player
                .stdin(Stdio::null())
                .spawn()
                .context("`cargo xtask setup` installs the players")?,
        );
    }
    sleep_until(at + Duration::from_secs(18));
    // Its goodbye ends ffmpeg, which waits for packets for ever otherwise.
    head_end.stop()?;
    for player in &mut players {
        // What they wrote is what counts.
        player.wait()?;
    }

    let source = by_ffmpeg(&file)?;
    for (player, file) in [("ffmpeg", by_player), ("GStreamer", by_gstreamer)] {
        let heard = Recording::wav(&file).with_context(|| format!("{player} wrote no WAV"))?;
        // A player that joins on the first packet may miss a little of the beginning.
        let reference = source.part(48_000, source.samples.len());
        let found = find_by_envelope(reference, &heard.samples, 960)
            .with_context(|| format!("{player} wrote only {} samples", heard.samples.len()))?;
        println!("{player}: {found:?}");
        ensure!(
            found.correlation >= 0.95,
            "{player} did not play the programme: {found:?}"
        );
    }
    Ok(())
}

/// What RFC 7587 §7 and our documentation say must stand in the description.
fn check_rfc7587(sdp: &str, port: u16) -> Result<()> {
    for line in [
        &format!("m=audio {port} RTP/AVP 96"),
        "a=rtpmap:96 opus/48000/2",
        "a=ptime:60",
        "urn:ietf:params:rtp-hdrext:ntp-64",
    ] {
        ensure!(sdp.contains(line), "the SDP lacks \"{line}\":\n{sdp}");
    }
    Ok(())
}
