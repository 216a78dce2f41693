//! Two receivers of one programme, one of them with a sound card that runs fast: together within a millisecond.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loa_dsp::compare::find_lag;
use loa_headend::workbench::{Recording, Station};
use loa_tests::network::enter_own_network;
use loa_tests::schedule::{Airing, import, second_from_now, sleep_until};
use loa_tests::sound::demo_audio;

#[test]
fn two_receivers_are_together_within_a_millisecond() -> Result<()> {
    enter_own_network()?;
    let dir = tempfile::tempdir()?;
    let station = Station::new(dir.path())?;
    station.loa(&[
        "media",
        "add",
        &demo_audio("ban-tin-tinh.mp3").display().to_string(),
    ])?;
    import(&station, &[])?;
    let head_end = station.start()?;
    let wavs = ["thon-1", "xa-b"].map(|zone| dir.path().join(format!("{zone}.wav")));
    let receivers = [
        station.receiver("loa-1", "thon-1", &format!("wav:{}", wavs[0].display()))?,
        station.receiver("loa-2", "xa-b", &format!("wav:{}?skew_ppm=80", wavs[1].display()))?,
    ];
    // The clock of the fast card is learned while nothing is on air, as it is on a pole.
    let start = second_from_now(15);
    let programme = Airing {
        code: "ban-tin",
        zone: "tinh",
        media: "ban-tin-tinh",
        class: "priority",
        chime: true,
        at: start,
        max_duration: "1m",
    };
    import(&station, &[programme])?;
    sleep_until(start + Duration::from_secs(18));
    let mut heard = Vec::new();
    for (receiver, wav) in receivers.into_iter().zip(&wavs) {
        let lines = receiver.lines();
        receiver.stop()?;
        heard.push(Recording::of_receiver(wav, &lines)?);
    }
    head_end.stop()?;
    let mut alike = 0;
    for s in [1, 5, 9, 13] {
        let at = start + Duration::from_secs(s);
        let [one, two] = [&heard[0], &heard[1]].map(|recording| recording.at(at, 2 * 48_000));
        let lag = find_lag(one, two, 960).with_context(|| format!("too little sound at {s} s"))?;
        let ms = lag.offset as f64 / 48.0;
        println!(
            "{s} s into the programme: {ms:+.3} ms, correlation {:.3}",
            lag.correlation
        );
        // Where the machine stood still they are not alike, and what fits best says nothing.
        if lag.correlation > 0.9 {
            ensure!(ms.abs() <= 1.0, "at {s} s: {lag:?}");
            alike += 1;
        }
    }
    ensure!(alike >= 3, "they are alike in {alike} of 4 places only");
    Ok(())
}
